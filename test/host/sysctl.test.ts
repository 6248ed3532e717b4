// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, withRunning } from '../helpers/container.ts'
import { parseAttempts } from '../helpers/report.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('sysctl')

function withNamespaces(namespaces: readonly Json[], patch: Json = {}): Json {
  return { ...patch, linux: { ...(patch['linux'] as Json | undefined), namespaces } }
}

test('sysctl of the namespaces', async () => {
  await withRunning(
    {
      ...withArgs(['sleep', '60']),
      linux: {
        sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '9000', 'net/ipv4/ip_local_port_range': '2000 3000' },
      },
    },
    (container) => {
      const text = mustSucceed(
        container.exec([
          'probe',
          'read',
          '/proc/sys/net/ipv4/ip_forward',
          ',',
          'read',
          '/proc/sys/kernel/msgmax',
          ',',
          'read',
          '/proc/sys/net/ipv4/ip_local_port_range',
        ]),
      ).stdout
      assert.equal(
        parseAttempts(text).map((attempt) => String(attempt['text']).replace('\t', ' ').trim()),
        ['1', '9000', '2000 3000'],
      )
    },
  )
})

test('sysctl of the host is refused', () => {
  for (const name of ['vm.swappiness', 'kernel.core_pattern', 'kernel.hostname', 'net/../vm/swappiness']) {
    assertRefused({ linux: { sysctl: { [name]: '1' } } }, { tsrun: /sysctl/ })
  }
})

test('sysctl of a namespace that is shared is refused', () => {
  const others = defaultNamespaces.filter((namespace) => namespace.type !== 'network')
  assertRefused(withNamespaces(others, { linux: { sysctl: { 'net.ipv4.ip_forward': '1' } } }), { tsrun: /sysctl/ })
})

test('an unknown sysctl is refused with its name', () => {
  assertRefused({ linux: { sysctl: { 'net.no_such': '1' } } }, { tsrun: /sysctl.*net\.no_such.*ENOENT/ })
  assertRefused({ linux: { sysctl: { 'net.ipv4.ip_forward': 'x'.repeat(10) } } }, { tsrun: /sysctl.*EINVAL/ })
})

run()
