// SPDX-License-Identifier: Apache-2.0
// Many containers at once under a containerd of its own: run, exec, kill and delete of each, and nothing is left.
// TSRUN_TEST_LONG=1: a hundred, else some.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { makeRootfs } from '../helpers/bundle.ts'
import { needsFile, readCgroupMounts } from '../helpers/host.ts'
import { settledLeaks } from '../helpers/leaks.ts'
import { type RunningCall, runtimePath, startProgram, until } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { mark, newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('containerd')
const long = process.env['TSRUN_TEST_LONG'] !== undefined
const total = long ? 100 : 12
const atOnce = 10
const namespace = `${mark}-ns`
const programs = ['containerd', 'ctr', 'containerd-shim-runc-v2'].map((name) => needsFile(`/usr/bin/${name}`))

interface Daemon {
  readonly call: RunningCall
  /** What the output of `ctr task ls` says how often. */
  readonly countTasks: (status: string) => number
  readonly ctr: (...args: readonly string[]) => RunningCall
}

async function startDaemon(): Promise<Daemon> {
  const dir = newDir('containerd')
  const address = join(dir, 'sock')
  const config = join(dir, 'config.toml')
  writeFileSync(
    config,
    `version = 2
root = "${join(dir, 'root')}"
state = "${join(dir, 'state')}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.restart"]
[grpc]
  address = "${address}"
[ttrpc]
  address = "${address}.ttrpc"
`,
  )
  const call = startProgram('containerd', ['--config', config])
  const ctr: Daemon['ctr'] = (...args) => {
    const made = startProgram('ctr', ['--address', address, '--namespace', namespace, ...args])
    made.child.stdin?.end()
    return made
  }
  const ask = (...args: readonly string[]): { readonly status: number | null; readonly stdout: string } =>
    spawnSync('ctr', ['--address', address, '--namespace', namespace, ...args], { encoding: 'utf8' })
  await until('containerd answers', () => ask('--timeout', '1s', 'version').status === 0, 20_000)
  const countTasks = (status: string): number => ask('task', 'ls').stdout.split(status).length - 1
  return { call, ctr, countTasks }
}

async function must(call: RunningCall): Promise<void> {
  const { status, signal } = await call.ended
  assert.is(status, 0, `${call.child.spawnargs.join(' ')}: ${status ?? signal} ${call.stderr()}`)
}

/** Does it for all of them, some at a time. */
async function forAll(ids: readonly string[], what: (id: string) => Promise<unknown>): Promise<void> {
  const queue = [...ids]
  const worker = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) await what(id)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** The directory of the namespace is ctr's, and nobody removes it. */
function removeNamespaceCgroups(): void {
  for (const { dir } of readCgroupMounts()) {
    try {
      rmdirSync(join(dir, namespace))
    } catch {}
  }
}

test(
  `${total} containers at once`,
  async () => {
    const rootfs = makeRootfs()
    const { call, ctr, countTasks } = await startDaemon()
    try {
      const ids = Array.from({ length: total }, (_, number) => `box${number}`)
      const flags = ['--runc-binary', runtimePath, '--detach', '--rootfs', rootfs]
      await forAll(ids, (id) => must(ctr('run', ...flags, id, '/bin/sleep', '600')))
      assert.is(countTasks('RUNNING'), total)
      // What it prints ctr loses now and then, with any runtime.
      await forAll(ids, (id) => must(ctr('task', 'exec', '--exec-id', `${id}-x`, id, '/bin/true')))
      await forAll(ids, (id) => must(ctr('task', 'kill', '--signal', 'KILL', id)))
      await until('all have stopped', () => countTasks('STOPPED') === total, 20_000)
      await forAll(ids, (id) => must(ctr('task', 'rm', id)))
      await forAll(ids, (id) => must(ctr('container', 'rm', id)))
      await until('all shims have gone', () => shims() === 0)
    } finally {
      call.child.kill('SIGTERM')
      await call.ended
      removeNamespaceCgroups()
    }
    assert.equal(await settledLeaks(), [])
  },
  { needs: programs, timeoutMs: long ? 300_000 : 60_000, differsFrom: { crun: 'leaves its cgroup directories' } },
)

function shims(): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : ''
      return line.includes('containerd-shim') && line.includes(namespace)
    } catch {
      return false // gone meanwhile
    }
  }).length
}

run()
