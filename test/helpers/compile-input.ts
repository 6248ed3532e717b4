// SPDX-License-Identifier: Apache-2.0
import { type CompileContext, createContext } from '../../runtime/compile/context.ts'
import type { HostFacts, PlanRequest } from '../../runtime/facts/request.ts'
import { OPS, type Op } from '../../runtime/plan/ops.ts'
import type { Spec } from '../../spec/runtime/config.ts'
import type { Linux } from '../../spec/runtime/linux.ts'
import type { LinuxNamespaceType } from '../../spec/runtime/namespaces.ts'
import type { Process } from '../../spec/runtime/process.ts'

/** A host without cgroups, seen by its root; `patch` changes single facts. */
export function makeFacts(patch: Partial<HostFacts> = {}): HostFacts {
  return {
    time: '2026-01-01T00:00:00.000000000Z',
    pid: 100,
    uid: 0,
    gid: 0,
    cwd: '/',
    umask: 0o22,
    kernel: '6.1.0',
    machine: 'x86_64',
    cgroup: '',
    mountinfo: '21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n22 21 0:20 / /proc rw - proc proc rw\n',
    uidMap: '         0          0 4294967295\n',
    gidMap: '         0          0 4294967295\n',
    lsm: [],
    env: new Map(),
    ...patch,
  }
}

/** A process that runs `sh` as root. */
export function makeProcess(patch: Partial<Process> = {}): Process {
  return { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/', ...patch }
}

export function namespaces(...types: readonly LinuxNamespaceType[]): NonNullable<Linux['namespaces']> {
  return types.map((type) => ({ type }))
}

/** A config with the usual namespaces and nothing else; `linux` is laid over its own. */
export function makeSpec(patch: Omit<Partial<Spec>, 'linux'> & { readonly linux?: Linux } = {}): Spec {
  const usual = namespaces('pid', 'network', 'ipc', 'uts', 'mount')
  return {
    ociVersion: '1.3.0',
    process: makeProcess(),
    root: { path: 'rootfs' },
    ...patch,
    linux: { namespaces: usual, ...patch.linux },
  }
}

export function makeRequest(patch: Partial<PlanRequest> = {}): PlanRequest {
  const facts = patch.facts ?? makeFacts()
  return {
    ...{ verb: 'create', id: 'box', bundle: '/bundle', root: '/run/tsrun', options: new Map(), args: [], config: '' },
    ...patch,
    facts,
  }
}

/** What compile functions are called with; what they warn of is collected beside it. */
export function makeContext(
  spec: Spec = makeSpec(),
  patch: Partial<PlanRequest> = {},
): CompileContext & { readonly warnings: readonly string[] } {
  const warnings: string[] = []
  return { ...createContext(makeRequest(patch), spec, spec.process ?? makeProcess(), warnings), warnings }
}

const propagations: Readonly<Record<number, string>> = {
  131072: 'unbindable',
  262144: 'private',
  524288: 'slave',
  1048576: 'shared',
}

/** An op as one line: its name, then its arguments in the order of the wire format. */
export function showOp(op: Op): string {
  const { args, signature } = OPS[op.kind]
  const values = op as unknown as Readonly<Record<string, unknown>>
  const words = args.map((name, index) => showArgument(name, signature[index] ?? '', values[name]))
  const tolerate = op.tolerate?.length ? `~${op.tolerate.join()}` : ''
  return [op.kind, ...words, tolerate].filter((word) => word !== '').join(' ')
}

export function showOps(ops: readonly Op[]): readonly string[] {
  return ops.map(showOp)
}

function showArgument(name: string, letter: string, value: unknown): string {
  if ('PTFO'.includes(letter)) return value === null ? '' : `#${value}`
  if (letter === 'v') return `[${(value as readonly string[]).join(' ')}]`
  if (name === 'propagation') return showPropagation(value as number)
  if (name === 'recursive') return value === 1 ? 'recursive' : ''
  if (name === 'set') return value === 0n ? '' : `+${(value as bigint).toString(16)}`
  if (name === 'clear') return value === 0n ? '' : `-${(value as bigint).toString(16)}`
  if (name === 'mode') return `0${(value as number).toString(8)}`
  if (name === 'attr') return `+${(value as number).toString(16)}`
  if (letter === 'b') return JSON.stringify(value)
  return String(value)
}

function showPropagation(value: number): string {
  if (value === 0) return ''
  return `${(value & 0x4000) === 0 ? '' : 'r'}${propagations[value & ~0x4000] ?? `propagation ${value}`}`
}
