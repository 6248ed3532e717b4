// SPDX-License-Identifier: Apache-2.0
// `search NAME@DIGEST`: the tags of a repository that carry a digest, in a registry of one's own.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { needsRegistry, startRegistry } from '../helpers/registry.ts'
import { Dock, newContext } from '../helpers/tsdock.ts'
import { hostPlatform } from '../../bundles/images/platform.ts'

const dock = new Dock()
const own = hostPlatform().architecture
const other = own === 's390x' ? 'ppc64le' : 's390x'
const context = newContext({ Dockerfile: 'FROM scratch\nARG TARGETARCH\nARG X\nLABEL x=$X\nCOPY a /a\n', a: 'a' })

async function withRegistry(run: (repository: string) => Promise<void>): Promise<void> {
  const registry = await startRegistry()
  try {
    await run(`${registry.host}/me/app`)
  } finally {
    await registry.stop()
  }
}

/** Returns the digest in the registry, whose layers are compressed. */
async function push(name: string, ...args: readonly string[]): Promise<string> {
  dock.must('build', '-q', ...args, '-t', name, context)
  const pushed = await dock.runAsync('push', '-q', name)
  assert.is(pushed.status, 0, pushed.stderr)
  return pushed.stdout.trim()
}

test('all tags of a digest, and no other', () =>
  withRegistry(async (repository) => {
    const digest = await push(`${repository}:v1`, '--build-arg', 'X=1')
    assert.is(await push(`${repository}:again`, '--build-arg', 'X=1'), digest)
    await push(`${repository}:v2`, '--build-arg', 'X=2')
    const found = await dock.runAsync('search', '-q', `${repository}@${digest}`)
    assert.is(found.stdout, `${repository}:again\n${repository}:v1\n`)
    const rows = await dock.runAsync('search', '--format', '{{.Tag}} {{.Digest}}', `${repository}@${digest}`)
    assert.is(rows.stdout, `again ${digest}\nv1 ${digest}\n`)
    const none = await dock.runAsync('search', `${repository}@sha256:${'0'.repeat(64)}`)
    assert.is(none.status, 1)
    assert.match(none.stdout, /^NAME +TAG +DIGEST +PLATFORM\n$/)
  }))

test('an image of an index is found under its tag, with its platform', () =>
  withRegistry(async (repository) => {
    const index = await push(`${repository}:all`, '--platform', `linux/${own},linux/${other}`)
    const alone = await push(`${repository}:one`, '--platform', `linux/${own}`)
    const { stdout } = await dock.runAsync(
      'search',
      '--format',
      '{{.Tag}} {{.Digest}} {{.Platform}}',
      `${repository}@${alone}`,
    )
    assert.is(stdout, `all ${index} linux/${own}\none ${alone} \n`)
  }))

test('what cannot be looked for', () =>
  withRegistry(async (repository) => {
    const named = await dock.runAsync('search', `${repository}:v1`)
    assert.is(named.status, 1)
    assert.match(named.stderr, /it is NAME@sha256:.*registries have no search of names/)
    const unknown = await dock.runAsync('search', `${repository}@sha256:${'0'.repeat(64)}`)
    assert.is(unknown.status, 1)
    assert.match(unknown.stderr, /me\/app/)
  }))

const lacks = process.getuid?.() === 0 ? needsRegistry() : 'needs root'
if (lacks === undefined) test.run()
else process.stdout.write(`SKIP search: ${lacks}\n`)
