// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, makeRootfs, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, withContainer, withRunning } from '../helpers/container.ts'
import { callRuntime, isTsrun, runtimePath, until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('command line')

test('list prints a table, ids with -q, and JSON', async () => {
  await withContainer(withArgs(['sleep', '60'], { annotations: { a: 'b' } }), (container) => {
    assert.is(mustSucceed(callRuntime(['list', '--quiet'])).stdout.trim(), '')
    mustSucceed(container.create())
    const table = mustSucceed(callRuntime(['list'])).stdout
    assert.match(table, /^ID\s+PID\s+STATUS\s+BUNDLE\s+CREATED\s+OWNER/)
    assert.match(table, new RegExp(`^${container.id}\\s+${container.pid()}\\s+created\\s`, 'm'))
    assert.is(mustSucceed(callRuntime(['list', '-q'])).stdout, `${container.id}\n`)
    const items = JSON.parse(mustSucceed(callRuntime(['list', '-f', 'json'])).stdout) as readonly Json[]
    assert.is(items.length, 1)
    for (const key of ['ociVersion', 'id', 'pid', 'status', 'bundle', 'rootfs', 'created', 'annotations', 'owner']) {
      assert.ok(key in (items[0] ?? {}), key)
    }
    assert.is(items[0]?.['id'], container.id)
    assertFailure(callRuntime(['list', '--format', 'xml']), { text: /invalid format/i })
  })
})

test('list --format json of nothing is null', () => {
  assert.is(mustSucceed(callRuntime(['list', '--format', 'json'], { root: newDir('root') })).stdout.trim(), 'null')
})

test('ps prints a table of the processes inside, and JSON pids', async () => {
  await withRunning(withArgs(['sh', '-c', 'sleep 61 & sleep 62']), async (container) => {
    const pids = (): readonly number[] =>
      JSON.parse(mustSucceed(container.call('ps', ['--format', 'json'])).stdout) as readonly number[]
    await until('two processes', () => pids().length >= 2)
    assert.ok(pids().includes(container.pid()))
    const table = mustSucceed(container.call('ps')).stdout
    assert.match(table, /^UID\s+PID/)
    assert.match(table, /sleep 61/)
    assert.not.match(table, /\[kthreadd\]/)
    assert.match(mustSucceed(container.call('ps', [], ['-o', 'pid,comm'])).stdout, /sleep/)
  })
})

for (const verb of ['create', 'start', 'state', 'delete', 'kill', 'exec', 'pause', 'resume', 'ps', 'run']) {
  test(`${verb} without an id shows its usage and ends with 1`, () => {
    const outcome = callRuntime([verb])
    assert.is(outcome.status, verb === 'exec' && isTsrun ? outcome.status : 1)
    assert.match(outcome.stdout + outcome.stderr, /(Incorrect Usage|requires|USAGE)/i)
  })
}

test('--version names the program, a commit and the specification', () => {
  const text = mustSucceed(callRuntime(['--version'], { root: null })).stdout
  assert.match(text, /^\S+ version \S+/)
  assert.match(text, /^commit: \S+/m)
  assert.match(text, /^spec: 1\.\d+\.\d+/m)
})

test(
  'called by another name, the program answers to that',
  () => {
    const link = join(newDir('bin'), 'runc')
    symlinkSync(runtimePath, link)
    const call = (...args: readonly string[]): string => spawnSync(link, args, { encoding: 'utf8' }).stdout
    assert.match(call('--version'), /^runc version /)
    assert.match(call('--help'), /^NAME:\n +runc - Open Container Initiative runtime\n/)
    assert.match(call('create', '--help'), /^NAME:\n +runc create - /)
  },
  { differsFrom: { crun: 'has one name' } },
)

test(
  'called runc, it says first what runc would',
  async () => {
    const link = join(newDir('bin'), 'runc')
    symlinkSync(runtimePath, link)
    const failure = (bundle: string, ...args: readonly string[]): string => {
      const { status, stderr } = spawnSync(link, ['--root', newDir('root'), ...args, '--bundle', bundle, 'fails'], {
        encoding: 'utf8',
      })
      assert.ok(status !== 0)
      return stderr
    }
    await withContainer(withArgs(['/nothing']), ({ bundle }) => {
      assert.match(
        failure(bundle, 'run'),
        /runc run failed: unable to start container process: .*no such file or directory/,
      )
      assert.match(failure(bundle, 'create'), /runc create failed: unable to start container process: .*\/nothing/)
    })
    // The kernel refuses it: the one failure that has no words before it, where a tool reads.
    const rootfs = makeRootfs()
    writeFileSync(join(rootfs, 'run.sh'), '#!/no/interpreter\n', { mode: 0o755 })
    await withContainer(withArgs(['/run.sh'], { root: { path: rootfs } }), ({ bundle }) => {
      assert.is(failure(bundle, 'run'), 'exec /run.sh: no such file or directory\n')
    })
    const missing = { destination: '/x', type: 'bind', source: '/nothing', options: ['bind'] }
    await withContainer({ mounts: [missing] }, ({ bundle }) => {
      assert.match(failure(bundle, 'create'), /runc create failed: .*no such file or directory/)
    })
  },
  { differsFrom: { crun: 'has words of its own' } },
)

test('help, -h and --help of every verb end with 0', () => {
  mustSucceed(callRuntime(['--help'], { root: null }))
  mustSucceed(callRuntime(['help'], { root: null }))
  for (const verb of ['create', 'exec', 'list', 'spec', 'state']) {
    assert.match(mustSucceed(callRuntime([verb, '--help'], { root: null })).stdout, new RegExp(verb))
  }
})

test(
  'an unknown verb and an unknown flag are refused',
  () => {
    const verb = callRuntime(['nosuchverb'])
    assert.ok(verb.status !== 0)
    const flag = callRuntime(['state', '--nosuchflag', 'x'])
    assert.is(flag.status, 1)
    assert.match(flag.stdout + flag.stderr, /nosuchflag/)
    const value = callRuntime(['create', '--bundle'])
    assert.is(value.status, 1)
    assert.match(value.stdout + value.stderr, /flag needs an argument|requires an argument/)
  },
  { differsFrom: { 'runc<1.3': 'prints its help for an unknown verb and ends with 3 or 0' } },
)

test('spec writes a config that runs', async () => {
  const dir = newDir('spec')
  mustSucceed(callRuntime(['spec', '--bundle', dir], { root: null }))
  const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as Json
  assert.is((config['process'] as Json)['terminal'], true)
  assert.equal((config['process'] as Json)['args'], ['sh'])
  assert.equal(((config['process'] as Json)['capabilities'] as Json)['inheritable'] ?? [], [])
  assertFailure(callRuntime(['spec', '--bundle', dir], { root: null }), { text: /exists/ })
  await withContainer({}, (container) => {
    container.configure({
      ...config,
      process: { ...(config['process'] as Json), terminal: false, args: ['true'] },
      root: { path: join(dir, 'nothing') },
    })
    assert.is(container.run().status, 1)
  })
})

test('features lists what this build knows', () => {
  const features = JSON.parse(mustSucceed(callRuntime(['features'], { root: null })).stdout) as Json
  assert.match(String(features['ociVersionMin']), /^1\./)
  assert.match(String(features['ociVersionMax']), /^1\./)
  assert.equal(features['hooks'], [
    'prestart',
    'createRuntime',
    'createContainer',
    'startContainer',
    'poststart',
    'poststop',
  ])
  const options = features['mountOptions'] as readonly string[]
  assert.ok(options.includes('rro'))
  const linux = features['linux'] as Json
  assert.ok((linux['namespaces'] as readonly string[]).includes('cgroup'))
  assert.ok((linux['capabilities'] as readonly string[]).includes('CAP_CHOWN'))
  assert.is((linux['cgroup'] as Json)['v1'], true)
  assert.is((linux['cgroup'] as Json)['v2'], true)
  assert.is((linux['seccomp'] as Json)['enabled'], true)
})

run()
