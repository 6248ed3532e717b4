// SPDX-License-Identifier: Apache-2.0
// Every claim of `tsrun features` is tried: a config that uses it compiles, and does something; what is not claimed is refused.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { HONOURED } from '../../runtime/compile/annotations.ts'
import type { HostFacts, PlanRequest } from '../../runtime/facts/request.ts'
import { makeFeatures } from '../../runtime/lifecycle/make-features.ts'
import type { Op } from '../../runtime/plan/ops.ts'
import type { Plan } from '../../runtime/plan/plan.ts'
import { planFromRequest } from '../../runtime/plan-request.ts'
import { TsrunError } from '../../spec/error.ts'
import { factsOf, hybrid, unified } from '../unit/runtime/cgroups/hosts.ts'
import type { Json } from '../unit/spec/configs.ts'
import { MOUNT_OPTIONS } from './mount-options.ts'
import { linuxFields } from './table.ts'

const features = makeFeatures({ version: '1', commit: 'c', libseccomp: '2.6.0', libsystemd: '252' })
const claimed = features.linux ?? {}
const v2: HostFacts = { ...factsOf(unified), lsm: ['apparmor', 'selinux'] }
const withResctrl = { ...v2, mountinfo: `${v2.mountinfo}50 21 0:50 / /sys/fs/resctrl rw - resctrl resctrl rw\n` }

/** A small config with changes at the top, in process and in linux. */
function planOf(changes: { top?: Json; process?: Json; linux?: Json }, facts = v2, options: Json = {}): Plan {
  const config = {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { args: ['sh'], cwd: '/', user: { uid: 0, gid: 0 }, ...changes.process },
    linux: { namespaces: [{ type: 'mount' }, { type: 'network' }], ...changes.linux },
    ...changes.top,
  }
  const request: PlanRequest = {
    ...{ verb: 'create', id: 'box', bundle: '/bundle', root: '/run/tsrun', args: [], config: JSON.stringify(config) },
    options: new Map(Object.entries(options)) as PlanRequest['options'],
    facts,
  }
  return planFromRequest(request)
}

function isRefused(call: () => unknown): boolean {
  try {
    call()
    return false
  } catch (e: unknown) {
    if (e instanceof TsrunError) return true
    throw e
  }
}

function opsOf({ sections }: Plan): readonly Op[] {
  return Object.values(sections).flat()
}

function hasOp(plan: Plan, kind: Op['kind']): boolean {
  return opsOf(plan).some((op) => op.kind === kind)
}

/** Names of a field in the schema: what is not among them is refused there. */
function namesOf(path: string): readonly string[] {
  return [...(linuxFields().find((field) => field.path === path)?.names ?? [])].sort()
}

const sorted = (names: readonly string[] | undefined): readonly string[] => [...(names ?? [])].sort()

test('versions', () => {
  for (const ociVersion of [features.ociVersionMin, features.ociVersionMax]) {
    assert.equal(planOf({ top: { ociVersion } }).warnings, [])
  }
  assert.ok(isRefused(() => planOf({ top: { ociVersion: '0.9.0' } })))
  assert.is(planOf({ top: { ociVersion: '1.99.0' } }).warnings.length, 1)
})

test('hooks', () => {
  const known = linuxFields().filter(({ path, type }) => /^hooks\.\w+$/.test(path) && type === 'list')
  assert.equal(sorted(features.hooks), sorted(known.map(({ path }) => path.slice('hooks.'.length))))
  for (const kind of features.hooks ?? []) {
    assert.ok(hasOp(planOf({ top: { hooks: { [kind]: [{ path: '/bin/true' }] } } }), 'hook'), kind)
  }
})

/** What a mount has with these options, on a file system of its own and on a bind mount. */
function mountOps(options: readonly string[], bind: boolean): readonly Op[] {
  const mount = bind
    ? { destination: '/mnt', source: '/srv', options: ['bind', ...options] }
    : { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options }
  return opsOf(planOf({ top: { mounts: [mount] } })).filter(({ cause }) => cause.startsWith('/mounts'))
}

const needsMaps = ['idmap', 'ridmap']

const fsData = (ops: readonly Op[]): readonly string[] =>
  ops.flatMap((op) => (op.kind === 'mount-fs' || op.kind === 'mount-fs-like' ? op.options : []))

const onlyFileSystems = [
  'async',
  'dirsync',
  'iversion',
  'lazytime',
  'mand',
  'noiversion',
  'nolazytime',
  'nomand',
  'sync',
]

test('mount options: all of the specification, and each does what no unknown one does', () => {
  const all = features.mountOptions ?? []
  for (const option of Object.values(MOUNT_OPTIONS).flat()) assert.ok(all.includes(option), option)
  for (const option of all.filter((name) => !needsMaps.includes(name))) {
    const bind = !onlyFileSystems.includes(option) && option !== 'tmpcopyup'
    const ops = mountOps([option], bind)
    // An option that is not understood is data for the file system, or refused for a bind mount.
    const data = fsData(ops)
    const isFlag = ['dirsync', 'iversion', 'lazytime', 'mand', 'sync'].includes(option)
    assert.is(data.includes(option), isFlag, option)
  }
  assert.ok(isRefused(() => mountOps(['nosuchoption'], true)))
  const data = fsData(mountOps(['nosuchoption'], false))
  assert.ok(data.includes('nosuchoption'))
})

test('id-mapped mounts', () => {
  const mappings = [{ containerID: 0, hostID: 1000, size: 1 }]
  const idmap = (options: readonly string[]): Plan =>
    planOf({
      top: {
        mounts: [{ destination: '/mnt', source: '/srv', options, uidMappings: mappings, gidMappings: mappings }],
      },
    })
  assert.is(claimed.mountExtensions?.idmap?.enabled, true)
  for (const option of needsMaps) {
    assert.ok(features.mountOptions?.includes(option))
    assert.ok(hasOp(idmap(['bind', option]), 'idmap-userns'), option)
  }
})

test('namespaces', () => {
  assert.equal(sorted(claimed.namespaces), namesOf('linux.namespaces[].type'))
  const mapping = [{ containerID: 0, hostID: 1000, size: 1 }]
  const seen = new Set<string>()
  for (const type of claimed.namespaces ?? []) {
    const namespaces = [{ type: 'mount' }, ...(type === 'mount' ? [] : [{ type }])]
    const maps = type === 'user' ? { uidMappings: mapping, gidMappings: mapping } : {}
    const plan = planOf({ linux: { namespaces, ...maps } })
    seen.add(`${plan.spawn.cloneFlags} ${hasOp(plan, 'unshare')}`)
  }
  assert.is(seen.size, 8)
})

test('capabilities', () => {
  const masks = new Set<bigint>()
  for (const name of claimed.capabilities ?? []) {
    const plan = planOf({ process: { capabilities: { bounding: [name] } } })
    assert.equal(plan.warnings, [], name)
    for (const op of opsOf(plan)) if (op.kind === 'cap-bound') masks.add(op.mask)
  }
  assert.is(masks.size, claimed.capabilities?.length)
  assert.is(planOf({ process: { capabilities: { bounding: ['CAP_NO_SUCH'] } } }).warnings.length, 1)
})

test('cgroups', () => {
  const linux = { resources: { pids: { limit: 5 } } }
  const { v1 = false, v2: two = false, systemd = false, rdma = false } = claimed.cgroup ?? {}
  assert.is(v1, hasOp(planOf({ linux }, factsOf(hybrid)), 'join-cgroup'))
  assert.is(two, planOf({ linux }).spawn.cgroupSlot !== null)
  const bySystemd = { cgroupsPath: 'system.slice:tsrun:box' }
  const booted = {
    ...v2,
    systemd: { pid1Cgroup: '0::/init.scope\n', pid1Uid: 0, userCgroup: '/user.slice/user-0.slice/user@0.service' },
  }
  const made = !isRefused(() => planOf({ linux: bySystemd }, booted, { 'systemd-cgroup': 'true' }))
  assert.is(systemd, made)
  const writes = opsOf(planOf({ linux: { resources: { rdma: { mlx5_0: { hcaHandles: 1 } } } } }))
  assert.is(
    rdma,
    writes.some((op) => op.kind === 'write-file' && op.path.endsWith('/rdma.max')),
  )
})

/** The policy of a profile: text for tsrun-seccomp, and flags. */
function seccompOf(seccomp: Json): string {
  const found: string[] = []
  for (const op of opsOf(planOf({ linux: { seccomp } }))) {
    if (op.kind === 'seccomp-prepare') found.push(new TextDecoder().decode(op.policy as Uint8Array))
    if (op.kind === 'seccomp') found.push(`flags ${op.flags}`)
  }
  return found.join('\n')
}

const rule = (more: Json): Json => ({ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', ...more })
const profile = (more: Json, syscall: Json = rule({})): Json => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  listenerPath: '/run/agent',
  syscalls: [syscall],
  ...more,
})

test('seccomp: actions and operators', () => {
  const { actions, operators } = claimed.seccomp ?? {}
  assert.equal(sorted(actions), namesOf('linux.seccomp.syscalls[].action'))
  assert.equal(sorted(actions), namesOf('linux.seccomp.defaultAction'))
  // Two names of one action, and one that is the default, which takes no rule.
  const texts = new Set(actions?.map((action) => seccompOf(profile({}, rule({ action })))))
  assert.is(texts.size, (actions?.length ?? 0) - 1)
  assert.equal(sorted(operators), namesOf('linux.seccomp.syscalls[].args[].op'))
  const conditions = operators?.map((op) => seccompOf(profile({}, rule({ args: [{ index: 0, value: 1, op }] }))))
  assert.is(new Set(conditions).size, operators?.length)
})

test('seccomp: architectures and flags', () => {
  const { archs, knownFlags, supportedFlags } = claimed.seccomp ?? {}
  assert.equal(sorted(archs), namesOf('linux.seccomp.architectures[]'))
  const texts = archs?.map((name) => seccompOf(profile({ architectures: [name] })))
  assert.is(new Set(texts).size, archs?.length)
  const old = makeFeatures({ version: '1', commit: 'c', libseccomp: '2.5.4', libsystemd: '252' }).linux?.seccomp?.archs
  assert.is((archs?.length ?? 0) - (old?.length ?? 0), 4)

  assert.equal(sorted(knownFlags), namesOf('linux.seccomp.flags[]'))
  const byFlag = supportedFlags?.map((flag) =>
    seccompOf(profile({ flags: [flag] }, rule({ action: 'SCMP_ACT_NOTIFY' }))),
  )
  // One that is for processes with threads is as none, and is distinct from the others all the same.
  assert.is(new Set(byFlag).size, supportedFlags?.length)
  assert.ok(isRefused(() => seccompOf(profile({ flags: ['SECCOMP_FILTER_FLAG_NEW_LISTENER'] }))))
})

test('security modules', () => {
  const without = { ...v2, lsm: [] }
  for (const [claim, process] of [
    [claimed.apparmor, { apparmorProfile: 'x' }],
    [claimed.selinux, { selinuxLabel: 'x' }],
  ] as const) {
    assert.is(claim?.enabled, hasOp(planOf({ process }), 'lsm-label'))
    assert.ok(isRefused(() => planOf({ process }, without)))
  }
})

test('intelRdt', () => {
  const { enabled, schemata, monitoring } = claimed.intelRdt ?? {}
  const plan = (intelRdt: Json): Plan => planOf({ linux: { intelRdt } }, withResctrl)
  assert.is(enabled, hasOp(plan({ closID: 'x' }), 'join-pid'))
  assert.is(schemata, hasOp(plan({ closID: 'x', schemata: ['L3:0=1'] }), 'resctrl-group'))
  assert.is(monitoring, hasOp(plan({ closID: '/', enableMonitoring: true }), 'make-dir'))
})

test('memoryPolicy', () => {
  const { modes, flags } = claimed.memoryPolicy ?? {}
  assert.equal(sorted(modes), namesOf('linux.memoryPolicy.mode'))
  assert.equal(sorted(flags), namesOf('linux.memoryPolicy.flags[]'))
  const modeOf = (memoryPolicy: Json): readonly number[] =>
    opsOf(planOf({ linux: { memoryPolicy } })).flatMap((op) => (op.kind === 'memory-policy' ? [op.mode] : []))
  const nodes = (mode: string): Json => (['MPOL_DEFAULT', 'MPOL_LOCAL'].includes(mode) ? {} : { nodes: '0' })
  assert.is(new Set(modes?.flatMap((mode) => modeOf({ mode, ...nodes(mode) }))).size, modes?.length)
  assert.is(
    new Set(flags?.flatMap((flag) => modeOf({ mode: 'MPOL_BIND', nodes: '0', flags: [flag] }))).size,
    flags?.length,
  )
})

test('network devices, and annotations that a caller should not let pass', () => {
  assert.is(claimed.netDevices?.enabled, hasOp(planOf({ linux: { netDevices: { eth7: {} } } }), 'net-device'))
  const unsafe = features.potentiallyUnsafeConfigAnnotations ?? []
  for (const name of HONOURED)
    assert.ok(
      unsafe.some((start) => name.startsWith(start)),
      name,
    )
})

test.run()
