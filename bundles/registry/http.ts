// SPDX-License-Identifier: Apache-2.0
// Requests to one registry: address, authentication (distribution-spec, and Docker's token protocol), errors in words.

import { DockError, messageOf, printable } from '../error.ts'
import { parseChallenges } from './challenge.ts'
import type { Credentials } from './credentials.ts'
import { type Answer, checkAddress, readAll, send, type TransportOptions, Unreachable } from './transport.ts'

/** One server that answers for a registry. */
export interface Endpoint {
  /** `https://registry-1.docker.io` */
  readonly base: string
  /** Name of the registry, for messages. */
  readonly registry: string
}

export interface RequestOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: TransportOptions['body']
  /** What the token must be good for: `repository:NAME:pull,push`, or several of these with spaces between them. */
  readonly scope: string
  /** Statuses that are no error. */
  readonly accept: readonly number[]
  /** How often it is tried when the server is away or busy; GET and HEAD only. Default 3. */
  readonly tries?: number
}

/** Silence of a server that is borne, and the first pause before it is asked again. */
export interface Patience {
  readonly timeoutMs: number
  readonly pauseMs: number
}

export const defaultPatience: Patience = { timeoutMs: 60_000, pauseMs: 250 }

/** An answer that says no. */
export class RegistryError extends DockError {
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

const isLoopback = (registry: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(registry)

function mirrorBase(address: string): string {
  const url = URL.parse(address)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new DockError(`the mirror ${JSON.stringify(address)}`)
  return address.replace(/\/+$/, '')
}

/** Where a registry is. Loopback speaks plain HTTP, like the registries named insecure. Errors: DockError. */
export function endpointsOf(
  registry: string,
  settings: {
    readonly insecure?: readonly string[]
    readonly mirrors?: Readonly<Record<string, readonly string[]>>
  } = {},
): readonly Endpoint[] {
  const plain = isLoopback(registry) || (settings.insecure ?? []).includes(registry)
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  const mirrors = (settings.mirrors?.[registry] ?? []).map((address) => ({ base: mirrorBase(address), registry }))
  return [...mirrors, { base: `${plain ? 'http' : 'https'}://${host}`, registry }]
}

/** The words of a failure. */
async function errorText(answer: Answer): Promise<string> {
  const body = await readAll(answer, 65536).then(String, () => '')
  try {
    const { errors, details } = JSON.parse(body) as {
      errors?: readonly { code?: string; message?: string }[]
      details?: string
    }
    const texts = (errors ?? []).map(({ code, message }) => [code, message].filter((part) => part).join(': '))
    const text = texts.length > 0 ? texts.join('; ') : details
    if (text !== undefined) return printable(text).slice(0, 1000)
  } catch {
    // Not every server speaks JSON when it fails.
  }
  return printable(body.trim().split('\n')[0] ?? '').slice(0, 200)
}

const isBusy = (status: number): boolean => status === 408 || status === 429 || (status >= 500 && status !== 501)

/** A failure that another try may help. */
export const isPassing = (e: unknown): boolean =>
  e instanceof Unreachable || (e instanceof RegistryError && isBusy(e.status))

/** How long a server wants to be left alone, within reason. */
function pauseOf(answer: Answer | undefined, pauseMs: number): number {
  const seconds = Number(answer?.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, 10_000) : pauseMs
}

export class RegistryHttp {
  readonly endpoint: Endpoint
  readonly patience: Patience
  readonly #base: URL
  readonly #credentials: () => Promise<Credentials | undefined>
  readonly #tokens = new Map<string, string>()

  constructor(
    endpoint: Endpoint,
    credentials: () => Promise<Credentials | undefined>,
    patience: Patience = defaultPatience,
  ) {
    this.endpoint = endpoint
    this.patience = patience
    this.#base = new URL(endpoint.base)
    this.#credentials = credentials
  }

  /** An address that the server gave, or a path below its own. Errors: DockError: it leads elsewhere than it may. */
  resolve(location: string): URL {
    const url = URL.parse(location, this.#base)
    if (url === null) throw new DockError(`${this.endpoint.registry}: the address ${JSON.stringify(location)}`)
    checkAddress(url, this.#base)
    return url
  }

  /** path: below the endpoint's address, or a whole one that the server gave. Errors: DockError. */
  async request(path: string, options: RequestOptions): Promise<Answer> {
    const url = this.resolve(path)
    const repeatable = options.method === undefined || options.method === 'GET' || options.method === 'HEAD'
    const tries = repeatable ? (options.tries ?? 3) : 1
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#authorized(url, options).catch((e: unknown) => {
        if (attempt >= tries || !isPassing(e)) throw this.#named(e)
        return undefined
      })
      if (answer !== undefined && options.accept.includes(answer.status)) return answer
      if (answer !== undefined && (attempt >= tries || !isBusy(answer.status)))
        throw await this.#refusal(url, options, answer)
      await answer?.cancel()
      const pause = pauseOf(answer, this.patience.pauseMs * 2 ** (attempt - 1))
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  /** Says which registry it was that failed. */
  #named(e: unknown): DockError {
    const message = messageOf(e)
    if (e instanceof DockError && message.startsWith(`${this.endpoint.registry}: `)) return e
    const Kind = e instanceof Unreachable ? Unreachable : DockError
    return new Kind(`${this.endpoint.registry}: ${message}`, { cause: e })
  }

  async #refusal(url: URL, options: RequestOptions, answer: Answer): Promise<RegistryError> {
    const reason = await errorText(answer)
    const what = `${this.endpoint.registry}: ${options.method ?? 'GET'} ${url.pathname}`
    const login = answer.status === 401 || answer.status === 403 ? ` (try: tsdock login ${this.endpoint.registry})` : ''
    const status = `${answer.status} ${printable(answer.statusText)}`.trim()
    return new RegistryError(`${what}: ${status}${reason === '' ? '' : `: ${reason}`}${login}`, answer.status)
  }

  async #authorized(url: URL, options: RequestOptions): Promise<Answer> {
    // A place that the server names elsewhere (a store of blobs) must not get what proves who we are.
    const own = url.origin === this.#base.origin
    const answer = await this.#send(url, options, own ? this.#tokens.get(options.scope) : undefined)
    if (answer.status !== 401 || !own) return answer
    this.#tokens.delete(options.scope)
    const body = options.body
    if (typeof body === 'object' && !(body instanceof Uint8Array)) return answer
    const authorization = await this.#authorize(answer, options.scope)
    if (authorization === undefined) return answer
    await answer.cancel()
    return this.#send(url, options, authorization)
  }

  /** Gets a token before a body is sent that cannot be sent twice. */
  async prepare(scope: string): Promise<void> {
    if (this.#tokens.has(scope)) return
    const answer = await this.#send(this.resolve('/v2/'), { scope, accept: [] }, undefined)
    if (answer.status === 401) await this.#authorize(answer, scope)
    await answer.cancel()
  }

  #send(url: URL, { method, headers, body }: RequestOptions, authorization: string | undefined): Promise<Answer> {
    const { timeoutMs } = this.patience
    return send(url, {
      ...(method === undefined ? {} : { method }),
      ...(headers === undefined ? {} : { headers }),
      body,
      authorization,
      timeoutMs,
    })
  }

  /** The Authorization header that a 401 asks for; undefined: there is none to be had. */
  async #authorize(answer: Answer, scope: string): Promise<string | undefined> {
    const challenges = parseChallenges(answer.headers.get('www-authenticate') ?? '')
    const credentials = await this.#credentials()
    const bearer = challenges.find((challenge) => challenge.scheme === 'bearer')
    let authorization: string | undefined
    if (bearer !== undefined) authorization = `Bearer ${await this.#token(bearer.parameters, scope, credentials)}`
    else if (challenges.some(({ scheme }) => scheme === 'basic') && credentials && 'username' in credentials) {
      authorization = basic(credentials)
    }
    if (authorization !== undefined) this.#tokens.set(scope, authorization)
    return authorization
  }

  async #token(
    parameters: Readonly<Record<string, string>>,
    scope: string,
    credentials: Credentials | undefined,
  ): Promise<string> {
    const registry = this.endpoint.registry
    const realm = URL.parse(parameters['realm'] ?? '')
    if (realm === null || !/^https?:$/.test(realm.protocol)) {
      throw new DockError(`${registry}: it asks for a token from ${JSON.stringify(parameters['realm'] ?? '')}`)
    }
    if (realm.protocol === 'http:' && this.#base.protocol === 'https:' && credentials !== undefined) {
      throw new DockError(`${registry}: it asks for the password without encryption, at ${realm.origin}`)
    }
    const request = tokenRequest(realm, parameters['service'] ?? '', scope, credentials)
    const answer = await send(realm, { ...request, timeoutMs: this.patience.timeoutMs })
    if (answer.status < 200 || answer.status > 299) {
      const reason = await errorText(answer)
      const login = answer.status === 401 || answer.status === 403 ? ` (try: tsdock login ${registry})` : ''
      throw new RegistryError(
        `${registry}: ${realm.origin} gives no token: ${answer.status} ${reason}${login}`,
        answer.status,
      )
    }
    return tokenOf(await readAll(answer, 1 << 20), registry)
  }
}

function tokenOf(bytes: Buffer, registry: string): string {
  let token: unknown
  try {
    const answer = JSON.parse(String(bytes)) as { token?: unknown; access_token?: unknown } | null
    token = answer?.token || answer?.access_token
  } catch {
    // Said below.
  }
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new DockError(`${registry}: an answer without a token`)
  return token
}

const basic = ({ username, password }: { readonly username: string; readonly password: string }): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** Fills the query of the realm, or makes a form of it where a refresh token has to stay out of logs. */
function tokenRequest(
  realm: URL,
  service: string,
  scope: string,
  credentials: Credentials | undefined,
): Omit<TransportOptions, 'timeoutMs'> {
  if (credentials !== undefined && 'identityToken' in credentials) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      service,
      client_id: 'tsdock',
      refresh_token: credentials.identityToken,
      ...(scope === '' ? {} : { scope }),
    })
    return { method: 'POST', body: String(form), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }
  }
  if (service !== '') realm.searchParams.set('service', service)
  for (const one of scope.split(' ')) if (one !== '') realm.searchParams.append('scope', one)
  return credentials === undefined ? {} : { authorization: basic(credentials) }
}
