// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseReference } from '../../../../bundles/images/reference.ts'
import { tagsOf } from '../../../../bundles/registry/search.ts'
import { mediaTypes } from '../../../../spec/image/documents.ts'
import { startServer } from '../../../helpers/http-server.ts'

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`
const wanted = digestOf('{"wanted":1}')
const index = JSON.stringify({
  schemaVersion: 2,
  manifests: [
    { mediaType: mediaTypes.manifest, digest: wanted, size: 1, platform: { os: 'linux', architecture: 'arm64' } },
  ],
})
const manifests: Readonly<Record<string, readonly [type: string, text: string]>> = {
  a: [mediaTypes.manifest, '{"wanted":1}'],
  b: [mediaTypes.manifest, '{"other":1}'],
  c: [mediaTypes.index, index],
}

/** Which tags were found, and what was fetched for it. */
async function search(head: boolean) {
  const server = await startServer(({ method, url }, response) => {
    if (url.includes('/tags/list')) return void response.end(JSON.stringify({ tags: Object.keys(manifests) }))
    const [type, text] = manifests[url.split('/').at(-1) ?? ''] ?? []
    if (type === undefined || text === undefined || (method === 'HEAD' && !head)) {
      return void response.writeHead(method === 'HEAD' ? 405 : 404).end()
    }
    response.writeHead(200, { 'Content-Type': type, 'Docker-Content-Digest': digestOf(text) })
    response.end(method === 'HEAD' ? undefined : text)
  })
  try {
    const found = await tagsOf(parseReference(`${server.host}/x`), wanted, { settings: { mirrors: {}, insecure: [] } })
    const fetched = server.seen.filter(({ method, url }) => method === 'GET' && url.includes('/manifests/'))
    return { found, fetched: fetched.map(({ url }) => url.split('/').at(-1)).sort() }
  } finally {
    await server.stop()
  }
}

const expected = [
  { tag: 'a', digest: wanted, platform: undefined },
  { tag: 'c', digest: digestOf(index), platform: 'linux/arm64' },
]

test('only what is inside of an index is fetched: the rest tells its digest', async () => {
  assert.equal(await search(true), { found: expected, fetched: ['c'] })
})

test('all is fetched from a registry that does not say', async () => {
  assert.equal(await search(false), { found: expected, fetched: ['a', 'b', 'c'] })
})

test.run()
