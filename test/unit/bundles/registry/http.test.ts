// SPDX-License-Identifier: Apache-2.0
// Authentication, redirects and failures, against servers that behave and servers that do not.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DockError } from '../../../../bundles/error.ts'
import type { Credentials } from '../../../../bundles/registry/credentials.ts'
import { endpointsOf, RegistryError, RegistryHttp } from '../../../../bundles/registry/http.ts'
import { checkAddress, readAll } from '../../../../bundles/registry/transport.ts'
import { answer, type FakeServer, type Handler, startServer } from '../../../helpers/http-server.ts'

const patience = { timeoutMs: 2000, pauseMs: 5 }
const me: Credentials = { username: 'me', password: 'secret' }
const meBasic = `Basic ${Buffer.from('me:secret').toString('base64')}`

let servers: FakeServer[] = []
const start = async (handler: Handler): Promise<FakeServer> => {
  const server = await startServer(handler)
  servers.push(server)
  return server
}
test.after.each(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  servers = []
})

const httpTo = (base: string, credentials?: Credentials): RegistryHttp =>
  new RegistryHttp({ base, registry: 'reg.example' }, async () => credentials, patience)

const get = async (http: RegistryHttp, path: string, scope = 'repository:a:pull'): Promise<string> =>
  String(await readAll(await http.request(path, { scope, accept: [200] }), 1 << 20))

const failure = async (promise: Promise<unknown>): Promise<DockError> => {
  const e = await promise.then(
    (value) => new Error(`it worked: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  )
  assert.instance(e, DockError, String(e))
  return e as DockError
}

const auth = (server: FakeServer): readonly (string | undefined)[] =>
  server.seen.map(({ headers }) => headers.authorization)

/** A registry that wants tokens of another server. */
async function tokenServers(
  tokenHandler: Handler,
): Promise<{ readonly registry: FakeServer; readonly tokens: FakeServer }> {
  const tokens = await start(tokenHandler)
  const registry = await start(({ headers }, response) => {
    if (headers.authorization === 'Bearer good') return answer(response, 200, 'fine')
    const realm = `Bearer realm="${tokens.base}/token?x=1",service="my service"`
    return answer(response, 401, { errors: [{ code: 'UNAUTHORIZED' }] }, { 'WWW-Authenticate': realm })
  })
  return { registry, tokens }
}

test('addresses of registries: https, but for this machine and those named insecure', () => {
  const base = (registry: string, settings = {}): readonly string[] =>
    endpointsOf(registry, settings).map((one) => one.base)
  assert.equal(base('docker.io'), ['https://registry-1.docker.io'])
  assert.equal(base('quay.io'), ['https://quay.io'])
  for (const local of ['localhost', 'localhost:5000', '127.0.0.1:5000', '127.1.2.3', '[::1]:5000'])
    assert.equal(base(local), [`http://${local}`])
  for (const other of ['localhost.example', '127.0.0.1.example', '128.0.0.1:5000', 'evil.localhost'])
    assert.equal(base(other), [`https://${other}`])
  assert.equal(base('a.example', { insecure: ['a.example'] }), ['http://a.example'])
  assert.equal(base('docker.io', { mirrors: { 'docker.io': ['https://m.example/'] } }), [
    'https://m.example',
    'https://registry-1.docker.io',
  ])
  assert.throws(() => base('x', { mirrors: { x: ['file:///etc'] } }), /the mirror "file:/)
})

test('an anonymous token: service and scopes as asked, used until it is refused', async () => {
  const { registry, tokens } = await tokenServers((_, response) => answer(response, 200, { token: 'good' }))
  const http = httpTo(registry.base)
  assert.is(await get(http, '/v2/a/manifests/1', 'repository:a:pull,push repository:b:pull'), 'fine')
  assert.is(await get(http, '/v2/a/manifests/2', 'repository:a:pull,push repository:b:pull'), 'fine')
  assert.is(tokens.seen.length, 1)
  const query = new URL(tokens.seen[0]?.url ?? '', tokens.base).searchParams
  assert.equal(
    [...query],
    [
      ['x', '1'],
      ['service', 'my service'],
      ['scope', 'repository:a:pull,push'],
      ['scope', 'repository:b:pull'],
    ],
  )
  assert.equal(auth(tokens), [undefined])
  assert.equal(auth(registry), [undefined, 'Bearer good', 'Bearer good'])
})

test('a token for a name and a password: these go to the server of tokens alone', async () => {
  const { registry, tokens } = await tokenServers(({ headers }, response) =>
    headers.authorization === meBasic
      ? answer(response, 200, { access_token: 'good', token: '' })
      : answer(response, 401, { details: 'who are you?' }),
  )
  assert.is(await get(httpTo(registry.base, me), '/v2/'), 'fine')
  assert.equal(auth(tokens), [meBasic])
  assert.equal(auth(registry), [undefined, 'Bearer good'])
  const e = await failure(get(httpTo(registry.base, { username: 'me', password: 'wrong' }), '/v2/'))
  assert.match(e.message, /gives no token: 401 who are you\? \(try: tsdock login reg.example\)/)
  assert.not.match(e.message, 'wrong')
})

test('a refresh token goes in a form, not in an address', async () => {
  const { registry, tokens } = await tokenServers((_, response) => answer(response, 200, { access_token: 'good' }))
  await get(httpTo(registry.base, { identityToken: 're&fresh' }), '/v2/')
  const [seen] = tokens.seen
  assert.is(seen?.method, 'POST')
  assert.not.match(seen?.url ?? '', 'fresh')
  const form = Object.fromEntries(new URLSearchParams(seen?.body))
  assert.equal(form, {
    grant_type: 'refresh_token',
    service: 'my service',
    client_id: 'tsdock',
    refresh_token: 're&fresh',
    scope: 'repository:a:pull',
  })
  assert.match(seen?.headers['content-type'] ?? '', /x-www-form-urlencoded/)
})

test('a refresh token is not carried on to another server', async () => {
  const thief = await start((_, response) => answer(response, 200, { token: 'good' }))
  for (const status of [301, 302, 307, 308]) {
    const { registry } = await tokenServers((_, response) =>
      answer(response, status, '', { Location: `${thief.base}/` }),
    )
    const e = await failure(get(httpTo(registry.base, { identityToken: 'refresh' }), '/v2/'))
    assert.match(e.message, /leads a POST on to/)
  }
  assert.is(thief.seen.length, 0)
})

test('a token that has run out is replaced', async () => {
  let valid = 'Bearer t1'
  const registry: FakeServer = await start(({ url, headers }, response) => {
    if (url.startsWith('/token')) return answer(response, 200, { token: valid.slice(7) })
    if (headers.authorization === valid) return answer(response, 200, 'fine')
    return answer(response, 401, '', { 'WWW-Authenticate': `Bearer realm="${registry.base}/token"` })
  })
  const http = httpTo(registry.base)
  assert.is(await get(http, '/v2/a'), 'fine')
  valid = 'Bearer t2'
  assert.is(await get(http, '/v2/a'), 'fine')
})

test('answers without a token, or with one that is more than that, are refused', async () => {
  for (const body of [
    '',
    'null',
    '[]',
    '{}',
    '{"token":5}',
    '{"token":""}',
    '{"token":"a\\r\\nX: y"}',
    '{"token":"a b"}',
    'x'.repeat(100),
  ]) {
    const { registry } = await tokenServers((_, response) => answer(response, 200, body))
    assert.match((await failure(get(httpTo(registry.base), '/v2/'))).message, /an answer without a token/, body)
  }
  const { registry } = await tokenServers((_, response) => answer(response, 200, Buffer.alloc(2 << 20, 'x')))
  assert.match((await failure(get(httpTo(registry.base), '/v2/'))).message, /more than 1048576 bytes/)
})

test('realms that are no addresses of http are refused', async () => {
  for (const realm of ['', 'x', 'file:///etc/passwd', 'ftp://x/', 'javascript:0']) {
    const registry = await start((_, response) =>
      answer(response, 401, '', { 'WWW-Authenticate': `Bearer realm="${realm}"` }),
    )
    assert.match((await failure(get(httpTo(registry.base, me), '/v2/'))).message, /asks for a token from/)
  }
})

test('basic authentication: asked for first, then kept', async () => {
  const registry = await start(({ headers }, response) =>
    headers.authorization === meBasic
      ? answer(response, 200, 'fine')
      : answer(response, 401, '', { 'WWW-Authenticate': 'Basic realm="x"' }),
  )
  const http = httpTo(registry.base, me)
  assert.is(await get(http, '/v2/a'), 'fine')
  assert.is(await get(http, '/v2/b'), 'fine')
  assert.equal(auth(registry), [undefined, meBasic, meBasic])
  const e = await failure(get(httpTo(registry.base), '/v2/a'))
  assert.match(e.message, /reg\.example: GET \/v2\/a: 401 Unauthorized \(try: tsdock login reg\.example\)/)
})

test('other servers that a registry leads to do not get what proves who we are', async () => {
  const store = await start((_, response) => answer(response, 200, 'blob'))
  const registry = await start(({ url, headers }, response) => {
    if (headers.authorization !== meBasic) return answer(response, 401, '', { 'WWW-Authenticate': 'Basic realm="x"' })
    if (url.startsWith('/away')) return answer(response, 307, '', { Location: `${store.base}/blob?sig=1` })
    if (url.startsWith('/here')) return answer(response, 302, '', { Location: '/there' })
    return answer(response, 200, 'there')
  })
  const http = httpTo(registry.base, me)
  assert.is(await get(http, '/away'), 'blob')
  assert.is(await get(http, '/here'), 'there')
  assert.is(await get(http, `${store.base}/direct`), 'blob')
  assert.equal(auth(store), [undefined, undefined])
  assert.equal(
    store.seen.map(({ url }) => url),
    ['/blob?sig=1', '/direct'],
  )
})

test('a server elsewhere that asks who we are is not told', async () => {
  const store = await start((_, response) => answer(response, 401, '', { 'WWW-Authenticate': 'Basic realm="x"' }))
  const registry = await start((_, response) => answer(response, 307, '', { Location: `${store.base}/blob` }))
  const direct = await failure(get(httpTo(registry.base, me), `${store.base}/blob`))
  assert.match(direct.message, /401/)
  await failure(get(httpTo(registry.base, me), '/v2/a'))
  assert.ok(auth(store).every((one) => one === undefined))
})

test('redirects: not to other protocols, not from https to http, not without end', async () => {
  for (const location of ['file:///etc/passwd', 'data:text/plain,x', 'blob:x', 's3://x/y']) {
    const registry = await start((_, response) => answer(response, 307, '', { Location: location }))
    assert.match((await failure(get(httpTo(registry.base), '/v2/a'))).message, /an address of the kind/)
    assert.match((await failure(get(httpTo(registry.base), location))).message, /an address of the kind/)
  }
  assert.throws(() => checkAddress(new URL('http://a/'), new URL('https://a/')), /without encryption/)
  checkAddress(new URL('https://a/'), new URL('http://b/'))
  const loop: FakeServer = await start((_, response) => answer(response, 302, '', { Location: '/again' }))
  assert.match((await failure(get(httpTo(loop.base), '/v2/a'))).message, /redirects without end/)
  assert.is(loop.seen.length, 11)
})

/** Answers in place of servers with certificates. Returns what was asked, with what proof. */
async function withFetch(
  replies: Readonly<Record<string, () => Response>>,
  body: () => Promise<void>,
): Promise<readonly string[]> {
  const [real, asked] = [globalThis.fetch, [] as string[]]
  globalThis.fetch = (async (url: URL, init: RequestInit) => {
    asked.push(`${url.href} ${new Headers(init.headers).get('authorization')}`)
    return replies[url.origin]?.() ?? new Response('', { status: 404 })
  }) as unknown as typeof fetch
  try {
    await body()
  } finally {
    globalThis.fetch = real
  }
  return asked
}

test('an https registry that sends the password to an http realm is refused', async () => {
  const replies = {
    'https://reg.example': () =>
      new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="http://tokens.example/t"' } }),
    'http://tokens.example': () => new Response('{"token":"good"}'),
  }
  const asked = await withFetch(replies, async () => {
    const e = await failure(get(httpTo('https://reg.example', me), '/v2/'))
    assert.match(e.message, /asks for the password without encryption, at http:\/\/tokens\.example/)
  })
  assert.equal(asked, ['https://reg.example/v2/ null'])
})

test('an https registry leads on to no http address, with or without a redirect', async () => {
  const replies = {
    'https://reg.example': () => new Response('', { status: 302, headers: { Location: 'http://reg.example/x' } }),
  }
  const asked = await withFetch(replies, async () => {
    assert.match((await failure(get(httpTo('https://reg.example', me), '/v2/'))).message, /without encryption/)
    assert.match(
      (await failure(get(httpTo('https://reg.example', me), 'http://reg.example/v2/x'))).message,
      /without encryption/,
    )
  })
  assert.equal(asked, ['https://reg.example/v2/ null'])
})

test('a server that is busy is asked again; one that says no is not', async () => {
  let left = 2
  const busy = await start((_, response) => (left-- > 0 ? answer(response, 503) : answer(response, 200, 'fine')))
  assert.is(await get(httpTo(busy.base), '/v2/a'), 'fine')
  assert.is(busy.seen.length, 3)
  const limited = await start((_, response) =>
    answer(response, 429, { errors: [{ code: 'TOOMANYREQUESTS', message: 'slow down' }] }, { 'Retry-After': '0' }),
  )
  assert.match(
    (await failure(get(httpTo(limited.base), '/v2/a'))).message,
    /429 Too Many Requests: TOOMANYREQUESTS: slow down/,
  )
  assert.is(limited.seen.length, 3)
  const no = await start((_, response) => answer(response, 403, 'forbidden'))
  const e = await failure(get(httpTo(no.base), '/v2/a'))
  assert.instance(e, RegistryError)
  assert.is((e as RegistryError).status, 403)
  assert.is(no.seen.length, 1)
  const post = await start((_, response) => answer(response, 503))
  await failure(httpTo(post.base).request('/v2/a', { method: 'POST', scope: '', accept: [202] }))
  assert.is(post.seen.length, 1)
})

test('what servers say cannot move the cursor, or fill the screen', async () => {
  const evil = await start((_, response) =>
    answer(response, 400, { errors: [{ code: '\x1b[2J', message: `a\r\nb${'x'.repeat(5000)}` }] }),
  )
  const e = await failure(get(httpTo(evil.base), '/v2/a'))
  assert.not.match(e.message, /(?!\n)\p{Cc}/u)
  assert.ok(e.message.length < 1200)
  const endless = await start((_, response) => {
    response.writeHead(500)
    const more = (): void => void (response.destroyed || response.write(Buffer.alloc(65536, 'y'), more))
    more()
  })
  assert.ok((await failure(get(httpTo(endless.base), '/v2/a'))).message.length < 1000)
})

test('silence is not borne forever: before an answer, and in the middle of one', async () => {
  const silent = await start(() => undefined)
  const http = new RegistryHttp({ base: silent.base, registry: 'reg.example' }, async () => undefined, {
    timeoutMs: 100,
    pauseMs: 1,
  })
  assert.match(
    (await failure(get(http, '/v2/a'))).message,
    /reg\.example: cannot reach http:\S+: nothing was heard for 0\.1 s/,
  )
  const stalled = await start((_, response) => {
    response.writeHead(200, { 'Content-Length': '100' })
    response.write('half')
  })
  const other = new RegistryHttp({ base: stalled.base, registry: 'reg.example' }, async () => undefined, {
    timeoutMs: 100,
    pauseMs: 1,
  })
  assert.match((await failure(get(other, '/v2/a'))).message, /nothing was heard for 0\.1 s/)
})

test('a slow reader is no silent server', async () => {
  const server = await start((_, response) => answer(response, 200, Buffer.alloc(4 << 20, 'x')))
  const http = new RegistryHttp({ base: server.base, registry: 'x' }, async () => undefined, {
    timeoutMs: 150,
    pauseMs: 1,
  })
  let size = 0
  let first = true
  for await (const part of (await http.request('/', { scope: '', accept: [200] })).body()) {
    size += part.length
    if (first) await new Promise((resolve) => setTimeout(resolve, 400))
    first = false
  }
  assert.is(size, 4 << 20)
})

test('nobody at the address', async () => {
  const gone = await start(() => undefined)
  await gone.stop()
  servers = []
  assert.match((await failure(get(httpTo(gone.base), '/v2/a'))).message, /reg\.example: cannot reach http:\/\/127/)
})

test.run()
