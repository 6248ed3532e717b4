// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileLateReadonly, compileMounts } from '../../../../runtime/compile/mounts.ts'
import { TsrunError } from '../../../../spec/error.ts'
import type { Linux } from '../../../../spec/runtime/linux.ts'
import type { Mount } from '../../../../spec/runtime/mounts.ts'
import { makeContext, makeFacts, makeProcess, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'
import { cgroupsOf, noCgroups } from './no-cgroups.ts'

function compile(mounts: readonly Mount[], linux: Linux = {}, lsm: readonly string[] = []) {
  const context = makeContext(makeSpec({ mounts, linux }), { facts: makeFacts({ lsm }) })
  const { prepare, late = [], setup } = compileMounts(context, noCgroups)
  return {
    prepare: showOps(prepare),
    ahead: showOps(late),
    setup: showOps(setup),
    late: showOps(compileLateReadonly(context)),
    labels: [...prepare, ...setup].map(({ cause, label }) => `${cause} ${label}`),
    warnings: context.warnings,
  }
}

/** One bind mount at /data; what its options do to the tree. */
function bind(...options: readonly string[]): readonly string[] {
  return compile([{ destination: '/data', source: '/srv', options }]).prepare
}

/** One tmpfs at /data. */
function tmpfs(...options: readonly string[]): readonly string[] {
  return compile([{ destination: '/data', type: 'tmpfs', source: 'tmpfs', options }]).setup
}

function assertInvalid(mount: Mount, pattern: RegExp, linux: Linux = {}): void {
  assert.throws(
    () => compile([{ destination: '/first', type: 'tmpfs' }, mount], linux),
    (error: unknown) =>
      error instanceof TsrunError &&
      error.code === 'invalid-config' &&
      error.pointer === '/mounts/1' &&
      error.message.startsWith(`mounts[1] (${mount.destination}): `) &&
      pattern.test(error.message),
    `${JSON.stringify(mount)}: ${pattern}`,
  )
}

test('a mount is a bind iff its options say so, whatever its type (config.md#mounts)', () => {
  for (const type of [undefined, 'none', 'bind', 'tmpfs', 'proc', 'cgroup']) {
    const { prepare, setup } = compile([{ destination: '/data', type, source: '/srv', options: ['bind'] }])
    assert.equal(prepare, ['open-tree /srv 0 #0', 'setattr #0 slave'], type)
    assert.equal(setup, ['ensure /data 2 #0 0755 #1', 'move #0 #1'], type)
  }
})

test('every op names its mount', () => {
  const { labels } = compile([{ destination: '/data/', source: '/srv', options: ['bind', 'ro'] }])
  assert.equal(new Set(labels), new Set(['/mounts/0 mounts[0] (/data/)']))
})

test('sources count from the bundle, destinations from the root', () => {
  const { prepare, setup } = compile([
    { destination: 'a/../b//c/.', source: 'data', options: ['rbind'] },
    { destination: '/../../d', source: './e', options: ['bind'] },
  ])
  assert.match(prepare[0] ?? '', /open-tree \/bundle\/data 1 /)
  assert.match(prepare[2] ?? '', /open-tree \/bundle\/\.\/e 0 /)
  assert.match(setup[0] ?? '', /ensure \/b\/c 2 /)
  assert.match(setup[2] ?? '', /ensure \/d 2 /)
})

for (const [options, expected] of [
  [['bind'], ['slave']],
  // Whoever names one attribute means all of them, as with mount(8).
  [['bind', 'ro', 'nosuid'], ['+3 -20000c slave']],
  [['bind', 'rw'], ['-20000f slave']],
  [['bind', 'dev'], ['-20000f slave']],
  [['bind', 'defaults'], ['slave']],
  [
    ['bind', 'private'],
    ['slave', 'private'],
  ],
  [['bind', 'rprivate', 'noatime'], ['+10 -2000ff private']],
  [['bind', 'rro', 'noexec'], ['+9 -200006 slave']],
  [['bind', 'rw', 'rro'], ['+1 -20000e slave']],
  [
    ['rbind', 'ro'],
    ['+1 -20000e', 'slave recursive'],
  ],
  [
    ['rbind', 'private'],
    ['slave recursive', 'private'],
  ],
  [
    ['rbind', 'shared', 'rslave'],
    ['slave recursive', 'shared', 'slave recursive'],
  ],
  [
    ['rbind', 'rshared'],
    ['slave recursive', 'shared recursive'],
  ],
  [['rbind', 'runbindable'], ['unbindable recursive']],
  [['rbind', 'rro', 'rprivate'], ['+1 private recursive']],
  [
    ['rbind', 'rw', 'rro', 'rstrictatime'],
    ['-20000f', '+21 -70 slave recursive'],
  ],
] as const) {
  test(`"${options.join()}" changes the tree by: ${expected.join(', then ')}`, () => {
    assert.equal(
      bind(...options).slice(1),
      expected.map((change) => `setattr #0 ${change}`),
    )
  })
}

test('flags of the file system on a bind mount are told to be without effect', () => {
  const { prepare, warnings } = compile([{ destination: '/data', source: '/srv', options: ['bind', 'sync'] }])
  assert.equal(prepare, ['open-tree /srv 0 #0', 'setattr #0 slave'])
  assert.match(warnings.join(), /^mounts\[0\] \(\/data\): sync: without effect/)
})

test('so are the options of a tmpfs; other words may be attributes or labels, and are refused', () => {
  const of = (...options: readonly string[]): Mount => ({
    destination: '/data',
    source: '/srv',
    options: ['bind', ...options],
  })
  const { prepare, warnings } = compile([of('mode=755', 'size=1k')])
  assert.equal(prepare, ['open-tree /srv 0 #0', 'setattr #0 slave'])
  assert.match(warnings.join(), /^mounts\[0\] \(\/data\): mode=755, size=1k: without effect on a bind mount/)
  for (const word of ['noexce', 'context=a:b:c', 'hidepid=2', 'mode'])
    assertInvalid(of('size=1k', word), new RegExp(`no options of a file system: remove "${word}"$`))
})

test('nothing of the file system is changed by the remount of a bind', () => {
  const { setup, warnings } = compile([{ destination: '/data', options: ['remount', 'bind', 'ro', 'size=1k'] }])
  assert.equal(setup, ['open-rooted /data 0 #0', 'setattr #0 +1'])
  assert.match(warnings.join(), /size=1k: without effect/)
})

for (const [options, made] of [
  [['ro', 'noexec', 'size=5', 'mode=700'], '[size=5 mode=700] +9'],
  [['strictatime', 'rnosuid'], '[] +22'],
  [['ro', 'rrw'], '[] +0'],
  [['sync', 'dirsync', 'lazytime', 'mand', 'iversion'], '[sync dirsync lazytime mand iversion] +0'],
] as const) {
  test(`a tmpfs with "${options.join()}" is made with ${made}`, () => {
    const ensure = 'ensure /data 0 0755 #1'
    const steps = options.some((option) => option.startsWith('mode='))
      ? [`mount-fs tmpfs tmpfs ${made} #0`, ensure]
      : [ensure, `mount-fs-like tmpfs tmpfs ${made} #1 #0`]
    assert.equal(tmpfs(...options), [...steps, 'move #0 #1'])
  })
}

test('a new file system is private unless told otherwise', () => {
  assert.is(tmpfs('rshared')[2], 'setattr #0 shared')
  assert.equal(tmpfs('slave', 'shared').slice(2, 4), ['setattr #0 slave', 'setattr #0 shared'])
})

test('"ro" is also for the file system itself where that is no one else\'s', () => {
  const made = (type: string) => compile([{ destination: '/data', type, source: '/dev/sda1', options: ['ro'] }]).setup
  assert.is(made('ext4')[0], 'mount-fs ext4 /dev/sda1 [ro] +1 #0')
  assert.is(made('overlay')[0], 'mount-fs overlay /dev/sda1 [ro] +1 #0')
  for (const type of ['mqueue', 'devpts', 'cgroup2', 'debugfs']) {
    assert.is(made(type)[0], `mount-fs ${type} /dev/sda1 [] +1 #0`)
  }
})

test('a tmpfs takes the mode of what it covers, unless its own is given', () => {
  assert.equal(tmpfs('ro', 'mode=700'), [
    'mount-fs tmpfs tmpfs [mode=700] +1 #0',
    'ensure /data 0 0755 #1',
    'move #0 #1',
  ])
  assert.equal(tmpfs('ro'), ['ensure /data 0 0755 #1', 'mount-fs-like tmpfs tmpfs [] +1 #1 #0', 'move #0 #1'])
})

test('without a source, the type stands for it', () => {
  assert.match(compile([{ destination: '/data', type: 'ramfs' }]).setup[0] ?? '', /mount-fs ramfs ramfs /)
})

test('tmpcopyup copies while the tmpfs can be written to', () => {
  assert.equal(tmpfs('ro', 'tmpcopyup', 'noexec'), [
    'ensure /data 0 0755 #1',
    'mount-fs-like tmpfs tmpfs [] +8 #1 #0',
    'copy-up #0 /data',
    'setattr #0 +1',
    'move #0 #1',
  ])
})

test('a read-only tmpfs is closed once what lies below is made', () => {
  const mounts = [
    { destination: '/run', type: 'tmpfs', options: ['ro', 'tmpcopyup'] },
    { destination: '/run/lock', type: 'tmpfs', options: ['ro', 'mode=755'] },
    { destination: '/srv', type: 'tmpfs', options: ['ro', 'mode=755'] },
    { destination: '/srv', type: 'tmpfs', options: ['ro', 'mode=755'] },
    { destination: '/srv/x', source: '/x', options: ['bind'] },
    { destination: '/runner', type: 'tmpfs', options: ['ro', 'mode=755'] },
  ]
  const { ahead, setup, late } = compile(mounts)
  const attr = [...ahead, ...setup].filter((line) => line.startsWith('mount-fs')).map((line) => line.split(' ')[4])
  assert.equal(attr, ['+0', '+1', '+1', '+0', '+1'])
  assert.equal(
    setup.filter((line) => line.startsWith('setattr')),
    [],
  )
  assert.equal(late, ['open-rooted /run 2 #1', 'setattr #1 +1', 'open-rooted /srv 2 #1', 'setattr #1 +1'])
})

test('a read-only /dev is closed after the devices are made', () => {
  const dev: Mount = { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'nosuid'] }
  const { setup, late } = compile([dev])
  assert.match(setup[1] ?? '', /\+2 #1 #0/)
  assert.equal(late, ['open-rooted /dev 2 #1', 'setattr #1 +1'])
  const devices = [{ path: '/var/x/dev', type: 'c', major: 1, minor: 3 }] as const
  assert.is(compile([{ ...dev, destination: '/var' }], { devices }).late.length, 2)
  assert.is(compile([{ ...dev, destination: '/var' }]).late.length, 0)
})

test('a terminal needs /dev/console, also in a /dev that is bound over', () => {
  const mounts = [
    { destination: '/dev', source: '/dev', options: ['bind'] },
    { destination: '/dev', type: 'tmpfs', options: ['ro'] },
  ]
  const late = (terminal: boolean) =>
    compileLateReadonly(makeContext(makeSpec({ mounts, process: makeProcess({ terminal }) }))).length
  assert.is(late(false), 0)
  assert.is(late(true), 2)
})

test('proc and sysfs go over real directories alone (CVE-2023-27561)', () => {
  const { setup } = compile([
    { destination: '/proc', type: 'proc' },
    { destination: '/sys/', type: 'sysfs' },
  ])
  assert.equal(
    setup.filter((line) => line.startsWith('refuse-symlink')),
    ['refuse-symlink /proc', 'refuse-symlink /sys'],
  )
})

test('over /proc goes nothing but a procfs (CVE-2019-16884)', () => {
  compile([{ destination: '/proc', source: '/proc', options: ['rbind'] }])
  compile([{ destination: '/proc/', type: 'proc', source: 'proc' }])
  assertInvalid({ destination: '/proc', source: '/fake', options: ['bind'] }, /type proc/)
  assertInvalid({ destination: '//proc/.', type: 'tmpfs' }, /type proc/)
  const tmpfsOver = '30 22 0:30 / /proc rw - tmpfs tmpfs rw\n'
  const { mountinfo } = makeFacts()
  const facts = makeFacts({ mountinfo: mountinfo + tmpfsOver })
  const mounts = [{ destination: '/proc', source: '/proc', options: ['rbind'] }]
  assert.throws(() => compileMounts(makeContext(makeSpec({ mounts }), { facts }), noCgroups), /type proc/)
  const part = makeFacts({ mountinfo: '22 21 0:20 /sys /proc rw - proc proc rw\n' })
  assert.throws(() => compileMounts(makeContext(makeSpec({ mounts }), { facts: part }), noCgroups), /type proc/)
})

test('inside of /proc only files of numbers can be mounted over', () => {
  for (const destination of ['/proc/meminfo', '/proc/./net/dev', '/proc/sys/kernel/ns_last_pid']) {
    compile([{ destination, source: '/lxcfs', options: ['bind'] }])
  }
  for (const destination of ['/proc/self/attr', '/proc/sys', '/home/../proc/1', '//proc//meminfo/x', '/proc/sys/net']) {
    assertInvalid({ destination, source: '/fake', options: ['bind'] }, /inside \/proc/)
    assertInvalid({ destination, type: 'tmpfs' }, /inside \/proc/)
  }
})

for (const [name, mount, pattern, linux] of [
  ['data for a bind mount', { source: '/srv', options: ['bind', 'hidepid=2', 'x'] }, /"hidepid=2", "x"/],
  ['tmpcopyup for a bind mount', { source: '/srv', options: ['bind', 'tmpcopyup'] }, /tmpcopyup/],
  ['a bind mount of nothing', { options: ['bind'] }, /source/],
  ['tmpcopyup for anything but a tmpfs', { type: 'mqueue', options: ['tmpcopyup'] }, /tmpcopyup.*mqueue/],
  ['an id-mapped tmpfs', { type: 'tmpfs', options: ['idmap'] }, /bind mounts/],
  ['idmap without a mapping', { source: '/srv', options: ['bind', 'idmap'] }, /mapping/],
  ['no type', {}, /type/],
  ['type bind without the option', { type: 'bind', source: '/srv' }, /"bind".*"rbind"/],
  ['type none without the option', { type: 'none', source: '/srv', options: ['ro'] }, /"none"/],
  ['data without a type', { type: 'none', options: ['rslave', 'size=5'] }, /type/],
  ['tmpcopyup on remount', { type: 'tmpfs', options: ['remount', 'tmpcopyup'] }, /tmpcopyup/],
  ['idmap on remount', { options: ['remount', 'bind', 'idmap'] }, /mapped/],
  ['data for a bind remount', { options: ['remount', 'bind', 'hidepid=2'] }, /hidepid=2/],
  ['data for cgroup on v1', { type: 'cgroup', options: ['name=x'] }, /name=x/],
  ['flags for cgroup', { type: 'cgroup', options: ['sync'] }, /"sync"/],
  ['tmpcopyup for cgroup', { type: 'cgroup', options: ['tmpcopyup'] }, /tmpcopyup/],
  ['an id-mapped cgroup', { type: 'cgroup', options: ['idmap'] }, /bind mounts/],
  ['sysfs of a network namespace that is not its own', { type: 'sysfs' }, /network namespace/, 'user'],
  ['proc of a pid namespace that is not its own', { type: 'proc' }, /pid namespace/, 'user'],
  ['mqueue of an ipc namespace that is not its own', { type: 'mqueue' }, /ipc namespace/, 'user'],
] as readonly (readonly [string, Partial<Mount>, RegExp, 'user'?])[]) {
  test(`refused by name: ${name}`, () => {
    const destination = mount.type === 'proc' ? '/proc' : '/data'
    assertInvalid(
      { destination, ...mount },
      pattern,
      linux === 'user' ? { namespaces: namespaces('mount', 'user') } : {},
    )
  })
}

test('a path that is too long is refused before it can hide the reason', () => {
  const long = `/${'x'.repeat(5000)}`
  for (const mount of [
    { destination: long, type: 'tmpfs' },
    { destination: '/data', source: long, options: ['bind'] },
  ]) {
    assert.throws(
      () => compile([mount]),
      (error: unknown) =>
        error instanceof TsrunError && error.message.length < 400 && /mounts\[0\].*ENAMETOOLONG/.test(error.message),
    )
  }
})

test('the root is no place to mount at', () => {
  assertInvalid({ destination: '/', type: 'tmpfs' }, /root\.path/)
  assertInvalid({ destination: '/a/..', source: '/srv', options: ['bind'] }, /root\.path/)
})

for (const [name, mount, expected] of [
  [
    'remount of a bind mount',
    { options: ['remount', 'bind', 'ro'], source: '/x' },
    ['open-rooted /data 0 #0', 'setattr #0 +1'],
  ],
  [
    'remount with data, then read-only',
    { type: 'tmpfs', options: ['remount', 'ro', 'size=5m', 'nr_inodes=7'] },
    ['mount-data /data size=5m,nr_inodes=7 32', 'open-rooted /data 0 #0', 'setattr #0 +1'],
  ],
  [
    'remount of a device',
    { type: 'ext4', options: ['remount', 'ro', 'sync'] },
    ['mount-data /data 49', 'open-rooted /data 0 #0', 'setattr #0 +1'],
  ],
  ['propagation alone', { options: ['rslave'] }, ['open-rooted /data 0 #0', 'setattr #0 slave recursive']],
  [
    'propagation and an attribute, type none',
    { type: 'none', options: ['private', 'noexec'] },
    ['open-rooted /data 0 #0', 'setattr #0 +8 private'],
  ],
] as readonly (readonly [string, Partial<Mount>, readonly string[]])[]) {
  test(`changes of a mount that is there: ${name}`, () => {
    const { prepare, setup } = compile([{ destination: '/data', ...mount }])
    assert.equal(prepare, [])
    assert.equal(setup, expected)
  })
}

test('changes may be about the root and /proc', () => {
  const { setup } = compile([
    { destination: '/', options: ['rshared'] },
    { destination: '/proc', options: ['remount', 'bind', 'ro'], source: '/proc' },
  ])
  assert.equal(setup[0], 'open-rooted / 0 #0')
  assert.equal(setup[2], 'open-rooted /proc 0 #0')
})

test('mountLabel is the context of new file systems, where SELinux is active', () => {
  const mountLabel = 'system_u:object_r:container_file_t:s0:c1,c2'
  const mounts = [
    { destination: '/proc', type: 'proc' },
    { destination: '/data', type: 'tmpfs', options: ['size=5'] },
  ]
  const active = compile(mounts, { mountLabel }, ['selinux'])
  assert.match(active.setup[1] ?? '', /mount-fs proc proc \[\]/)
  assert.match(active.setup[5] ?? '', `mount-fs-like tmpfs tmpfs [size=5 context=${mountLabel}]`)
  assert.equal(active.warnings, [])
  const absent = compile(mounts, { mountLabel })
  assert.not.match(absent.setup.join(), 'context')
  assert.match(absent.warnings.join(), /linux\.mountLabel: without effect/)
})

test('without any cgroup hierarchy its mount is an empty directory, and that is told', () => {
  const context = makeContext(makeSpec({ mounts: [{ destination: '/cg', type: 'cgroup', options: ['ro'] }] }))
  const { setup } = compileMounts(context, cgroupsOf(context))
  assert.equal(showOps(setup), [
    'mount-fs tmpfs tmpfs [mode=755] +0 #0',
    'ensure /cg 0 0755 #1',
    'move #0 #1',
    'open-rooted /cg 2 #1',
    'setattr #1 +1',
  ])
  assert.match(context.warnings.join(), /mounts\[0\] \(\/cg\): no cgroup hierarchy/)
})

test('more binds than there are descriptors are refused, not cut off', () => {
  const mounts = Array.from({ length: 300 }, (_, index) => ({
    destination: `/d${index}`,
    source: '/srv',
    options: ['bind'],
  }))
  assert.throws(
    () => compile(mounts),
    (error: unknown) => error instanceof TsrunError && error.code === 'not-supported' && /256/.test(error.message),
  )
  assert.is(compile(mounts.slice(0, 200)).setup.length, 400)
})

test.run()
