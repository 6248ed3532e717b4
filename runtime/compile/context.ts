// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import { pointerLabel } from '../../spec/pointer.ts'
import type { Spec } from '../../spec/runtime/config.ts'
import type { Linux } from '../../spec/runtime/linux.ts'
import type { LinuxNamespace, LinuxNamespaceType } from '../../spec/runtime/namespaces.ts'
import type { Process } from '../../spec/runtime/process.ts'
import type { HostFacts, PlanRequest } from '../facts/request.ts'
import type { FdSlot, Provenance } from '../plan/ops.ts'
import { SlotAllocator } from '../plan/slots.ts'

/** Characters of an object's name that a message shows. */
const MOST_SHOWN = 200

/** What all steps of one compilation see. */
export interface CompileContext {
  readonly request: PlanRequest
  readonly spec: Spec
  readonly linux: Linux
  /** exec: the process to add, not that of the config. */
  readonly process: Process
  readonly facts: HostFacts
  readonly slots: SlotAllocator
  /** The container has a user namespace of its own, or the caller is in one: device nodes cannot be made. */
  readonly userNamespace: boolean
  /** The caller is not root of the host. */
  readonly rootless: boolean
  /** The tree of the root file system, until it is attached. */
  readonly rootSlot: () => FdSlot
  /** Slots of trees and targets that are used up by the op after the one that fills them. */
  readonly treeSlot: () => FdSlot
  readonly targetSlot: () => FdSlot
  /** Collects what is told, and no reason to fail. */
  readonly warn: (text: string) => void
}

export function createContext(request: PlanRequest, spec: Spec, process: Process, warnings: string[]): CompileContext {
  const slots = new SlotAllocator()
  const inside = isInUserNamespace(request.facts)
  return {
    request,
    spec,
    linux: spec.linux ?? {},
    process,
    facts: request.facts,
    slots,
    userNamespace: inside || findNamespace(spec.linux, 'user') !== undefined,
    rootless: isRootless(request, inside),
    rootSlot: once(() => slots.next()),
    treeSlot: once(() => slots.next()),
    targetSlot: once(() => slots.next()),
    warn: (text) => warnings.push(text),
  }
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** Only the initial user namespace maps every id onto itself. */
export function isInUserNamespace({ uidMap }: HostFacts): boolean {
  return !/^\s*0\s+0\s+4294967295\s*$/.test(uidMap)
}

/** Errors: usage for a --rootless that is no boolean. */
function isRootless({ options, facts }: PlanRequest, inside: boolean): boolean {
  const told = option({ options }, 'rootless') || 'auto'
  if (told === 'auto') return facts.uid !== 0 || inside
  if (/^(1|t|T|TRUE|true|True)$/.test(told)) return true
  if (/^(0|f|F|FALSE|false|False)$/.test(told)) return false
  throw new TsrunError('usage', `--rootless: ${JSON.stringify(told)} is none of true, false, auto`)
}

/** The container's own namespace of a type, new or joined. */
export function findNamespace(linux: Linux | undefined, type: LinuxNamespaceType): LinuxNamespace | undefined {
  for (const namespace of linux?.namespaces ?? []) if (namespace.type === type) return namespace
  return undefined
}

/** An empty path counts as none. */
export function isNew(namespace: LinuxNamespace | undefined): boolean {
  return namespace !== undefined && (namespace.path ?? '') === ''
}

/** The container shares the mount namespace of its caller. Spec: config-linux.md#namespaces */
export function inheritsMounts({ linux }: Pick<CompileContext, 'linux'>): boolean {
  return findNamespace(linux, 'mount') === undefined
}

/** Provenance of an op that a field of the config caused; `object` tells one item from the next. */
export function origin(pointer: string, object?: string | undefined): Provenance {
  const label = pointerLabel(pointer)
  return { cause: pointer, label: object === undefined ? label : `${label} (${shorten(object)})` }
}

/** An object may be anything that fits into a config, a message has to be read. */
function shorten(text: string): string {
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}...`
}

/** Provenance of what the specification or safety asks for, whatever the config says. */
export function byRuntime(label: string): Provenance {
  return { cause: 'runtime', label }
}

export function byFlag(name: string): Provenance {
  return { cause: `flag:--${name}`, label: `--${name}` }
}

/** A flag that is given once. */
export function option({ options }: Pick<PlanRequest, 'options'>, name: string): string | undefined {
  const value = options.get(name)
  return typeof value === 'string' ? value : value?.at(-1)
}

/** A repeatable flag. */
export function optionList({ options }: Pick<PlanRequest, 'options'>, name: string): readonly string[] {
  const value = options.get(name) ?? []
  return typeof value === 'string' ? [value] : value
}

export function hasFlag(request: Pick<PlanRequest, 'options'>, name: string): boolean {
  return option(request, name) === 'true'
}

/** A path of the host as the config means it: relative ones count from the bundle. */
export function hostPath({ bundle }: Pick<PlanRequest, 'bundle'>, path: string): string {
  return path.startsWith('/') ? path : `${bundle}/${path}`
}

/** '/a/b' for any spelling of an absolute path, by its text alone. */
export function cleanPath(path: string): string {
  const clean = path.startsWith('/') && !path.endsWith('/') && !path.includes('//') && !path.includes('/.')
  if (clean) return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

export function invalid(pointer: string, object: string | undefined, what: string): TsrunError {
  return new TsrunError('invalid-config', `${origin(pointer, object).label}: ${what}`, { pointer })
}

export function notSupported(pointer: string, what = 'not supported by this version of tsrun'): TsrunError {
  return new TsrunError('not-supported', `${pointerLabel(pointer)}: ${what}`, { pointer })
}
