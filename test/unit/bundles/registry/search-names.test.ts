// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { searchEndpoint, searchNames, splitTerm } from '../../../../bundles/registry/search-names.ts'
import { answer, startServer } from '../../../helpers/http-server.ts'

const access = { settings: { mirrors: {}, insecure: [] }, credentials: async () => undefined }

test('whom a term is for', () => {
  assert.equal(splitTerm('nginx'), { registry: 'docker.io', words: 'nginx' })
  assert.equal(splitTerm('library/nginx'), { registry: 'docker.io', words: 'nginx' })
  assert.equal(splitTerm('me/app'), { registry: 'docker.io', words: 'me/app' })
  assert.equal(splitTerm('localhost/app'), { registry: 'localhost', words: 'app' })
  assert.equal(splitTerm('r.example.com:5000/me/app'), { registry: 'r.example.com:5000', words: 'me/app' })
  assert.is(searchEndpoint('docker.io', {})?.base, 'https://index.docker.io')
  assert.is(searchEndpoint('r.example.com', {})?.base, 'https://r.example.com')
})

test('what a registry finds, and nothing that is no repository', async () => {
  const server = await startServer((_, response) =>
    answer(response, 200, {
      num_results: 3,
      results: [
        { name: 'nginx', description: 'Official build', star_count: 20000, is_official: true, is_automated: false },
        { name: 'me/nginx' },
        { description: 'no name' },
        { name: 'c', star_count: 'many', is_official: 1 },
        { name: 'd' },
      ],
    }),
  )
  try {
    assert.equal(await searchNames(`${server.host}/nginx x`, 3, access), [
      { name: 'nginx', description: 'Official build', stars: 20000, official: true },
      { name: 'me/nginx', description: '', stars: 0, official: false },
      { name: 'c', description: '', stars: 0, official: false },
    ])
    assert.is(server.seen.at(-1)?.url, '/v1/search?q=nginx+x&n=3')
  } finally {
    await server.stop()
  }
})

async function failure(status: number, body: string): Promise<string> {
  const server = await startServer((_, response) => answer(response, status, body))
  try {
    await searchNames(`${server.host}/x`, 25, { ...access, patience: { timeoutMs: 1000, pauseMs: 1 } })
    return 'no error'
  } catch (e: unknown) {
    return String(e)
  } finally {
    await server.stop()
  }
}

test('a registry that has no search, or none that can be read', async () => {
  assert.match(await failure(404, 'page not found'), /has no search of names; NAME@sha256:.*404/)
  assert.match(await failure(200, '<html>'), /an answer to a search that is not JSON/)
  assert.match(await failure(500, 'no'), /GET \/v1\/search: 500/)
  assert.is(await failure(200, '{"results":null}'), 'no error')
})

test.run()
