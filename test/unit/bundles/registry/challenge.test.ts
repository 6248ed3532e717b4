// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseChallenges } from '../../../../bundles/registry/challenge.ts'

const parsed = (header: string): readonly string[] =>
  parseChallenges(header).map(({ scheme, parameters }) => `${scheme} ${JSON.stringify(parameters)}`)

test('challenges of registries', () => {
  const hub =
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'
  assert.equal(parseChallenges(hub), [
    {
      scheme: 'bearer',
      parameters: {
        realm: 'https://auth.docker.io/token',
        service: 'registry.docker.io',
        scope: 'repository:a/b:pull,push',
      },
    },
  ])
  assert.equal(parsed('Basic realm="Registry Realm"'), ['basic {"realm":"Registry Realm"}'])
  assert.equal(parsed('bEaReR REALM = "x" , Service=y'), ['bearer {"realm":"x","service":"y"}'])
})

test('several in one header, with and without parameters', () => {
  assert.equal(parsed('Negotiate, Basic realm="a, b=c", Bearer realm="d",error="x \\"y\\""'), [
    'negotiate {}',
    'basic {"realm":"a, b=c"}',
    'bearer {"realm":"d","error":"x \\"y\\""}',
  ])
  assert.equal(parsed('Basic realm=a,charset="UTF-8", Bearer'), ['basic {"realm":"a","charset":"UTF-8"}', 'bearer {}'])
})

test('what makes no sense is left out', () => {
  assert.equal(parsed(''), [])
  assert.equal(parsed('realm="x"'), [])
  assert.equal(parsed(',,,'), [])
  assert.equal(parsed('Bearer realm="unfinished'), ['bearer {"realm":""}'])
  assert.equal(parsed('Bearer realm='), ['bearer {"realm":""}'])
})

test('hostile headers take no time, and set nothing but parameters', () => {
  const start = performance.now()
  for (const text of [
    'a '.repeat(50_000),
    'a="'.repeat(50_000),
    ' '.repeat(100_000),
    `a ${'b=c,'.repeat(50_000)}`,
    '\\"'.repeat(50_000),
  ])
    parseChallenges(text)
  assert.ok(performance.now() - start < 2000, `${performance.now() - start} ms`)
  parseChallenges('Bearer __proto__="x", constructor="y"')
  assert.is(({} as Record<string, unknown>)['x'], undefined)
})

test.run()
