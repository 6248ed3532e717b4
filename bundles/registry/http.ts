// SPDX-License-Identifier: Apache-2.0
// Requests to one registry: address, authentication (distribution-spec, and Docker's token protocol), errors in words.

import { DockError, messageOf } from '../error.ts'
import { parseChallenges } from './challenge.ts'
import type { Credentials } from './credentials.ts'

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
  readonly body?: RequestInit['body']
  /** What the token must be good for: `repository:NAME:pull,push`. */
  readonly scope: string
  /** Statuses that are no error. */
  readonly accept: readonly number[]
}

const isLoopback = (registry: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(registry)

/** Where a registry is. Loopback speaks plain HTTP, like the registries named insecure. */
export function endpointsOf(
  registry: string,
  settings: {
    readonly insecure?: readonly string[]
    readonly mirrors?: Readonly<Record<string, readonly string[]>>
  } = {},
): readonly Endpoint[] {
  const plain = isLoopback(registry) || (settings.insecure ?? []).includes(registry)
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  const mirrors = (settings.mirrors?.[registry] ?? []).map((base) => ({ base: base.replace(/\/+$/, ''), registry }))
  return [...mirrors, { base: `${plain ? 'http' : 'https'}://${host}`, registry }]
}

async function errorText(response: Response): Promise<string> {
  const body = (await response.text().catch(() => '')).slice(0, 65536)
  try {
    const { errors, details } = JSON.parse(body) as {
      errors?: readonly { code?: string; message?: string }[]
      details?: string
    }
    const texts = (errors ?? []).map(({ code, message }) => [code, message].filter((part) => part).join(': '))
    if (texts.length > 0) return texts.join('; ')
    if (details !== undefined) return details
  } catch {
    // Not every server speaks JSON when it fails.
  }
  return body.trim().split('\n')[0]?.slice(0, 200) ?? ''
}

export class RegistryHttp {
  readonly endpoint: Endpoint
  readonly #credentials: () => Promise<Credentials | undefined>
  readonly #tokens = new Map<string, string>()

  constructor(endpoint: Endpoint, credentials: () => Promise<Credentials | undefined>) {
    this.endpoint = endpoint
    this.#credentials = credentials
  }

  /** path: below the endpoint's address, or a whole one that the server gave. Errors: DockError. */
  async request(path: string, options: RequestOptions): Promise<Response> {
    const url = new URL(path, this.endpoint.base)
    // A place that the server names elsewhere (a store of blobs) must not get what proves who we are.
    const own = url.origin === new URL(this.endpoint.base).origin
    let response = await this.#send(url, options, own ? this.#tokens.get(options.scope) : undefined)
    if (response.status === 401 && own && !(options.body instanceof ReadableStream)) {
      const authorization = await this.#authorize(response, options.scope)
      if (authorization !== undefined) {
        await response.body?.cancel()
        response = await this.#send(url, options, authorization)
      }
    }
    if (options.accept.includes(response.status)) return response
    const reason = await errorText(response)
    const what = `${this.endpoint.registry}: ${options.method ?? 'GET'} ${url.pathname}`
    const login =
      response.status === 401 || response.status === 403 ? ` (try: tsdock login ${this.endpoint.registry})` : ''
    throw new DockError(
      `${what}: ${response.status} ${response.statusText}${reason === '' ? '' : `: ${reason}`}${login}`,
    )
  }

  /** Gets a token before a body is sent that cannot be sent twice. */
  async prepare(scope: string): Promise<void> {
    if (this.#tokens.has(scope)) return
    const response = await this.#send(new URL('/v2/', this.endpoint.base), { scope, accept: [] }, undefined)
    await response.body?.cancel()
    if (response.status === 401) await this.#authorize(response, scope)
  }

  async #send(url: URL, options: RequestOptions, authorization: string | undefined): Promise<Response> {
    const headers: Record<string, string> = {
      'User-Agent': 'tsdock',
      'Accept-Encoding': 'identity',
      ...options.headers,
    }
    if (authorization !== undefined) headers['Authorization'] = authorization
    try {
      return await fetch(url, {
        method: options.method ?? 'GET',
        headers,
        body: options.body ?? null,
        redirect: 'follow',
        ...(options.body instanceof ReadableStream ? { duplex: 'half' } : {}),
      } as RequestInit)
    } catch (e: unknown) {
      const cause = e instanceof Error && e.cause instanceof Error ? `: ${e.cause.message}` : ''
      throw new DockError(`${this.endpoint.registry}: cannot reach ${url.origin}: ${messageOf(e)}${cause}`, {
        cause: e,
      })
    }
  }

  /** The Authorization header that a 401 asks for; undefined: there is none to be had. */
  async #authorize(response: Response, scope: string): Promise<string | undefined> {
    const challenges = parseChallenges(response.headers.get('www-authenticate') ?? '')
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
    const realm = URL.parse(parameters['realm'] ?? '')
    if (realm === null || !/^https?:$/.test(realm.protocol)) {
      throw new DockError(
        `${this.endpoint.registry}: it asks for a token from ${JSON.stringify(parameters['realm'] ?? '')}`,
      )
    }
    if (realm.protocol === 'http:' && this.endpoint.base.startsWith('https:') && credentials !== undefined) {
      throw new DockError(`${this.endpoint.registry}: it asks for the password without encryption, at ${realm.origin}`)
    }
    const service = parameters['service'] ?? ''
    const response = await this.#send(realm, tokenRequest(realm, service, scope, credentials), undefined)
    if (!response.ok) {
      throw new DockError(
        `${this.endpoint.registry}: ${realm.origin} gives no token: ${response.status} ${await errorText(response)}`,
      )
    }
    const answer = (await response.json()) as { token?: string; access_token?: string }
    const token = answer.token ?? answer.access_token
    if (token === undefined || /[\r\n]/.test(token))
      throw new DockError(`${this.endpoint.registry}: an answer without a token`)
    return token
  }
}

const basic = ({ username, password }: { readonly username: string; readonly password: string }): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** Fills the query of the realm, or makes a form of it where a refresh token has to stay out of logs. */
function tokenRequest(
  realm: URL,
  service: string,
  scope: string,
  credentials: Credentials | undefined,
): RequestOptions {
  if (credentials !== undefined && 'identityToken' in credentials) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      service,
      client_id: 'tsdock',
      refresh_token: credentials.identityToken,
      ...(scope === '' ? {} : { scope }),
    })
    return { method: 'POST', body: form, scope, accept: [] }
  }
  if (service !== '') realm.searchParams.set('service', service)
  if (scope !== '') realm.searchParams.set('scope', scope)
  return { scope, accept: [], headers: credentials === undefined ? {} : { Authorization: basic(credentials) } }
}
