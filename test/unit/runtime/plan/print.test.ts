// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { FdSlot, Op } from '../../../../runtime/plan/ops.ts'
import { planToJson, printPlan } from '../../../../runtime/plan/print.ts'
import { makePlan } from '../state/plans.ts'

const test = suite('print')
const from = { cause: '/x', label: 'x' }
const slot = (number: number): FdSlot => number as FdSlot

/** The line of an op without what stands before its arguments. */
function argumentsOf(op: Op): string {
  const line = printPlan(makePlan({}, { drop: [op] }))
    .split('\n')
    .find((text) => /^ {5}0 {2}/.test(text))
  return line?.slice(44) ?? ''
}

for (const [op, text] of [
  [{ kind: 'unshare', flags: 0x2000000, ...from }, 'flags=CLONE_NEWCGROUP'],
  [
    { kind: 'mount-fs', type: 'tmpfs', source: 't', options: ['size=1'], attr: 0x26, slot: slot(1), ...from },
    'type="tmpfs" source="t" options=["size=1"] attr=MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_STRICTATIME slot=#1',
  ],
  [
    {
      kind: 'setattr',
      slot: slot(1),
      set: 0n,
      clear: 0x70n,
      propagation: 0xc0000,
      recursive: 1,
      userns: null,
      ...from,
    },
    'slot=#1 clear=MOUNT_ATTR_ATIME propagation=MS_PRIVATE|MS_SLAVE recursive=yes',
  ],
  [
    { kind: 'caps', effective: 1n, permitted: 0x200001n, inheritable: 0n, ambient: 0n, ...from },
    'effective=CAP_CHOWN permitted=CAP_CHOWN|CAP_SYS_ADMIN inheritable=none ambient=none',
  ],
  [
    { kind: 'prlimit', resource: 7, soft: 5n, hard: 0xffffffffffffffffn, ...from },
    'resource=RLIMIT_NOFILE soft=5 hard=unlimited',
  ],
  [
    { kind: 'ids', uid: 1, gid: 2, groups: new Uint8Array([3, 0, 0, 0, 4, 1, 0, 0]), flags: 1, ...from },
    'uid=1 gid=2 groups=[3 260] flags=set-groups',
  ],
  [{ kind: 'io-priority', value: (3 << 13) | 7, ...from }, 'value=IOPRIO_CLASS_IDLE:7'],
  [{ kind: 'cpu-affinity', mask: new Uint8Array([0x0f]), ...from }, 'mask=0-3'],
  [
    { kind: 'memory-policy', mode: 0x8002, nodes: new Uint8Array([1]), ...from },
    'mode=MPOL_BIND|MPOL_F_STATIC_NODES nodes=0',
  ],
  [
    { kind: 'mknod', path: '/dev/x', mode: 0o020666, major: 1, minor: 3, uid: 0, gid: 0, ...from },
    'path="/dev/x" mode=S_IFCHR|0666 major=1 minor=3 uid=0 gid=0',
  ],
  [{ kind: 'umask', mask: 0o22, ...from }, 'mask=022'],
  [
    { kind: 'open', path: '/x', flags: 0o2010001, slot: slot(0), ...from },
    'path="/x" flags=O_WRONLY|O_CLOEXEC|0x1000 slot=#0',
  ],
  [
    { kind: 'seccomp', program: slot(2), flags: 12, listener: null, state: '', ...from },
    'program=#2 flags=SECCOMP_FILTER_FLAG_SPEC_ALLOW|SECCOMP_FILTER_FLAG_NEW_LISTENER',
  ],
  [
    { kind: 'write-file', path: '/x', data: 'a"b\x01', ...from, tolerate: ['EROFS', 'ENOENT'] },
    'path="/x" data="a\\"b<pid>" (or ENOENT, EROFS)',
  ],
  [{ kind: 'write-file', path: '/x', data: new Uint8Array([0, 255]), ...from }, 'path="/x" data=<00 ff>'],
] as readonly (readonly [Op, string])[]) {
  test(`${op.kind}: ${text}`, () => {
    assert.is(argumentsOf(op), text)
  })
}

test('ops in a row with one origin stand under one heading', () => {
  const a = { cause: '/mounts/0', label: 'mounts[0] (/a)' }
  const text = printPlan(
    makePlan(
      {},
      {
        drop: [
          { kind: 'session', ...a },
          { kind: 'no-new-privs', ...a },
          { kind: 'umask', mask: 0, cause: '', label: 'b' },
        ],
      },
    ),
  )
  assert.match(
    text,
    /drop: 3 ops, init, .*\n\n {2}mounts\[0\] \(\/a\) +\/mounts\/0\n.*session\n.*no-new-privs\n\n {2}b\n/,
  )
})

test('long lists and texts of several lines stand below their op', () => {
  const env = ['A='.padEnd(60, 'x'), 'B='.padEnd(60, 'y')]
  const text = printPlan(makePlan({}, { start: [{ kind: 'execve', args: ['sh'], env, ...from }] }))
  assert.match(text, /args=\["sh"\] env:\n {10}\| "A=x+"\n {10}\| "B=y+"\n/)
})

test('JSON: 64-bit numbers as text, bytes as text or hex, flags also by name', () => {
  const json = planToJson(
    makePlan(
      {},
      {
        drop: [
          { kind: 'cap-bound', mask: 1n << 40n, ...from },
          { kind: 'cpu-affinity', mask: new Uint8Array([0, 1]), ...from, tolerate: ['EINVAL'] },
        ],
      },
    ),
  ) as { sections: { drop: readonly unknown[] } }
  assert.equal(json.sections.drop, [
    {
      ...{ op: 'cap-bound', syscall: 'prctl', args: { mask: '1099511627776' } },
      ...{ words: { mask: 'CAP_CHECKPOINT_RESTORE' }, cause: '/x', label: 'x' },
    },
    {
      ...{ op: 'cpu-affinity', syscall: 'sched_setaffinity', args: { mask: { hex: '0001' } } },
      ...{ words: { mask: '8' }, cause: '/x', label: 'x', tolerate: ['EINVAL'] },
    },
  ])
})

test.run()
