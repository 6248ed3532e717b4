// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json } from '../helpers/bundle.ts'
import { inspect } from '../helpers/container.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('hostname')

function withNamespaces(namespaces: readonly Json[], patch: Json = {}): Json {
  return { ...patch, linux: { ...(patch['linux'] as Json | undefined), namespaces } }
}

test('hostname needs a uts namespace', () => {
  assertRefused(withNamespaces(defaultNamespaces.filter((namespace) => namespace.type !== 'uts')), {
    tsrun: /hostname/,
  })
})

test(
  'hostname and domainname are set in the new namespace only',
  async () => {
    const before = readFileSync('/proc/sys/kernel/hostname', 'utf8')
    const report = await inspect({ hostname: 'other-name', domainname: 'example.org' })
    assert.is(report.hostname, 'other-name')
    assert.is(report.domainname, 'example.org')
    assert.is(readFileSync('/proc/sys/kernel/hostname', 'utf8'), before)
  },
  { differsFrom: { 'runc<1.3': 'has no domainname' } },
)

test('a hostname of 64 bytes is set, a longer one refused', async () => {
  assert.is((await inspect({ hostname: 'h'.repeat(64) })).hostname, 'h'.repeat(64))
  assertRefused({ hostname: 'h'.repeat(65) }, { tsrun: /hostname/ })
})

run()
