// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { formatFindings } from '../../../../cmd/tsrun/check.ts'
import type { CheckFacts, Finding } from '../../../../runtime/check/finding.ts'
import { canRun, judgeHost } from '../../../../runtime/check/judge.ts'
import { countSubordinate } from '../../../../runtime/check/read-facts.ts'

const v2Mount = '30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'
const all = ['cpuset', 'cpu', 'io', 'memory', 'pids']
const program = (path: string, privileged = true) =>
  [path.split('/').at(-1) ?? '', { path, privileged, version: '4.1' }] as const

/** A host on which nothing is missing. */
const good: CheckFacts = {
  uid: 0,
  user: 'root',
  kernel: '6.12.0-1-amd64',
  nested: false,
  calls: new Map([
    ['openat2', '0'],
    ['seccomp', '0'],
  ]),
  userns: new Map([
    ['user', '0'],
    ['mount', '0'],
  ]),
  mountinfo: v2Mount,
  selfCgroup: '0::/user.slice/a.scope\n',
  delegated: all,
  controllers: all,
  cgroupWritable: true,
  capabilities: 0x1ffffffffffn,
  lastCapability: 40,
  sysctls: { maxUserns: 15000, unprivilegedUserns: undefined, apparmorUserns: undefined },
  programs: new Map([
    program('/usr/bin/newuidmap'),
    program('/usr/bin/newgidmap'),
    program('/x/tsrun-seccomp'),
    program('/x/criu'),
  ]),
  subordinate: { uids: 65536, gids: 65536 },
  lsm: ['apparmor'],
  seccompActions: ['errno', 'allow'],
  filesystems: ['overlay', 'resctrl'],
  systemd: true,
  bus: { system: true, session: true },
  stateRoot: { path: '/run/tsrun', writable: true },
}
const user: CheckFacts = { ...good, uid: 1000, user: 'ada', capabilities: 0n }

function find(facts: CheckFacts, name: string): Finding {
  const finding = judgeHost(facts).find((one) => one.name === name)
  assert.ok(finding, name)
  return finding as Finding
}

test('a good host is all right, for root and without', () => {
  for (const facts of [good, user]) {
    const findings = judgeHost(facts)
    assert.equal(
      findings.filter(({ status }) => status !== 'ok').map(({ name }) => name),
      ['resctrl'],
    )
    assert.ok(canRun(findings))
  }
})

/** What is changed; name and status of the finding; what it says. */
const cases: readonly (readonly [
  base: CheckFacts,
  patch: Partial<CheckFacts>,
  name: string,
  status: string,
  says: RegExp,
])[] = [
  [good, { kernel: '5.10.0' }, 'kernel', 'missing', /use Linux 5\.12 or newer/],
  [good, { kernel: '5.15.0-91' }, 'kernel', 'degraded', /id-mapped overlayfs \(5\.19\), id-mapped tmpfs \(6\.3\)/],
  [good, { calls: new Map([['openat2', 'ENOSYS']]) }, 'system calls', 'missing', /not there: openat2/],
  [good, { calls: new Map([['bpf', 'ENOSYS']]) }, 'system calls', 'degraded', /bpf/],
  [good, { capabilities: 0x1fffeffffffn }, 'capabilities', 'degraded', /without CAP_SYS_RESOURCE/],
  [good, { capabilities: 0n }, 'capabilities', 'missing', /CAP_SYS_ADMIN/],
  [good, { stateRoot: { path: '/r', writable: false } }, 'state root', 'missing', /\/r cannot be written to/],
  [good, { mountinfo: '' }, 'cgroups', 'degraded', /mount -t cgroup2/],
  [good, { controllers: ['cpu'] }, 'controllers', 'degraded', /without cpuset io memory pids/],
  [good, { cgroupWritable: false }, 'cgroup delegation', 'missing', /--cgroup-manager disabled/],
  [user, { cgroupWritable: false }, 'cgroup delegation', 'degraded', /systemd-run --user --scope/],
  [user, { delegated: ['memory', 'pids'] }, 'cgroup delegation', 'degraded', /without cpu cpuset io/],
  [
    user,
    { delegated: ['memory'] },
    'cgroup delegation',
    'degraded',
    /user@\.service\.d.*Delegate=cpu cpuset io memory pids/,
  ],
  [
    user,
    { userns: new Map([['user', 'ENOSPC']]), sysctls: { ...good.sysctls, maxUserns: 0 } },
    'user namespaces',
    'missing',
    /user\.max_user_namespaces=/,
  ],
  [
    user,
    { userns: new Map([['user', 'EPERM']]), sysctls: { ...good.sysctls, unprivilegedUserns: 0 } },
    'user namespaces',
    'missing',
    /unprivileged_userns_clone=1/,
  ],
  [
    user,
    {
      userns: new Map([
        ['user', '0'],
        ['mount', 'EPERM'],
      ]),
      sysctls: { ...good.sysctls, apparmorUserns: 1 },
    },
    'user namespaces',
    'missing',
    /apparmor_restrict_unprivileged_userns=0/,
  ],
  [good, { userns: new Map([['user', 'EPERM']]) }, 'user namespaces', 'degraded', /EPERM/],
  [user, { programs: new Map() }, 'newuidmap, newgidmap', 'degraded', /package uidmap/],
  [
    user,
    { programs: new Map([program('/b/newuidmap', false), program('/b/newgidmap', false)]) },
    'newuidmap, newgidmap',
    'degraded',
    /setcap/,
  ],
  [user, { subordinate: { uids: 0, gids: 65536 } }, 'subordinate ids', 'degraded', /usermod .* ada$/],
  [good, { seccompActions: [] }, 'seccomp', 'degraded', /no filters/],
  [good, { programs: new Map() }, 'tsrun-seccomp', 'degraded', /install/],
  [good, { programs: new Map() }, 'criu', 'absent', /PATH/],
  [good, { lsm: [] }, 'security modules', 'absent', /neither/],
  [good, { systemd: false }, 'systemd', 'absent', /not the init/],
  [user, { bus: { system: true, session: false } }, 'systemd', 'degraded', /session bus/],
  [good, { filesystems: [] }, 'overlay', 'absent', /modprobe overlay/],
  [good, { mountinfo: `${v2Mount}31 1 0:9 / /sys/fs/resctrl rw - resctrl none rw\n` }, 'resctrl', 'ok', /mounted/],
]

for (const [base, patch, name, status, says] of cases) {
  test(`${base.user}: ${Object.keys(patch).join()}: ${name} is ${status} (${says.source})`, () => {
    const facts = { ...base, ...patch }
    const finding = find(facts, name)
    assert.is(finding.status, status)
    assert.match(`${finding.found} -> ${finding.advice ?? ''}`, says)
    assert.is(canRun(judgeHost(facts)), status !== 'missing')
  })
}

test('v1 has blkio for io, and needs the freezer', () => {
  const mountinfo = ['cpu,cpuacct', 'cpuset', 'blkio', 'memory', 'pids', 'freezer']
    .map((name, index) => `${index} 1 0:${index} / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${name}\n`)
    .join('')
  assert.is(find({ ...good, mountinfo }, 'controllers').status, 'ok')
  const without = mountinfo.replace(/^.*freezer.*\n/m, '')
  assert.match(find({ ...good, mountinfo: without }, 'controllers').found, /^without freezer$/)
})

test('ids of a user are counted by name and by number', () => {
  const text = 'ada:100000:65536\nbob:1:5\n1000:300000:10\n#x\nada:x:y\n'
  assert.is(countSubordinate(text, 'ada', 1000), 65546)
  assert.is(countSubordinate('', 'ada', 1000), 0)
})

test('the table has a line for what was found, and one for what can be done', () => {
  const text = formatFindings(judgeHost({ ...good, kernel: '5.4.0' }))
  assert.match(text, /^missing {3}kernel +Linux 5\.4\.0\n +-> use Linux 5\.12 or newer$/m)
  assert.match(text, /\n\ntsrun cannot run containers on this host/)
  assert.match(formatFindings(judgeHost(good)), /\n\ntsrun can run containers on this host\.\n$/)
})

test.run()
