// SPDX-License-Identifier: Apache-2.0
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json, makeRootfs, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, runOnce, withContainer } from '../helpers/container.ts'
import { needsCpus } from '../helpers/host.ts'
import type { Report } from '../helpers/report.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('process')

function withProcess(process: Json): Json {
  return { process }
}

function withNamespaces(namespaces: readonly Json[], patch: Json = {}): Json {
  return { ...patch, linux: { ...(patch['linux'] as Json | undefined), namespaces } }
}

test('a field that is null is one that is not given', async () => {
  const linux = { timeOffsets: null, sysctl: null, maskedPaths: null, resources: { memory: null, cpu: { cpus: null } } }
  mustSucceed(
    await runOnce(withArgs(['true'], { hooks: null, linux, process: { rlimits: null, user: { umask: null } } })),
  )
})

test('process is required at create', () => {
  assertRefused({ process: undefined }, { tsrun: /process/ })
})

test('a cwd that only root can enter works for another user', async () => {
  const rootfs = makeRootfs()
  chmodSync(join(rootfs, 'root'), 0o700)
  const user = { uid: 1000, gid: 1000 }
  const args = ['probe', 'getpid']
  mustSucceed(await runOnce({ root: { path: rootfs }, process: { args, cwd: '/root', user, capabilities: undefined } }))
})

test('args must not be empty, cwd must be absolute', () => {
  assertRefused(withProcess({ args: [] }), { tsrun: /process\.args/ })
  assertRefused(withProcess({ cwd: 'tmp' }), { tsrun: /process\.cwd/ })
  assertRefused(withProcess({ cwd: '' }), { tsrun: /process\.cwd/ })
})

test(
  'the environment must have the form NAME=value',
  () => {
    assertRefused(withProcess({ env: ['NOVALUE'] }), { tsrun: /process\.env/ })
  },
  { differsFrom: { 'runc<1.3': 'passes it on' } },
)

test('dumpable after execve as any process', async () => {
  assert.is((await inspect()).dumpable, 1)
})

test('a program that its user may not run', async () => {
  const outcome = await runOnce(withArgs(['/etc/passwd']))
  assert.is(outcome.status, 1)
  assert.match(outcome.stderr, /permission denied/)
})

test('a new session keyring, unless --no-new-keyring', async () => {
  const keyring = (text: string): string | null => (JSON.parse(text) as Report).keyringText
  await withContainer({}, (container) => {
    assert.match(String(keyring(mustSucceed(container.run()).stdout)), new RegExp(`_ses\\.${container.id}$`))
    const old = mustSucceed(container.run(['--no-new-keyring'])).stdout
    assert.not.match(String(keyring(old)), new RegExp(container.id))
  })
})

test('a config without a new pid namespace: run ends although children stay', async () => {
  const others = defaultNamespaces.filter((namespace) => namespace.type !== 'pid')
  await withContainer(withNamespaces(others, withArgs(['sh', '-c', 'sleep 61 & exit 6'])), (container) => {
    assert.is(container.run().status, 6)
  })
})

test(
  'the CPUs that the caller may use are its own: the process may use all of its cgroup',
  async () => {
    const all = /Cpus_allowed_list:\t(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
    const wrapper = ['taskset', '-c', all.split(/[-,]/)[0] ?? '0']
    await withContainer(withArgs(['grep', 'Cpus_allowed_list', '/proc/self/status']), (container) => {
      assert.match(mustSucceed(container.run([], { wrapper })).stdout, new RegExp(`\t${all}$`, 'm'))
    })
    await withContainer(withArgs(['sleep', '60']), (container) => {
      mustSucceed(container.create([], { wrapper }))
      mustSucceed(container.start())
      const seen = mustSucceed(container.exec(['grep', 'Cpus_allowed_list', '/proc/self/status'], [], { wrapper }))
      assert.match(seen.stdout, new RegExp(`\t${all}$`, 'm'))
    })
  },
  { needs: [needsCpus(2)], differsFrom: { 'runc<1.4': 'hands them on', crun: 'hands them on' } },
)

run()
