// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { type Json, withArgs, withMounts } from '../helpers/bundle.ts'
import { inspect, mustSucceed, newSource, runOnce } from '../helpers/container.ts'
import { findMount, type MountLine } from '../helpers/report.ts'
import { isTsrun } from '../helpers/runtime.ts'
import { assertRefused, hostSuite, type TestOptions, unmount } from '../helpers/suite.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('mount options')

/** A bind mount of a new directory at /home, seen from inside. */
async function bindAt(options: readonly string[], source = newSource({ file: 'text' })): Promise<MountLine> {
  const report = await inspect(withMounts([{ destination: '/home', source, options: ['rbind', ...options] }]))
  const mount = findMount(report, '/home')
  assert.ok(mount, 'nothing is mounted at /home')
  return mount as MountLine
}

async function tmpfsAt(options: readonly string[]): Promise<MountLine> {
  const report = await inspect(withMounts([{ destination: '/home', type: 'tmpfs', source: 'tmpfs', options }]))
  const mount = findMount(report, '/home')
  assert.ok(mount, 'nothing is mounted at /home')
  return mount as MountLine
}

const later: TestOptions = { differsFrom: { 'runc<1.3': 'does not know this option' } }

const onFlags: readonly (readonly [option: string, shown: string, options?: TestOptions])[] = [
  ['ro', 'ro'],
  ['nosuid', 'nosuid'],
  ['nodev', 'nodev'],
  ['noexec', 'noexec'],
  ['noatime', 'noatime'],
  ['nodiratime', 'nodiratime'],
  ['relatime', 'relatime'],
  ['nosymfollow', 'nosymfollow', later],
  ['rro', 'ro'],
  ['rnosuid', 'nosuid'],
  ['rnodev', 'nodev'],
  ['rnoexec', 'noexec'],
  ['rnoatime', 'noatime'],
  ['rnodiratime', 'nodiratime'],
  ['rnosymfollow', 'nosymfollow'],
]

const offFlags = [
  ['ro', 'rw'],
  ['nosuid', 'suid'],
  ['nodev', 'dev'],
  ['noexec', 'exec'],
  ['nosymfollow', 'symfollow'],
] as const

for (const [option, shown, options] of onFlags) {
  test(
    `bind with "${option}" shows ${shown}`,
    async () => {
      const mount = await bindAt([option])
      assert.ok(mount.options.includes(shown), mount.options.join())
    },
    options,
  )
}

for (const [on, off] of offFlags) {
  test(
    `of "${on}" and "${off}" the last one holds`,
    async () => {
      const mount = await bindAt([on, off])
      assert.ok(!mount.options.includes(on), mount.options.join())
    },
    on === 'nosymfollow' ? later : {},
  )
}

/** Access times of a bind mount, by those of its source: its file system may have any of these modes. */
for (const [source, options, shown] of [
  ['noatime', [], 'noatime'],
  ['noatime', ['ro'], 'noatime'],
  ['noatime', ['atime'], 'noatime'],
  ['noatime', ['norelatime'], 'noatime'],
  ['noatime', ['relatime'], 'relatime'],
  ['noatime', ['nodiratime'], 'relatime,nodiratime'],
  ['noatime', ['nodiratime', 'strictatime'], 'nodiratime'],
  ['nodiratime,relatime', ['strictatime'], ''],
  ['nodiratime,relatime', ['diratime'], 'relatime,nodiratime'],
  ['relatime', ['noatime', 'atime'], 'relatime'],
  ['relatime', ['nodiratime', 'diratime'], 'relatime'],
  ['strictatime', ['nostrictatime'], ''],
] as const) {
  test(`access times: "${options.join()}" for a mount with "${source}" shows "${shown}", as with mount(2)`, async () => {
    const directory = newSource()
    assert.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'strictatime', 'tmpfs', directory]).status, 0)
    try {
      assert.is(spawnSync('mount', ['-o', `remount,bind,${source}`, directory]).status, 0)
      const mount = await bindAt(options, directory)
      assert.equal(
        mount.options.filter((word) => word.endsWith('atime')).sort(),
        shown.split(',').filter(Boolean).sort(),
      )
    } finally {
      unmount(directory)
    }
  })
}

test('strictatime on a bind mount shows neither relatime nor noatime', async () => {
  const mount = await bindAt(['strictatime'])
  assert.ok(!mount.options.includes('relatime') && !mount.options.includes('noatime'), mount.options.join())
})

test('options that a mount has already are kept unless they are named', async () => {
  const report = await inspect(
    withMounts([
      { destination: '/home', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', 'noatime', 'ro'] },
    ]),
  )
  const options = findMount(report, '/home')?.options ?? []
  for (const option of ['nosuid', 'nodev', 'noexec', 'noatime', 'ro']) {
    assert.ok(options.includes(option), option)
  }
})

for (const [option, shown] of [
  ['shared', /^shared:/],
  ['rshared', /^shared:/],
  ['unbindable', /^unbindable$/],
  ['runbindable', /^unbindable$/],
] as const) {
  test(`propagation "${option}"`, async () => {
    const mount = await bindAt([option])
    assert.ok(
      mount.propagation.some((word) => shown.test(word)),
      mount.propagation.join(),
    )
  })
}

for (const option of ['private', 'rprivate']) {
  test(`propagation "${option}"`, async () => {
    assert.equal((await bindAt([option])).propagation, [])
  })
}

for (const option of ['slave', 'rslave']) {
  test(`propagation "${option}" of a private source is private`, async () => {
    assert.ok(!(await bindAt([option])).propagation.some((word) => word.startsWith('shared')))
  })
}

for (const [option, shown] of [
  ['size=1m', 'size=1024k'],
  ['mode=700', 'mode=700'],
  ['nr_inodes=100', 'nr_inodes=100'],
  ['uid=5', 'uid=5'],
  ['gid=6', 'gid=6'],
] as const) {
  test(`tmpfs data "${option}"`, async () => {
    const mount = await tmpfsAt([option])
    assert.is(mount.type, 'tmpfs')
    assert.ok(mount.superOptions.includes(shown), mount.superOptions.join())
  })
}

for (const [option, shown] of [
  ['sync', 'sync'],
  ['dirsync', 'dirsync'],
  ['ro', 'ro'],
] as const) {
  test(`tmpfs with the file system flag "${option}"`, async () => {
    const mount = await tmpfsAt([option])
    assert.ok([...mount.superOptions, ...mount.options].includes(shown), mount.superOptions.join())
  })
}

for (const option of ['lazytime', 'iversion']) {
  test(
    `tmpfs with "${option}" mounts`,
    async () => {
      await tmpfsAt([option])
    },
    later,
  )
}

for (const option of ['async', 'rw', 'defaults', 'nomand', 'norelatime', 'nostrictatime', 'exec', 'suid', 'dev']) {
  test(
    `tmpfs with "${option}" mounts`,
    async () => {
      await tmpfsAt([option])
    },
    option === 'defaults' ? { differsFrom: { runc: 'passes it to the file system' } } : {},
  )
}

for (const option of ['silent', 'loud', 'noiversion', 'nolazytime']) {
  test(
    `tmpfs with "${option}" mounts (a MUST of the specification)`,
    async () => {
      await tmpfsAt([option])
    },
    later,
  )
}

for (const option of [
  'rrw',
  'rsuid',
  'rdev',
  'rexec',
  'ratime',
  'rdiratime',
  'rrelatime',
  'rnorelatime',
  'rstrictatime',
  'rnostrictatime',
  'rsymfollow',
]) {
  test(
    `bind with "${option}" mounts`,
    async () => {
      await bindAt([option])
    },
    /^r(no)?(strict)?atime$/.test(option) ? { differsFrom: { 'runc<1.3': 'forgets to clear the old atime mode' } } : {},
  )
}

test('remount changes the options of what is mounted already', async () => {
  const home = { destination: '/home', type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] }
  const again = { destination: '/home', type: 'none', source: '/tmp' }
  const bound = await inspect(withMounts([home, { ...again, options: ['remount', 'bind', 'ro', 'nosuid'] }]))
  const seen = findMount(bound, '/home')
  assert.ok(seen?.options.includes('ro') && seen.options.includes('nosuid'), seen?.options.join())
  assert.not(seen?.superOptions.includes('ro'))
  const whole = await inspect(withMounts([home, { ...again, type: 'tmpfs', options: ['remount', 'size=2m'] }]))
  assert.ok(findMount(whole, '/home')?.superOptions.includes('size=2048k'))
})

test('tmpfs with "mand": kernels know it and do nothing', async () => {
  await tmpfsAt(['mand'])
})

test(
  'options of a tmpfs on a bind mount have no effect, and are told',
  async () => {
    const source = newSource({ file: 'text' })
    chmodSync(source, 0o750)
    const mounts = [{ destination: '/home', source, options: ['bind', 'ro', 'mode=755', 'size=1k'] }]
    const outcome = mustSucceed(await runOnce(withMounts(mounts, withArgs(['stat', '-c', '%a', '/home']))))
    assert.is(outcome.stdout, '750\n')
    if (isTsrun)
      assert.match(outcome.stderr, /level=warning.*\/home.*mode=755, size=1k: without effect on a bind mount/)
  },
  { differsFrom: { 'runc>=1.2': 'refuses them' } },
)

test(
  'what may be an attribute or a label is refused on a bind mount',
  () => {
    for (const option of ['noexce', 'context=a:b:c']) {
      assertRefused(withMounts([{ destination: '/home', source: newSource({}), options: ['bind', option] }]), {
        tsrun: new RegExp(`/home.*${option}`),
      })
    }
  },
  { differsFrom: { 'runc<1.2': 'leaves it out', crun: 'leaves it out' } },
)

test('rro reaches the mounts below, ro does not', async () => {
  const below = (options: readonly string[]): Json =>
    withMounts([
      { destination: '/home', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/home/below', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/var', source: '/proc', options: ['rbind', ...options] },
    ])
  const report = await inspect(below(['rro']))
  assert.ok(findMount(report, '/var')?.options.includes('ro'))
})

test(
  'a bind mount without attributes is as its source is; with any, it has these alone',
  async () => {
    const source = newDir('closed')
    assert.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'nosuid,nodev,noexec', 'closed', source]).status, 0)
    try {
      const kept = (await bindAt([], source)).options
      assert.ok(kept.includes('nosuid') && kept.includes('noexec'), kept.join())
      for (const options of [['rw'], ['ro'], ['dev']]) {
        const { options: named } = await bindAt(options, source)
        assert.ok(!named.includes('nosuid') && !named.includes('nodev') && !named.includes('noexec'), named.join())
        assert.is(named.includes('ro'), options.includes('ro'))
      }
    } finally {
      unmount(source)
    }
  },
  { differsFrom: { 'runc<1.2': 'keeps them' } },
)

run()
