// SPDX-License-Identifier: Apache-2.0
// The end points of the distribution specification 1.1 for one repository. No library: npm has none that is kept.

import { createHash } from 'node:crypto'
import { type Descriptor, isIndexType, isManifestType, mediaTypes } from '../../spec/image/documents.ts'
import { DockError } from '../error.ts'
import { digestPattern } from '../images/reference.ts'
import { isPassing, RegistryError, type RegistryHttp } from './http.ts'
import { type Answer, readAll, Unreachable } from './transport.ts'

const MANIFEST_TYPES = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerList, mediaTypes.dockerManifest].join(
  ', ',
)

const MAX_MANIFEST = 4 << 20
const RETRIES = 5
const MAX_TAGS = 100_000
/** A connection that brought less has not got us on. */
const PROGRESS = 1 << 16

/** The type that a document itself claims, for servers that do not know. */
function claimedType(bytes: Buffer): string {
  try {
    const { mediaType } = JSON.parse(String(bytes)) as { mediaType?: unknown }
    return typeof mediaType === 'string' ? mediaType : ''
  } catch {
    return ''
  }
}

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
    const answer = await this.#http.request(`/v2/${this.repository}/manifests/${name}`, {
      headers: { Accept: MANIFEST_TYPES },
      scope: this.#pull,
      accept: [200],
    })
    const bytes = await readAll(answer, MAX_MANIFEST)
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    if (name.includes(':') && digest !== name) {
      throw new DockError(`${this.repository}: the manifest has the digest ${digest} where ${name} was asked for`)
    }
    const told = (answer.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? ''
    const known = isIndexType(told) || isManifestType(told)
    const mediaType = known || /\+prettyjws$/.test(told) ? told : claimedType(bytes) || told
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes }
  }

  /** A blob from its first byte to its last; what a lost connection cut off is asked for again. */
  async *blob(descriptor: Descriptor): AsyncGenerator<Uint8Array, void, undefined> {
    if (!digestPattern.test(descriptor.digest)) throw new DockError(`the digest ${JSON.stringify(descriptor.digest)}`)
    let done = 0
    for (let attempt = 1; ; attempt++) {
      const before = done
      let failure: unknown
      try {
        for await (const chunk of await this.#blobFrom(descriptor.digest, done)) {
          done += chunk.length
          yield chunk
        }
      } catch (e: unknown) {
        failure = e
      }
      if (done >= descriptor.size) return
      failure ??= new Unreachable(
        `${this.repository}: ${descriptor.digest} ended after ${done} of ${descriptor.size} bytes`,
      )
      if (done - before >= PROGRESS) attempt = 1
      if (attempt >= RETRIES || !isPassing(failure)) throw failure
      await this.#pause(attempt)
    }
  }

  #pause(attempt: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#http.patience.pauseMs * 2 ** (attempt - 1)))
  }

  async #blobFrom(digest: string, offset: number): Promise<AsyncIterable<Uint8Array>> {
    const answer = await this.#http.request(`/v2/${this.repository}/blobs/${digest}`, {
      headers: offset === 0 ? {} : { Range: `bytes=${offset}-` },
      scope: this.#pull,
      accept: offset === 0 ? [200] : [206, 200],
      tries: 1,
    })
    if (answer.status === 200) return offset === 0 ? answer.body() : withoutFirst(answer.body(), offset)
    const range = answer.headers.get('content-range')
    if (range !== null && !range.startsWith(`bytes ${offset}-`)) {
      await answer.cancel()
      throw new DockError(
        `${this.repository}: ${digest}: ${JSON.stringify(range)} where bytes from ${offset} were asked for`,
      )
    }
    return answer.body()
  }

  async #exists(path: string, headers: Readonly<Record<string, string>> = {}): Promise<boolean> {
    const answer = await this.#http.request(path, { method: 'HEAD', headers, scope: this.#push, accept: [200, 404] })
    await answer.cancel()
    return answer.status === 200
  }

  hasBlob(digest: string): Promise<boolean> {
    return this.#exists(`/v2/${this.repository}/blobs/${digest}`)
  }

  hasManifest(name: string): Promise<boolean> {
    return this.#exists(`/v2/${this.repository}/manifests/${name}`, { Accept: MANIFEST_TYPES })
  }

  /** What a registry says of a manifest, unverified; registries count no HEAD as a pull. Undefined: it does not say. */
  async peek(name: string): Promise<{ readonly digest: string; readonly mediaType: string } | undefined> {
    const answer = await this.#http.request(`/v2/${this.repository}/manifests/${name}`, {
      method: 'HEAD',
      headers: { Accept: MANIFEST_TYPES },
      scope: this.#pull,
      accept: [200, 404, 405],
    })
    await answer.cancel()
    const digest = answer.headers.get('docker-content-digest')
    const mediaType = answer.headers.get('content-type')?.split(';', 1)[0]?.trim()
    return answer.status !== 200 || digest === null || mediaType === undefined ? undefined : { digest, mediaType }
  }

  /** All tags. Errors: DockError. */
  async tags(): Promise<readonly string[]> {
    const tags: string[] = []
    let path: string | undefined = `/v2/${this.repository}/tags/list?n=1000`
    while (path !== undefined) {
      const answer: Answer = await this.#http.request(path, { scope: this.#pull, accept: [200] })
      const next: string | undefined = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers.get('link') ?? '')?.[1]
      const { tags: page } = JSON.parse((await readAll(answer, MAX_MANIFEST)).toString()) as { tags?: string[] | null }
      tags.push(...(page ?? []))
      // A list without an end is no list.
      if (next === path || tags.length > MAX_TAGS)
        throw new DockError(`${this.repository}: its list of tags does not end`)
      path =
        next === undefined
          ? undefined
          : new URL(next, 'http://registry').pathname + new URL(next, 'http://registry').search
    }
    return tags
  }

  /** Takes a blob over from another repository of the registry. Returns whether that could be done. */
  async mountBlob(digest: string, from: string): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from })
    const answer = await this.#http.request(`/v2/${this.repository}/blobs/uploads/?${query}`, {
      method: 'POST',
      scope: `${this.#push} repository:${from}:pull`,
      accept: [201, 202],
    })
    await answer.cancel()
    if (answer.status === 202) await this.#abandon(answer)
    return answer.status === 201
  }

  /** Tells the server that an upload is not wanted. */
  async #abandon(begun: Answer): Promise<void> {
    const location = begun.headers.get('location')
    if (location === null) return
    await this.#http
      .request(location, { method: 'DELETE', scope: this.#push, accept: [204, 404, 405] })
      .then((answer) => answer.cancel())
      .catch(() => undefined)
  }

  /** Sends a blob, from its beginning again when the connection was lost. Errors: DockError. */
  async putBlob(descriptor: Descriptor, open: () => AsyncIterable<Uint8Array>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#upload(descriptor, open())
        return
      } catch (e: unknown) {
        // A token may have run out on the way.
        const expired = e instanceof RegistryError && e.status === 401 && attempt === 1
        if (attempt >= RETRIES || !(isPassing(e) || expired)) throw e
      }
      await this.#pause(attempt)
      if (await this.hasBlob(descriptor.digest)) return
    }
  }

  async #upload(descriptor: Descriptor, body: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#http.prepare(this.#push)
    const begun = await this.#http.request(`/v2/${this.repository}/blobs/uploads/`, {
      method: 'POST',
      scope: this.#push,
      accept: [202],
    })
    await begun.cancel()
    const location = begun.headers.get('location')
    if (location === null) throw new DockError(`${this.repository}: an upload without a place to send it to`)
    const sent = await this.#http.request(location, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(descriptor.size) },
      body,
      scope: this.#push,
      accept: [202, 204],
    })
    await sent.cancel()
    const last = this.#http.resolve(sent.headers.get('location') ?? location)
    // The server's own query stays as it is, letter by letter: it may be signed.
    last.search = `${last.search === '' ? '?' : `${last.search}&`}digest=${encodeURIComponent(descriptor.digest)}`
    const put = await this.#http.request(last.href, { method: 'PUT', scope: this.#push, accept: [201, 204] })
    await put.cancel()
  }

  async putManifest(name: string, mediaType: string, bytes: Uint8Array): Promise<void> {
    const answer = await this.#http.request(`/v2/${this.repository}/manifests/${name}`, {
      method: 'PUT',
      headers: { 'Content-Type': mediaType },
      body: bytes,
      scope: this.#push,
      accept: [201, 202],
    })
    await answer.cancel()
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
