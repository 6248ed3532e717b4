// SPDX-License-Identifier: Apache-2.0
// The library, compiled, under Node, against the built program. It plans in its own process: tsrun-plan is not started.

import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, newContainer, newId } from '../helpers/container.ts'
import { readCgroupDir } from '../helpers/host.ts'
import { isTsrun, runtimePath } from '../helpers/runtime.ts'
import { scaled } from '../helpers/slow.ts'
import { hostSuite } from '../helpers/suite.ts'
import { mark, newDir, newPath, projectDir, stateRoot } from '../helpers/work-dir.ts'

const { test: hostTest, run } = hostSuite('library')
const test: typeof hostTest = (name, body) =>
  hostTest(name, body, { needs: [() => (isTsrun ? undefined : 'the library runs tsrun')] })

if (isTsrun && process.env['TSRUN_TEST_BIN'] === undefined) {
  const built = spawnSync('sh', [join(projectDir, 'cmd/dev/build-lib.sh')], { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`build-lib.sh failed:\n${built.stdout}${built.stderr}`)
}
const entry = join(projectDir, 'dist/lib/runtime/index.js')

interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a module under Node; it finds the library as `tsrun` and its options as `options`. */
function runNode(code: string, options: Json = {}): Promise<Ran> {
  const file = newPath('script.mjs')
  const all = JSON.stringify({ root: stateRoot, executable: runtimePath, ...options })
  writeFileSync(file, `import * as tsrun from ${JSON.stringify(entry)}\nconst options = ${all}\n${code}`)
  return runFile([file])
}

function runFile(args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn('node', args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TSRUN_TEST_MARK: mark },
      timeout: scaled(25_000),
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, stdout, stderr }))
  })
}

function printed({ status, stdout, stderr }: Ran): string {
  assert.is(status, 0, `${stdout}\n${stderr}`)
  return stdout.trim()
}

/** Runs code with a container's id and bundle among its options, and removes the container afterwards. */
async function withNode(patch: Json, code: string, check: (out: string, container: Container) => void): Promise<void> {
  const container = newContainer(patch)
  try {
    check(printed(await runNode(code, { id: container.id, bundle: container.bundle })), container)
  } finally {
    container.delete(['--force'])
  }
}

test('update', async () => {
  const code = `
    const { id } = options
    await tsrun.create(options)
    const warnings = await tsrun.update(id, { ...options, resources: { pids: { limit: 23 }, memory: { kernel: 1 } } })
    const failure = await tsrun.update(id, { ...options, resources: { cpu: { period: 5 } } }).catch((error) => error)
    console.log(JSON.stringify([warnings.length, failure.code, failure.pointer]))
  `
  await withNode(withArgs(['sleep', '60']), code, (out, container) => {
    assert.equal(JSON.parse(out), [1, 'cgroup', '/linux/resources/cpu/period'])
    const dir = readCgroupDir(Number(container.state()['pid']), 'pids') ?? ''
    assert.is(readFileSync(join(dir, 'pids.max'), 'utf8'), '23\n')
  })
})

test('create, start, state, kill, delete', async () => {
  const code = `
    const { id } = options
    const seen = []
    const see = async () => seen.push((await tsrun.state(id, options)).status)
    const { pid, warnings } = await tsrun.create(options)
    await see()
    await tsrun.start(id, options)
    await see()
    await tsrun.pause(id, options)
    await see()
    await tsrun.resume(id, options)
    const listed = (await tsrun.list(options)).map((container) => container.id)
    await tsrun.kill(id, 9, options)
    while ((await tsrun.state(id, options)).status !== 'stopped') await new Promise((next) => setTimeout(next, 5))
    await see()
    await tsrun.delete(id, options)
    console.log(JSON.stringify({ pid, warnings, seen, listed, left: await tsrun.list(options) }))
  `
  await withNode(withArgs(['sleep', '60']), code, (out, container) => {
    const { pid, ...rest } = JSON.parse(out) as Json
    assert.ok(Number(pid) > 1)
    assert.equal(rest, {
      warnings: [],
      seen: ['created', 'running', 'paused', 'stopped'],
      listed: [container.id],
      left: [],
    })
  })
})

test('the planner is not started', async () => {
  // A tsrun without a planner beside it can run plans that come from elsewhere, and no others.
  const alone = newDir('alone')
  copyFileSync(runtimePath, join(alone, 'tsrun'))
  for (const name of ['tsrun-seccomp', 'tsrun-systemd']) copyFileSync(join(runtimePath, '..', name), join(alone, name))
  const code = `
    options.executable = ${JSON.stringify(join(alone, 'tsrun'))}
    await tsrun.create(options)
    await tsrun.start(options.id, options)
    const { exitCode } = await tsrun.exec({ ...options, args: ['true'] })
    await tsrun.delete(options.id, { ...options, force: true })
    console.log(exitCode)
  `
  await withNode(withArgs(['sleep', '60']), code, (out) => assert.is(out, '0'))
})

test('stdio: a file to read, pipes to write to', async () => {
  const input = newPath('input')
  writeFileSync(input, 'through the container')
  const code = `
    const { openSync } = await import('node:fs')
    const stdin = openSync(${JSON.stringify(input)}, 'r')
    const { stdout, stderr } = await tsrun.create({ ...options, stdio: [stdin, 'pipe', 'pipe'] })
    await tsrun.start(options.id, options)
    // A reader may come late.
    await new Promise((next) => setTimeout(next, 50))
    const seen = ['', '']
    for await (const chunk of stdout) seen[0] += chunk
    for await (const chunk of stderr) seen[1] += chunk
    await tsrun.delete(options.id, { ...options, force: true })
    console.log(JSON.stringify(seen))
  `
  await withNode(withArgs(['sh', '-c', 'cat; echo problem >&2']), code, (out) => {
    assert.equal(JSON.parse(out), ['through the container', 'problem\n'])
  })
})

test('exec: output, input, environment, exit codes', async () => {
  const code = `
    await tsrun.create(options)
    await tsrun.start(options.id, options)
    const sh = (script, more = {}) => tsrun.exec({ ...options, args: ['sh', '-c', script], ...more })
    const first = await sh('echo out; echo err >&2; exit 7')
    const second = await sh('cat; echo $NAME $OTHER; pwd; id -u; id -g', {
      input: 'in ', env: { NAME: 'a b', OTHER: 'c,d' }, cwd: '/tmp', user: '1000:1001',
    })
    const third = await sh('kill -9 $$')
    await tsrun.delete(options.id, { ...options, force: true })
    console.log(JSON.stringify([first, second.stdout, third.exitCode]))
  `
  await withNode(withArgs(['sleep', '60']), code, (out) => {
    assert.equal(JSON.parse(out), [
      { exitCode: 7, stdout: 'out\n', stderr: 'err\n', warnings: [] },
      'in a b c,d\n/tmp\n1000\n1001\n',
      137,
    ])
  })
})

test('errors have codes', async () => {
  const code = `
    const codes = []
    const fails = async (what) => {
      try { await what; codes.push('no error') } catch (e) { codes.push(e instanceof tsrun.TsrunError ? e.code : String(e)) }
    }
    const { id } = options
    await fails(tsrun.state('nosuch', options))
    await fails(tsrun.start('nosuch', options))
    await fails(tsrun.exec({ ...options, id: 'nosuch', args: ['true'] }))
    await fails(tsrun.delete('nosuch', options))
    await tsrun.delete('nosuch', { ...options, force: true })
    await fails(tsrun.create({ ...options, id: '../x' }))
    await fails(tsrun.create({ ...options, bundle: '/nosuch' }))
    await fails(tsrun.create({ ...options, executable: '/nosuch' }))
    await tsrun.create(options)
    await fails(tsrun.create(options))
    await tsrun.start(id, options)
    await fails(tsrun.start(id, options))
    await fails(tsrun.delete(id, options))
    await fails(tsrun.exec({ ...options, args: ['nosuchprogram'] }))
    await tsrun.delete(id, { ...options, force: true })
    console.log(codes.join(' '))
  `
  await withNode(withArgs(['sleep', '60']), code, (out) => {
    assert.is(
      out,
      'not-found not-found not-found not-found invalid-id bundle host id-taken wrong-state wrong-state executor',
    )
  })
})

test('a config that is wrong: pointer and every problem', async () => {
  const code = `
    try { await tsrun.create(options) } catch (e) { console.log(e.code, e.pointer, e.message) }
  `
  await withNode({ process: { cwd: 'x' }, root: { path: '' } }, code, (out) => {
    assert.match(out, /^invalid-config \/\S+ config\.json: .*process\.cwd/)
  })
})

test('plan: what would be done, as data and as text', async () => {
  const code = `
    const plan = await tsrun.plan(options)
    console.log(plan.fields.id, plan.sections.setup.some((op) => op.kind === 'pivot'), tsrun.printPlan(plan).length > 500)
    console.log((await tsrun.list(options)).length)
  `
  await withNode(withArgs(['true']), code, (out, { id }) => assert.is(out, `${id} true true\n0`))
})

test('an aborted create leaves nothing', async () => {
  const hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '20'] }] }
  const code = `
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 150)
    try { await tsrun.create({ ...options, signal: abort.signal }) } catch (e) { console.log(e.name) }
  `
  await withNode(withArgs(['true'], { hooks }), code, (out) => assert.is(out, 'AbortError'))
})

test('the example of the documentation works as it stands', async () => {
  const container = newContainer(withArgs(['sh', '-c', 'echo started; sleep 60']), newId('example'))
  const script = join(projectDir, 'dist/lib/examples/library.js')
  const out = printed(await runFile([script, container.bundle, stateRoot]))
  assert.match(out, /^the plan has \d+ steps inside the container\ninit is process \d+, the container is created\n/)
  assert.match(
    out,
    /\ncat ended with 0 and said: hello from outside\ncontainers: example-\d+\nthe container said: started$/,
  )
  assert.equal(readdirSync(stateRoot), [])
})

run()
