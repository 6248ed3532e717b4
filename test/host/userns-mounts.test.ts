// SPDX-License-Identifier: Apache-2.0
// What a user namespace can do with mounts of the host: nothing that the host has ruled out. The kernel sees to that for
// mounts that a namespace was born with, and for clones of those.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { defaultMounts, defaultNamespaces, type Json, makeRootfs, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, newSource, runOnce, withRunning } from '../helpers/container.ts'
import { findMount, parseAttempts } from '../helpers/report.ts'
import { assertFailure, hostSuite, unmount } from '../helpers/suite.ts'

const { test, run } = hostSuite('mounts of user namespaces')

const MS_REMOUNT_BIND = 0x1020
const mapping = [{ containerID: 0, hostID: 100000, size: 65536 }]
const capabilities = { bounding: ['CAP_SYS_ADMIN'], effective: ['CAP_SYS_ADMIN'], permitted: ['CAP_SYS_ADMIN'] }

/** Its root may mount and unmount. */
function inUserns(args: readonly string[], mounts: readonly Json[], linux: Json = {}): Json {
  return withArgs(args, {
    process: { capabilities },
    mounts: [...defaultMounts, ...mounts],
    linux: {
      namespaces: [...defaultNamespaces, { type: 'user' }],
      uidMappings: mapping,
      gidMappings: mapping,
      ...linux,
    },
  })
}

/** A file system of the host with these options, and a directory in it that another one hides. */
async function withMounted(options: string, use: (source: string) => unknown): Promise<void> {
  const source = newSource()
  const below = join(source, 'below')
  assert.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', source]).status, 0)
  try {
    mkdirSync(below)
    writeFileSync(join(below, 'hidden'), 'x')
    assert.is(spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', below]).status, 0)
    assert.is(spawnSync('mount', ['-o', `remount,bind,${options}`, source]).status, 0)
    await use(source)
  } finally {
    unmount(source)
  }
}

const bind = (source: string, ...options: readonly string[]): Json => ({ destination: '/home', source, options })

const lift = (flags: number) => ['mount', 'none', '/home', 'none', String(MS_REMOUNT_BIND | flags)]
const attempts = ['probe', ...lift(0), ',', ...lift(1), ',', 'umount', '/home/below']

for (const how of ['new', 'joined']) {
  test(`root of a ${how} user namespace lifts no restriction of a mount, and uncovers nothing`, () =>
    withMounted('ro,nosuid,nodev,noexec', (source) =>
      withRunning(inUserns(['sleep', '60'], []), async (other) => {
        const user = { type: 'user', ...(how === 'new' ? {} : { path: `/proc/${other.pid()}/ns/user` }) }
        const namespaces = [...defaultNamespaces, user]
        const config = inUserns(attempts, [bind(source, 'rbind')], { namespaces })
        const seen = parseAttempts(mustSucceed(await runOnce(config)).stdout)
        assert.equal(
          seen.map(({ errno }) => errno),
          ['EPERM', 'EPERM', 'EINVAL'],
        )
      }),
    ))
}

test('nor any of the root file system', async () => {
  const parent = newSource()
  assert.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'nosuid,nodev,mode=755', 'tmpfs', parent]).status, 0)
  try {
    const root = { path: makeRootfs(parent) }
    const args = ['probe', 'mount', 'none', '/', 'none', String(MS_REMOUNT_BIND)]
    const seen = parseAttempts(mustSucceed(await runOnce({ ...inUserns(args, []), root })).stdout)
    assert.is(seen[0]?.errno, 'EPERM')
  } finally {
    unmount(parent)
  }
})

for (const [options, word, what] of [
  ['ro', 'rw', 'ro'],
  ['nosuid', 'suid', 'nosuid'],
  ['nodev', 'dev', 'nodev'],
  ['noexec', 'exec', 'noexec'],
  ['relatime', 'noatime', 'access times'],
  ['noatime', 'strictatime', 'access times'],
  ['relatime', 'nodiratime', 'access times'],
] as const) {
  test(
    `"${word}" for a mount of the host with "${options}" is refused by name`,
    () =>
      withMounted(options, async (source) => {
        const outcome = await runOnce(inUserns(['true'], [bind(source, 'rbind', word)]))
        assertFailure(outcome, {
          text: /operation not permitted/,
          tsrun: new RegExp(`mounts\\[6\\] \\(/home\\).*take .*${what}.* from a mount of the host.*EPERM`),
        })
      }),
    { differsFrom: { 'runc<1.3': 'passes over an option that it cannot fulfil' } },
  )
}

test(
  'what the host restricts stays under options that restrict more',
  () =>
    withMounted('nosuid,noexec,noatime', async (source) => {
      const report = await inspect(inUserns(['probe', 'report'], [bind(source, 'rbind', 'ro', 'nodev')]))
      const options = findMount(report, '/home')?.options ?? []
      for (const option of ['ro', 'nosuid', 'nodev', 'noexec', 'noatime']) assert.ok(options.includes(option), option)
    }),
  { differsFrom: { 'runc<1.3': 'fails' } },
)

test('a directory without what is mounted below it is refused, as that may hide something', () =>
  withMounted('rw', async (source) => {
    const outcome = await runOnce(inUserns(['true'], [bind(source, 'bind')]))
    assertFailure(outcome, { text: /invalid argument/, tsrun: /mounts\[6\] \(\/home\).*use rbind.*EINVAL/ })
  }))

test(
  'a source that is a symbolic link, and one that is missing',
  async () => {
    const source = newSource({ 'file': 'text', 'dir/x': '' })
    spawnSync('ln', ['-s', join(source, 'file'), join(source, 'link')])
    const mount = { destination: '/home', source: join(source, 'link'), options: ['bind', 'ro'] }
    const file = { ...mount, destination: '/tmp/file' }
    assert.is(
      mustSucceed(await runOnce(inUserns(['cat', '/tmp/file'], [{ destination: '/tmp', type: 'tmpfs' }, file]))).stdout,
      'text',
    )
    const missing = await runOnce(inUserns(['true'], [bind(join(source, 'none'), 'bind')]))
    assertFailure(missing, {
      text: /no such file or directory/,
      tsrun: /mounts\[6\] \(\/home\): open_tree .*\/none.*ENOENT/,
    })
  },
  { differsFrom: { 'runc<1.3': 'has other words for it' } },
)

test('/proc/PID/mountinfo shows mounts in the listed order', async () => {
  const source = newSource()
  const mounts = [
    { destination: '/home', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/var', source, options: ['bind'] },
    { destination: '/run', type: 'tmpfs', source: 'tmpfs' },
  ]
  const report = await inspect(inUserns(['probe', 'report'], mounts))
  const order = (report.mountinfo ?? []).map((line) => line.split(' ')[4] ?? '')
  assert.equal(
    order.filter((path) => ['/home', '/var', '/run'].includes(path)),
    ['/home', '/var', '/run'],
  )
})

run()
