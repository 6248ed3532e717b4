// SPDX-License-Identifier: Apache-2.0
// The end points of the distribution specification 1.1 for one repository. No library: npm has none that is kept.

import { createHash } from 'node:crypto'
import { type Descriptor, mediaTypes } from '../../spec/image/documents.ts'
import { DockError } from '../error.ts'
import { digestPattern } from '../images/reference.ts'
import type { RegistryHttp } from './http.ts'

const MANIFEST_TYPES = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerList, mediaTypes.dockerManifest].join(
  ', ',
)

const MAX_MANIFEST = 4 << 20
const RETRIES = 5

export class RepositoryClient {
  readonly #http: RegistryHttp
  readonly repository: string
  readonly #pull: string
  readonly #push: string

  constructor(http: RegistryHttp, repository: string) {
    this.#http = http
    this.repository = repository
    this.#pull = `repository:${repository}:pull`
    this.#push = `repository:${repository}:pull,push`
  }

  /** name: tag or digest. Errors: DockError; a digest that does not fit is one. */
  async manifest(name: string): Promise<{ readonly descriptor: Descriptor; readonly bytes: Buffer }> {
    const response = await this.#http.request(`/v2/${this.repository}/manifests/${name}`, {
      headers: { Accept: MANIFEST_TYPES },
      scope: this.#pull,
      accept: [200],
    })
    if (Number(response.headers.get('content-length') ?? 0) > MAX_MANIFEST) {
      throw new DockError(`${this.repository}: a manifest of ${response.headers.get('content-length')} bytes`)
    }
    const bytes = Buffer.from(await response.arrayBuffer())
    if (bytes.length > MAX_MANIFEST) throw new DockError(`${this.repository}: a manifest of ${bytes.length} bytes`)
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    if (name.includes(':') && digest !== name) {
      throw new DockError(`${this.repository}: the manifest has the digest ${digest} where ${name} was asked for`)
    }
    const mediaType = (response.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? ''
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes }
  }

  /** A blob from its first byte to its last; what a lost connection cut off is asked for again. */
  async *blob(descriptor: Descriptor): AsyncGenerator<Uint8Array, void, undefined> {
    if (!digestPattern.test(descriptor.digest)) throw new DockError(`the digest ${JSON.stringify(descriptor.digest)}`)
    let done = 0
    for (let attempt = 1; ; attempt++) {
      const before = done
      try {
        for await (const chunk of await this.#blobFrom(descriptor.digest, done)) {
          done += chunk.length
          yield chunk
        }
        if (done >= descriptor.size) return
        throw new DockError(`${this.repository}: ${descriptor.digest} ended after ${done} of ${descriptor.size} bytes`)
      } catch (e: unknown) {
        if (done > before) attempt = 1
        if (attempt >= RETRIES || (e instanceof DockError && / 4\d\d /.test(e.message))) throw e
        await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt))
      }
    }
  }

  async #blobFrom(digest: string, offset: number): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#http.request(`/v2/${this.repository}/blobs/${digest}`, {
      headers: offset === 0 ? {} : { Range: `bytes=${offset}-` },
      scope: this.#pull,
      accept: offset === 0 ? [200] : [206, 200],
    })
    if (response.body === null) throw new DockError(`${this.repository}: ${digest}: an answer without contents`)
    const body = response.body as unknown as AsyncIterable<Uint8Array>
    return offset > 0 && response.status === 200 ? withoutFirst(body, offset) : body
  }

  async hasBlob(digest: string): Promise<boolean> {
    const response = await this.#http.request(`/v2/${this.repository}/blobs/${digest}`, {
      method: 'HEAD',
      scope: this.#push,
      accept: [200, 404],
    })
    return response.status === 200
  }

  async hasManifest(name: string): Promise<boolean> {
    const response = await this.#http.request(`/v2/${this.repository}/manifests/${name}`, {
      method: 'HEAD',
      headers: { Accept: MANIFEST_TYPES },
      scope: this.#push,
      accept: [200, 404],
    })
    return response.status === 200
  }

  /** Takes a blob over from another repository of the registry. Returns whether that could be done. */
  async mountBlob(digest: string, from: string): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from })
    const response = await this.#http.request(`/v2/${this.repository}/blobs/uploads/?${query}`, {
      method: 'POST',
      scope: `${this.#push} repository:${from}:pull`,
      accept: [201, 202],
    })
    if (response.status === 202) await this.#cancel(response.headers.get('location'))
    return response.status === 201
  }

  async #cancel(location: string | null): Promise<void> {
    if (location === null) return
    await this.#http
      .request(location, { method: 'DELETE', scope: this.#push, accept: [204, 404, 405] })
      .catch(() => undefined)
  }

  /** Sends a blob in one request. Errors: DockError. */
  async putBlob(descriptor: Descriptor, open: () => AsyncIterable<Uint8Array>): Promise<void> {
    await this.#http.prepare(this.#push)
    const begun = await this.#http.request(`/v2/${this.repository}/blobs/uploads/`, {
      method: 'POST',
      scope: this.#push,
      accept: [202],
    })
    const location = begun.headers.get('location')
    if (location === null) throw new DockError(`${this.repository}: an upload without a place to send it to`)
    const sent = await this.#http.request(location, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(descriptor.size) },
      body: streamOf(open()),
      scope: this.#push,
      accept: [202, 204],
    })
    const last = new URL(sent.headers.get('location') ?? location, this.#http.endpoint.base)
    last.searchParams.set('digest', descriptor.digest)
    await this.#http.request(last.href, { method: 'PUT', scope: this.#push, accept: [201, 204] })
  }

  async putManifest(name: string, mediaType: string, bytes: Uint8Array): Promise<void> {
    await this.#http.request(`/v2/${this.repository}/manifests/${name}`, {
      method: 'PUT',
      headers: { 'Content-Type': mediaType },
      body: Buffer.from(bytes),
      scope: this.#push,
      accept: [201, 202],
    })
  }
}

/** For servers that know no ranges. */
async function* withoutFirst(body: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let skip = count
  for await (const chunk of body) {
    if (chunk.length > skip) yield chunk.subarray(skip)
    skip = Math.max(0, skip - chunk.length)
  }
}

function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next()
      if (next.done === true) controller.close()
      else controller.enqueue(next.value)
    },
  })
}
