// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { makeRootfs, withArgs, withMounts } from '../helpers/bundle.ts'
import { inspect, mustSucceed, newSource, runOnce, withContainer } from '../helpers/container.ts'
import { findMount } from '../helpers/report.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('mounts')

test('a bind mount shows the file or directory of the host, writable', async () => {
  const source = newSource({ file: 'from the host' })
  const outcome = mustSucceed(
    await runOnce(
      withMounts(
        [
          { destination: '/home', type: 'bind', source, options: ['rbind', 'rw'] },
          { destination: '/var/one', type: 'none', source: join(source, 'file'), options: ['bind', 'ro'] },
        ],
        withArgs(['sh', '-c', 'cat /home/file /var/one; echo new >/home/made; echo x >/var/one; echo status $?'], {
          root: { path: makeRootfs(), readonly: false },
        }),
      ),
    ),
  )
  assert.match(outcome.stdout, /^from the hostfrom the host/)
  assert.match(outcome.stdout, /status [^0]/)
  assert.is(readFileSync(join(source, 'made'), 'utf8'), 'new\n')
})

test('a relative source counts from the bundle', async () => {
  await withContainer(
    withMounts([{ destination: '/home', source: 'data', options: ['bind'] }], withArgs(['cat', '/home/file'])),
    (container) => {
      mkdirSync(join(container.bundle, 'data'))
      writeFileSync(join(container.bundle, 'data/file'), 'relative')
      assert.is(mustSucceed(container.run()).stdout, 'relative')
    },
  )
})

test('rbind takes the mounts below with it, bind does not', async () => {
  for (const [option, found] of [
    ['rbind', true],
    ['bind', false],
  ] as const) {
    const report = await inspect(withMounts([{ destination: '/home', source: '/sys', options: [option] }]))
    const below = (report.mountinfo ?? []).filter((line) => line.includes(' /home/'))
    assert.is(below.length > 0, found, option)
  }
})

test('a destination that is absent is made', async () => {
  const rootfs = makeRootfs()
  const file = join(newSource({ file: 'x' }), 'file')
  await inspect(
    withMounts(
      [
        { destination: '/new/deep/dir', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/new/file', source: file, options: ['bind'] },
      ],
      { root: { path: rootfs, readonly: false } },
    ),
  )
  assert.ok(existsSync(join(rootfs, 'new/deep/dir')))
  assert.ok(existsSync(join(rootfs, 'new/file')))
})

test('a symbolic link in a destination is followed inside the rootfs', async () => {
  const rootfs = makeRootfs()
  symlinkSync('/var/target', join(rootfs, 'link'))
  symlinkSync('../../../../var/other', join(rootfs, 'up'))
  mkdirSync(join(rootfs, 'var/target'))
  const report = await inspect(
    withMounts(
      [
        { destination: '/link', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/up/below', type: 'tmpfs', source: 'tmpfs' },
      ],
      { root: { path: rootfs } },
    ),
  )
  assert.ok(findMount(report, '/var/target'))
  assert.ok(findMount(report, '/var/other/below'))
  assert.is(existsSync('/var/target'), false)
  assert.is(existsSync('/var/other'), false)
})

test('mounts are done in the listed order', async () => {
  const report = await inspect(
    withMounts([
      { destination: '/home', type: 'tmpfs', source: 'first' },
      { destination: '/home', type: 'tmpfs', source: 'second' },
      { destination: '/home/in', type: 'tmpfs', source: 'third' },
    ]),
  )
  assert.is(findMount(report, '/home')?.source, 'second')
  assert.is(findMount(report, '/home/in')?.source, 'third')
})

// The kernel lists mounts by when they were made, not by when they were put in their place (since 6.8).
test('mountinfo shows mounts in the listed order, whatever their types', async () => {
  const source = newSource({ file: 'text' })
  const report = await inspect(
    withMounts([
      { destination: '/home/1', source, options: ['rbind', 'ro'] },
      { destination: '/home/2', type: 'tmpfs', source: 'tmpfs', options: ['mode=700', 'size=4k'] },
      { destination: '/home/3', source, options: ['bind'] },
      { destination: '/home/4', type: 'mqueue', source: 'mqueue', options: ['ro'] },
      { destination: '/home/4a', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'noexec'] },
      { destination: '/home/5', source, options: ['rbind', 'runbindable'] },
      { destination: '/home/5/in', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
      { destination: '/home/6', source: join(source, 'file'), options: ['bind', 'rprivate'] },
      { destination: '/home/7', type: 'tmpfs', source: 'tmpfs' },
    ]),
  )
  const listed = (report.mountinfo ?? []).map((line) => line.split(' ')[4] ?? '')
  const ours = listed.filter((path) => path.startsWith('/home/'))
  const expected = ['1', '2', '3', '4', '4a', '5', '5/in', '6', '7'].map((name) => `/home/${name}`)
  assert.equal(ours, expected)
  assert.ok(listed.indexOf('/proc') < listed.indexOf('/home/1'), 'what the config lists before')
})

test('a relative destination is relative to the root', async () => {
  const report = await inspect(withMounts([{ destination: 'home', type: 'tmpfs', source: 'tmpfs' }]))
  assert.is(findMount(report, '/home')?.type, 'tmpfs')
})

test(
  'a source in the root is taken when its turn comes, with what was mounted there before',
  async () => {
    const rootfs = makeRootfs()
    const mounts = [
      { destination: '/home', source: newSource({ file: 'text' }), options: ['bind'] },
      { destination: '/var/seen', source: join(rootfs, 'home'), options: ['rbind'] },
    ]
    const outcome = await runOnce(withMounts(mounts, withArgs(['cat', '/var/seen/file'], { root: { path: rootfs } })))
    assert.is(mustSucceed(outcome).stdout, 'text')
  },
  { differsFrom: { 'runc<1.3': 'takes it as it is on the host', crun: 'takes it as it is on the host' } },
)

test(
  'a tmpfs says what mode it has from the directory that it covers; one without that has none',
  async () => {
    const rootfs = makeRootfs()
    mkdirSync(join(rootfs, 'home/closed'), { mode: 0o710 })
    const mounts = [
      { destination: '/home/closed', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/var/new', type: 'tmpfs', source: 'tmpfs' },
    ]
    const script = 'stat -c %a /home/closed /var/new; grep -E "/home/closed|/var/new" /proc/mounts'
    const patch = withMounts(mounts, withArgs(['sh', '-c', script], { root: { path: rootfs, readonly: false } }))
    const [closed, open, ...lines] = mustSucceed(await runOnce(patch)).stdout.split('\n')
    assert.equal([closed, open], ['710', '1777'])
    assert.match(lines.find((line) => line.includes('/home/closed')) ?? '', /\bmode=710\b/)
    assert.not.match(lines.find((line) => line.includes('/var/new')) ?? '', /mode=/)
  },
  { differsFrom: { 'runc<1.4': 'gives the new one the mode of the directory made for it', crun: 'as runc 1.3' } },
)

run()
