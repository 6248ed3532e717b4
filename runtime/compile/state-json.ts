// SPDX-License-Identifier: Apache-2.0
import type { LinuxNamespaceType } from '../../spec/runtime/namespaces.ts'
import { specVersion } from '../../spec/version.ts'
import type { Unit } from '../cgroups/systemd/unit.ts'
import { PLACEHOLDER } from '../plan/plan.ts'
import { type CompileContext, cleanPath, findNamespace, hasFlag, hostPath } from './context.ts'

/** A text that is known only when the template is filled. It stands in JSON as it is, quotes included. */
class Raw {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const PID = new Raw(PLACEHOLDER.pid)
const STATUS = new Raw(`"${PLACEHOLDER.status}"`)
const START_TIME = new Raw(PLACEHOLDER.startTime)

/**
 * JSON with placeholders in it. Not JSON.stringify and a search for a marker: a text of the config could look like the
 * marker. Any control byte of the config's own is escaped, so no other byte can be taken for a placeholder.
 */
export function toTemplate(value: unknown, indent = 0, depth = 1): string {
  if (value instanceof Raw) return value.text
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const array = Array.isArray(value)
  const open = array ? '[' : '{'
  const close = array ? ']' : '}'
  const items: string[] = []
  if (array) {
    for (const item of value) items.push(toTemplate(item, indent, depth + 1))
  } else {
    const colon = indent > 0 ? ': ' : ':'
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) items.push(JSON.stringify(key) + colon + toTemplate(item, indent, depth + 1))
    }
  }
  if (indent === 0 || items.length === 0) return `${open}${items.join(',')}${close}`
  const line = `\n${' '.repeat(indent * depth)}`
  return `${open}${line}${items.join(`,${line}`)}\n${' '.repeat(indent * (depth - 1))}${close}`
}

/** Names of namespaces in runc's state.json, and of their files below /proc/PID/ns. */
const namespaceNames: readonly (readonly [type: LinuxNamespaceType, name: string, file: string])[] = [
  ['mount', 'NEWNS', 'mnt'],
  ['network', 'NEWNET', 'net'],
  ['uts', 'NEWUTS', 'uts'],
  ['ipc', 'NEWIPC', 'ipc'],
  ['pid', 'NEWPID', 'pid'],
  ['user', 'NEWUSER', 'user'],
  ['cgroup', 'NEWCGROUP', 'cgroup'],
  ['time', 'NEWTIME', 'time'],
]

/** Directory of the container's root on the host. */
export function rootfsPath({ request, spec }: CompileContext): string {
  return cleanPath(hostPath(request, spec.root?.path ?? ''))
}

function annotationsOf({ spec }: CompileContext): Readonly<Record<string, string>> | undefined {
  const annotations = spec.annotations ?? {}
  return Object.keys(annotations).length === 0 ? undefined : annotations
}

export interface StatePaths {
  /** Controller -> directory; '' is the unified hierarchy. */
  readonly cgroups: Readonly<Record<string, string>>
  readonly intelRdt: string
  readonly intelRdtMonitor: string
}

/** Template of state.json: the keys that other tools look for in runc's, and what `exec` wants to know. */
export function stateJsonTemplate(context: CompileContext, paths: StatePaths, unit?: Unit | undefined): string {
  const { request, spec, linux, facts, rootless } = context
  const namespaces: { type: string; path: string }[] = []
  const namespacePaths: Record<string, string | Raw> = {}
  for (const [type, name, file] of namespaceNames) {
    const own = findNamespace(linux, type)
    if (own !== undefined) namespaces.push({ type: name, path: own.path ?? '' })
    namespacePaths[name] = own?.path || new Raw(`"/proc/${PLACEHOLDER.pid}/ns/${file}"`)
  }
  const labels: string[] = []
  for (const [key, value] of Object.entries(spec.annotations ?? {})) labels.push(`${key}=${value}`)
  labels.push(`bundle=${request.bundle}`)
  return toTemplate({
    id: request.id,
    init_process_pid: PID,
    init_process_start: START_TIME,
    created: facts.time,
    config: {
      no_pivot_root: hasFlag(request, 'no-pivot'),
      rootfs: rootfsPath(context),
      readonlyfs: spec.root?.readonly ?? false,
      hostname: spec.hostname ?? '',
      namespaces,
      cgroups: cgroupsOf(unit, linux.cgroupsPath, rootless),
      uid_mappings: toMappings(linux.uidMappings),
      gid_mappings: toMappings(linux.gidMappings),
      version: specVersion,
      labels,
      no_new_keyring: hasFlag(request, 'no-new-keyring'),
      rootless_euid: facts.uid !== 0,
      rootless_cgroups: rootless,
    },
    rootless,
    cgroup_paths: paths.cgroups,
    namespace_paths: namespacePaths,
    external_descriptors: [],
    intel_rdt_path: paths.intelRdt,
    intel_rdt_mon_path: paths.intelRdtMonitor,
  })
}

function cgroupsOf(unit: Unit | undefined, path = '', rootless: boolean): object {
  if (unit === undefined) return { path, Systemd: false, Rootless: rootless }
  return { name: unit.id, parent: unit.slice, path: '', scope_prefix: unit.prefix, Systemd: true, Rootless: rootless }
}

function toMappings(mappings: CompileContext['linux']['uidMappings']): readonly object[] | undefined {
  return mappings?.map(({ containerID, hostID, size }) => ({
    container_id: containerID,
    host_id: hostID,
    size,
  }))
}

/** Template of what `state` prints: runc's keys, in its order. */
export function stateOutputTemplate(context: CompileContext): string {
  const { request, facts } = context
  return toTemplate(
    {
      ociVersion: specVersion,
      id: request.id,
      pid: PID,
      status: STATUS,
      bundle: request.bundle,
      rootfs: rootfsPath(context),
      created: facts.time,
      annotations: annotationsOf(context),
      owner: '',
    },
    2,
  )
}

/**
 * The state of the specification, whose version is that of the state and not of the config. A container that is gone has no
 * pid. Spec: runtime.md#state
 */
function stateOf(context: CompileContext, pid: Raw | undefined): object {
  const { request } = context
  return {
    ociVersion: specVersion,
    id: request.id,
    status: STATUS,
    pid,
    bundle: request.bundle,
    annotations: annotationsOf(context),
  }
}

/** Template of what a hook reads from its stdin. Spec: config.md#posix-platform-hooks */
export function hookStateTemplate(context: CompileContext, stopped: boolean): string {
  return toTemplate(stateOf(context, stopped ? undefined : PID))
}

/** Template of what goes to a seccomp agent. Spec: config-linux.md#the-container-process-state */
export function seccompStateTemplate(context: CompileContext): string {
  return toTemplate({
    ociVersion: specVersion,
    fds: ['seccompFd'],
    pid: PID,
    metadata: context.linux.seccomp?.listenerMetadata || undefined,
    state: stateOf(context, PID),
  })
}

/** What `exec` takes from a container's state.json. Broken or foreign contents count as absent. */
export function readState(
  text: string | undefined,
): StatePaths & { readonly noNewKeyring: boolean; readonly systemd: boolean } {
  const state = parseObject(text)
  const config = state['config']
  return {
    cgroups: toPaths(state['cgroup_paths']),
    intelRdt: toText(state['intel_rdt_path']),
    intelRdtMonitor: toText(state['intel_rdt_mon_path']),
    noNewKeyring: isObject(config) && config['no_new_keyring'] === true,
    systemd: isObject(config) && isObject(config['cgroups']) && config['cgroups']['Systemd'] === true,
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function toPaths(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
