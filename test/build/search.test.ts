// SPDX-License-Identifier: Apache-2.0
// `search NAME@DIGEST`: the tags of a repository that carry a digest, in a registry of one's own. `search TERM`.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { answer, startServer } from '../helpers/http-server.ts'
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
    assert.match(named.stderr, /has no search of names; NAME@sha256:\.\.\. finds the tags/)
    const mixed = await dock.runAsync('search', '--limit', '3', `${repository}@sha256:${'0'.repeat(64)}`)
    assert.match(mixed.stderr, /--limit does not go with NAME@DIGEST/)
    const unknown = await dock.runAsync('search', `${repository}@sha256:${'0'.repeat(64)}`)
    assert.is(unknown.status, 1)
    assert.match(unknown.stderr, /me\/app/)
  }))

const results = [
  {
    name: 'nginx',
    description: 'Official build of Nginx, which is a web server and much more',
    star_count: 20,
    is_official: true,
  },
  { name: 'me/nginx', description: 'mine\n\u001b[31m', star_count: 3, is_official: false },
]

test('repositories by words', async () => {
  const server = await startServer((_, response) => answer(response, 200, { results }))
  const search = async (...args: readonly string[]) => {
    const run = await dock.runAsync('search', ...args, `${server.host}/nginx`)
    return run.status === 0 ? run.stdout : run.stderr
  }
  try {
    const table = await search()
    assert.match(table, /^NAME +DESCRIPTION +STARS +OFFICIAL\n/)
    assert.match(table, /\nnginx +Official build of Nginx, which is a web serv… +20 +\[OK\]\n/)
    assert.match(table, /\nme\/nginx +mine \?\[31m +3\n$/)
    assert.is(server.seen.at(-1)?.url, '/v1/search?q=nginx&n=25')
    assert.match(await search('--no-trunc'), /a web server and much more/)
    assert.is(await search('-q', '--filter', 'stars=10'), 'nginx\n')
    assert.is(await search('-q', '-f', 'is-official=false'), 'me/nginx\n')
    assert.is(await search('--limit', '1', '--format', '{{.Name}} {{.StarCount}} {{.IsOfficial}}'), 'nginx 20 [OK]\n')
    assert.is(server.seen.at(-1)?.url, '/v1/search?q=nginx&n=1')
    assert.match(await search('--format', 'json'), /"StarCount":"3","IsOfficial":"false"/)
    assert.match(await search('--limit', '101'), /limit 101 is outside the range of \[1, 100\]/)
    assert.match(await search('-f', 'stars=many'), /invalid filter 'stars=many'/)
    assert.match(await search('-f', 'is-official=x'), /invalid filter 'is-official=x'/)
    assert.match(await search('-f', 'nope=1'), /invalid filter 'nope'/)
  } finally {
    await server.stop()
  }
})

const lacks = process.getuid?.() === 0 ? needsRegistry() : 'needs root'
if (lacks === undefined) test.run()
else process.stdout.write(`SKIP search: ${lacks}\n`)
