// SPDX-License-Identifier: Apache-2.0
// Blobs and manifests over connections that break, and from servers that lie.

import { createHash, randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DockError } from '../../../../bundles/error.ts'
import { RepositoryClient } from '../../../../bundles/registry/client.ts'
import { RegistryHttp } from '../../../../bundles/registry/http.ts'
import { mediaTypes } from '../../../../spec/image/documents.ts'
import { answer, type FakeServer, type Handler, startServer } from '../../../helpers/http-server.ts'

const blob = randomBytes(500_000)
const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`
const descriptor = { mediaType: mediaTypes.layer, digest, size: blob.length }

let servers: FakeServer[] = []
test.after.each(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  servers = []
})

async function serve(handler: Handler): Promise<{ readonly server: FakeServer; readonly client: RepositoryClient }> {
  const server = await startServer(handler)
  servers.push(server)
  const http = new RegistryHttp({ base: server.base, registry: 'reg.example' }, async () => undefined, {
    timeoutMs: 300,
    pauseMs: 1,
  })
  return { server, client: new RepositoryClient(http, 'a/b') }
}

async function fetched(client: RepositoryClient): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of client.blob(descriptor)) parts.push(part)
  return Buffer.concat(parts)
}

const failure = async (promise: Promise<unknown>): Promise<string> => {
  const e = await promise.then(
    (value) => new Error(`it worked: ${String(value).slice(0, 100)}`),
    (reason: unknown) => reason,
  )
  assert.instance(e, DockError, String(e))
  return (e as Error).message
}

/** Sends so much of a blob, then breaks the connection. */
function cut(response: ServerResponse, status: number, bytes: Buffer, length: number, headers = {}): void {
  response.writeHead(status, { 'Content-Length': String(bytes.length), ...headers })
  response.write(bytes.subarray(0, length), () => setTimeout(() => response.destroy(), 10))
}

const rangeOf = (range: string | undefined): number => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)

test('a blob whose connection breaks is asked for from there on', async () => {
  const { server, client } = await serve(({ headers }, response) => {
    const from = rangeOf(headers.range)
    const rest = blob.subarray(from)
    const range = { 'Content-Range': `bytes ${from}-${blob.length - 1}/${blob.length}` }
    if (from > 400_000) answer(response, 206, rest, range)
    else cut(response, from === 0 ? 200 : 206, rest, 150_000, from === 0 ? {} : range)
  })
  assert.ok((await fetched(client)).equals(blob))
  const ranges = server.seen.map(({ headers }) => rangeOf(headers.range))
  assert.is(ranges[0], 0)
  assert.ok(ranges.length >= 4 && ranges.every((from, i) => i === 0 || from > (ranges[i - 1] ?? 0)), String(ranges))
})

test('a server without ranges: what is there already is passed over', async () => {
  let count = 0
  const { client } = await serve((_, response) => {
    if (count++ < 2) cut(response, 200, blob, 100_000 * count)
    else answer(response, 200, blob)
  })
  assert.ok((await fetched(client)).equals(blob))
})

test('a server that answers with another range is not believed', async () => {
  const { client } = await serve(({ headers }, response) => {
    const from = rangeOf(headers.range)
    if (from === 0) cut(response, 200, blob, 100_000)
    else answer(response, 206, blob, { 'Content-Range': `bytes 0-${blob.length - 1}/${blob.length}` })
  })
  assert.match(await failure(fetched(client)), /"bytes 0-499999\/500000" where bytes from \d+ were asked for/)
})

test('a blob that is shorter than announced is an error, in the end', async () => {
  const { server, client } = await serve(({ headers }, response) => {
    const from = rangeOf(headers.range)
    answer(response, from === 0 ? 200 : 206, blob.subarray(from, 1000))
  })
  assert.match(await failure(fetched(client)), /ended after 1000 of 500000 bytes/)
  assert.is(server.seen.length, 5)
})

test('a server that gives a byte at a time is not followed without end', async () => {
  const { server, client } = await serve(({ headers }, response) => {
    const from = rangeOf(headers.range)
    cut(response, from === 0 ? 200 : 206, blob.subarray(from), 1)
  })
  assert.match(await failure(fetched(client)), /cannot reach|ended after/)
  assert.is(server.seen.length, 5)
})

test('a connection that falls silent is given up and taken up again', async () => {
  let count = 0
  const { client } = await serve(({ headers }, response) => {
    const rest = blob.subarray(rangeOf(headers.range))
    if (count++ > 0) return answer(response, 206, rest)
    response.writeHead(200, { 'Content-Length': String(rest.length) })
    response.write(rest.subarray(0, 200_000))
  })
  assert.ok((await fetched(client)).equals(blob))
})

test('a blob that is not there is not asked for twice', async () => {
  const { server, client } = await serve((_, response) => answer(response, 404, { errors: [{ code: 'BLOB_UNKNOWN' }] }))
  assert.match(await failure(fetched(client)), /404 Not Found: BLOB_UNKNOWN/)
  assert.is(server.seen.length, 1)
})

test('a manifest that has another digest, or is too large, is refused', async () => {
  const { client } = await serve(({ url }, response) => {
    if (url.endsWith('/large')) {
      response.writeHead(200, { 'Content-Type': mediaTypes.manifest })
      const more = (): void => void (response.destroyed || response.write(Buffer.alloc(65536, 'x'), more))
      more()
    } else answer(response, 200, '{}', { 'Content-Type': `${mediaTypes.manifest}; charset=utf-8` })
  })
  assert.match(await failure(client.manifest(digest)), /the manifest has the digest sha256:44136fa3\w+ where sha256:/)
  assert.match(await failure(client.manifest('large')), /more than 4194304 bytes/)
  assert.is((await client.manifest('1')).descriptor.mediaType, mediaTypes.manifest)
})

test('types of manifests: the header counts, else what the document says', async () => {
  const document = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] })
  let type = ''
  const { client } = await serve((_, response) => answer(response, 200, document, { 'Content-Type': type }))
  const told = async (header: string): Promise<string> => {
    type = header
    return (await client.manifest('1')).descriptor.mediaType
  }
  assert.is(await told(mediaTypes.manifest), mediaTypes.manifest)
  assert.is(await told('application/json'), mediaTypes.index)
  assert.is(
    await told('application/vnd.docker.distribution.manifest.v1+prettyjws'),
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
  )
})

async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < blob.length; at += 100_000) yield blob.subarray(at, at + 100_000)
}

test('an upload: begun, sent, closed with the digest; the query of the server stays as it is', async () => {
  const { server, client } = await serve(({ method, url }, response) => {
    if (method === 'POST') answer(response, 202, '', { Location: '/upload/1?_state=a%2Fb+c~&x' })
    else if (method === 'PATCH') answer(response, 202, '', { Location: `${url.replace('1', '2')}` })
    else answer(response, 201)
  })
  await client.putBlob(descriptor, chunks)
  const [patch, put] = server.seen.slice(-2)
  assert.is(patch?.body.length, blob.length)
  assert.is(put?.url, `/upload/2?_state=a%2Fb+c~&x&digest=${encodeURIComponent(digest)}`)
  assert.is(put?.body, '')
})

test('an upload whose connection breaks begins anew', async () => {
  let count = 0
  const { server, client } = await serve(({ method }, response) => {
    if (method === 'POST') answer(response, 202, '', { Location: '/upload/1' })
    else if (method === 'PATCH' && count++ < 2) response.destroy()
    else if (method === 'HEAD') answer(response, 404)
    else answer(response, method === 'PATCH' ? 202 : 201)
  })
  await client.putBlob(descriptor, chunks)
  assert.is(server.seen.filter(({ method }) => method === 'POST').length, 3)
})

test('an upload that arrived, though its answer was lost, is not sent again', async () => {
  const { server, client } = await serve(({ method }, response) => {
    if (method === 'POST') answer(response, 202, '', { Location: '/upload/1' })
    else if (method === 'PATCH') answer(response, 202)
    else if (method === 'PUT') response.destroy()
    else answer(response, 200)
  })
  await client.putBlob(descriptor, chunks)
  assert.is(server.seen.filter(({ method }) => method === 'PATCH').length, 1)
})

test('an upload that is refused is not tried again; one without a place to go neither', async () => {
  const refusing = await serve(({ method }, response) => answer(response, method === 'POST' ? 403 : 200))
  assert.match(await failure(refusing.client.putBlob(descriptor, chunks)), /403/)
  assert.is(refusing.server.seen.filter(({ method }) => method === 'POST').length, 1)
  const lost = await serve((_, response) => answer(response, 202))
  assert.match(await failure(lost.client.putBlob(descriptor, chunks)), /an upload without a place to send it to/)
})

test('uploads go to no file of this machine', async () => {
  const { client } = await serve((_, response) => answer(response, 202, '', { Location: 'file:///tmp/x' }))
  assert.match(await failure(client.putBlob(descriptor, chunks)), /an address of the kind "file:"/)
})

test('a blob of another repository is mounted, or the upload that came instead is given back', async () => {
  const { server, client } = await serve(({ method, url }, response) => {
    if (method === 'DELETE') return answer(response, 204)
    return url.includes('from=good') ? answer(response, 201) : answer(response, 202, '', { Location: '/upload/9' })
  })
  assert.is(await client.mountBlob(digest, 'good/x'), true)
  assert.is(await client.mountBlob(digest, 'bad/x'), false)
  assert.equal(
    server.seen.map(({ method }) => method),
    ['POST', 'POST', 'DELETE'],
  )
  assert.is(server.seen[0]?.url, `/v2/a/b/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=good%2Fx`)
})

test.run()
