// SPDX-License-Identifier: Apache-2.0
// One request over HTTP, with what fetch() leaves to chance: where redirects lead, who gets to see the credentials, how long
// silence is borne, and how much is read. No library: those of npm bring another HTTP client along.

import { DockError, messageOf } from '../error.ts'

export interface TransportOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A stream can be sent only once. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined
  /** For the first server alone: not for those that it redirects to. */
  readonly authorization?: string | undefined
  /** Silence that is borne. */
  readonly timeoutMs: number
}

export interface Answer {
  readonly status: number
  readonly statusText: string
  readonly headers: Headers
  /** The contents, once. Errors: DockError when the connection breaks or falls silent. */
  body(): AsyncGenerator<Uint8Array, void, undefined>
  /** Not interested. */
  cancel(): Promise<void>
}

/** The connection failed, or fell silent: another try may help. */
export class Unreachable extends DockError {}

const MAX_REDIRECTS = 10
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Ends a request that falls silent. */
class Watch {
  readonly #controller = new AbortController()
  readonly #timeoutMs: number
  #timer: ReturnType<typeof setTimeout> | undefined
  #over = false
  expired = false

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.touch()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Something has been heard, or sent. */
  touch(): void {
    clearTimeout(this.#timer)
    if (this.#over) return
    this.#timer = setTimeout(() => {
      this.expired = true
      this.#controller.abort()
    }, this.#timeoutMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** For good: what a server does not read any more is still being sent, and no timer is to outlive the request. */
  end(): void {
    this.#over = true
    clearTimeout(this.#timer)
  }

  /** Errors: always, with the reason. */
  fail(url: URL, e: unknown): never {
    this.end()
    const cause = e instanceof Error && e.cause instanceof Error ? `: ${e.cause.message}` : ''
    const reason = this.expired ? `nothing was heard for ${this.#timeoutMs / 1000} s` : `${messageOf(e)}${cause}`
    throw new Unreachable(`cannot reach ${url.origin}: ${reason}`, { cause: e })
  }
}

function streamOf(chunks: AsyncIterable<Uint8Array>, watch: Watch): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const next = await iterator.next()
      watch.touch()
      if (next.done === true) controller.close()
      else controller.enqueue(next.value)
    },
    cancel: async () => {
      await iterator.return?.()
    },
  })
}

const isStream = (body: TransportOptions['body']): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && !(body instanceof Uint8Array)

/** Addresses of a server choose no other protocol: fetch() of Bun knows file: as well. Errors: DockError. */
export function checkAddress(url: URL, from: URL | undefined): void {
  if (!/^https?:$/.test(url.protocol))
    throw new DockError(`${from?.origin ?? url.href}: an address of the kind "${url.protocol}"`)
  if (from?.protocol === 'https:' && url.protocol === 'http:')
    throw new DockError(`${from.origin}: it leads on to ${url.origin}, without encryption`)
}

async function once(url: URL, options: TransportOptions, withAuthorization: boolean): Promise<Answer> {
  const watch = new Watch(options.timeoutMs)
  const stream = isStream(options.body) ? streamOf(options.body, watch) : undefined
  const headers: Record<string, string> = {
    'User-Agent': 'tsdock',
    'Accept-Encoding': 'identity',
    ...options.headers,
    ...(withAuthorization && options.authorization !== undefined ? { Authorization: options.authorization } : {}),
  }
  const response = await fetch(url, {
    method: options.method ?? 'GET',
    headers,
    body: (stream ?? options.body ?? null) as RequestInit['body'],
    redirect: 'manual',
    signal: watch.signal,
    ...(stream === undefined ? {} : { duplex: 'half' }),
    // Of Bun: silence is measured here.
    timeout: false,
  } as RequestInit).catch((e: unknown) => watch.fail(url, e))
  watch.touch()
  return {
    status: response.status,
    statusText: response.statusText,
    headers: response.headers,
    body: () => contentsOf(response, url, watch),
    cancel: async () => {
      watch.end()
      await response.body?.cancel().catch(() => undefined)
    },
  }
}

async function* contentsOf(response: Response, url: URL, watch: Watch): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body === null) {
    watch.end()
    return
  }
  const reader = response.body.getReader()
  try {
    for (;;) {
      const next = await reader.read().catch((e: unknown) => watch.fail(url, e))
      watch.stop()
      if (next.done) return
      yield next.value
      watch.touch()
    }
  } finally {
    watch.end()
    await reader.cancel().catch(() => undefined)
  }
}

/** Sends a request, and follows redirects. Errors: DockError: nothing came back. */
export async function send(first: URL, options: TransportOptions): Promise<Answer> {
  checkAddress(first, undefined)
  let url = first
  let current = options
  for (let count = 0; ; count++) {
    const answer = await once(url, current, url.origin === first.origin)
    const location = answer.headers.get('location')
    if (!REDIRECTS.has(answer.status) || location === null) return answer
    await answer.cancel()
    const next = URL.parse(location, url)
    if (next === null) throw new DockError(`${url.origin}: a redirect to ${JSON.stringify(location)}`)
    checkAddress(next, url)
    if (count === MAX_REDIRECTS) throw new DockError(`${first.origin}: redirects without end`)
    if (current.body !== undefined) {
      if (answer.status === 303) current = { ...current, method: 'GET', body: undefined }
      // What is sent may be a secret, and a stream cannot be sent twice.
      else if (next.origin !== url.origin || isStream(current.body))
        throw new DockError(`${url.origin}: it leads a ${current.method} on to ${next.origin}`)
    }
    url = next
  }
}

/** Reads what is small. Errors: DockError when it is not. */
export async function readAll(answer: Answer, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of answer.body()) {
    size += part.length
    if (size > limit) throw new DockError(`an answer of more than ${limit} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
