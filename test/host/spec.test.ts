// SPDX-License-Identifier: Apache-2.0
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { validateConfig } from '../../spec/validate.ts'
import { type Json, sharedRootfs } from '../helpers/bundle.ts'
import { cgroupsPathOf, mustSucceed, withContainer } from '../helpers/container.ts'
import { callRuntime, isTsrun } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { newDir, newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('spec')

function writeSpec(...flags: readonly string[]): Json {
  const dir = newDir('bundle')
  mustSucceed(callRuntime(['spec', '--bundle', dir, ...flags], { root: null }))
  return JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as Json
}

for (const flags of [[], ['--rootless']]) {
  test(`spec ${flags.join(' ')}: valid, without inheritable capabilities`, () => {
    const config = writeSpec(...flags)
    const problems = validateConfig(config).filter(({ pointer }) => isTsrun || !pointer.includes('ambient'))
    assert.equal(problems, [])
    const { capabilities } = config['process'] as { capabilities: Json }
    assert.equal(capabilities['inheritable'] ?? [], [])
  })
}

test('spec writes into the current directory', () => {
  const cwd = newDir('bundle')
  mustSucceed(callRuntime(['spec'], { root: null, cwd }))
  assert.match(readFileSync(join(cwd, 'config.json'), 'utf8'), /^\{\n\t"ociVersion": "1\./)
})

test('a file that is there stays, and so does what a link leads to', () => {
  const dir = newDir('bundle')
  writeFileSync(join(dir, 'config.json'), 'mine')
  assertFailure(callRuntime(['spec', '-b', dir], { root: null }), { text: /config\.json exists\. Remove it first/ })
  assert.is(readFileSync(join(dir, 'config.json'), 'utf8'), 'mine')
})

test(
  'a dangling link is not written through',
  () => {
    const [dir, target] = [newDir('bundle'), newPath('target')]
    symlinkSync(target, join(dir, 'config.json'))
    assertFailure(callRuntime(['spec', '-b', dir], { root: null }), { text: /exists/ })
  },
  { differsFrom: { runc: 'follows it' } },
)

test('a bundle that is not there is named', () => {
  const dir = newPath('nothing')
  const outcome = callRuntime(['spec', '--bundle', dir], { root: null })
  assertFailure(outcome, { text: new RegExp(`${dir}.*no such file or directory`), tsrun: /ENOENT/ })
})

test('what spec writes runs, once terminal and root are set', async () => {
  const config = writeSpec()
  await withContainer({}, (container) => {
    container.configure({
      ...config,
      process: { ...(config['process'] as Json), terminal: false, args: ['sh', '-c', 'hostname; id -u'] },
      root: { path: sharedRootfs(), readonly: true },
      linux: { ...(config['linux'] as Json), cgroupsPath: cgroupsPathOf(container.id) },
    })
    assert.is(mustSucceed(container.run()).stdout, `${String(config['hostname'])}\n0\n`)
  })
})

test('what spec --rootless writes runs, as root too', async () => {
  const config = writeSpec('--rootless')
  await withContainer({}, (container) => {
    container.configure({
      ...config,
      process: { ...(config['process'] as Json), terminal: false, args: ['cat', '/proc/self/uid_map'] },
      root: { path: sharedRootfs(), readonly: true },
      linux: { ...(config['linux'] as Json), cgroupsPath: cgroupsPathOf(container.id) },
    })
    assert.match(mustSucceed(container.run()).stdout, new RegExp(`^\\s*0\\s+${process.getuid?.()}\\s+1\\n$`))
  })
})

run()
