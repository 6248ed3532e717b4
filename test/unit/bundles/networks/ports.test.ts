// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NetworkRecord } from '../../../../bundles/networks/network.ts'
import { additions, withdrawals } from '../../../../bundles/networks/network-rules.ts'
import { collide, portsShown, portWishes } from '../../../../bundles/networks/ports.ts'
import { chainsOf, removals } from '../../../../bundles/networks/rules.ts'

test('what is published: those without a choice come first', () => {
  const wishes = portWishes(
    {
      '80/tcp': [{ HostIp: '', HostPort: '' }],
      '53/udp': [
        { HostIp: '127.0.0.1', HostPort: '5000-5009' },
        { HostIp: '', HostPort: '53' },
      ],
    },
    true,
    ['80/tcp', '81', '9/sctp'],
  )
  assert.equal(
    wishes.map(({ protocol, hostIp, containerPort, among }) => [protocol, hostIp, containerPort, among]),
    [
      ['udp', '', 53, [53, 53]],
      ['udp', '127.0.0.1', 53, [5000, 5009]],
      ['tcp', '', 80, undefined],
      ['tcp', '', 81, undefined],
      ['sctp', '', 9, undefined],
    ],
  )
  for (const port of ['0', '65536', 'x', '80/icmp', '80-81']) {
    assert.throws(
      () => portWishes({ [port]: [{ HostIp: '', HostPort: '1' }] }, false, []),
      /invalid port specification/,
    )
  }
  for (const port of ['x', '9-8', '65536', '1-']) {
    assert.throws(() => portWishes({ '80/tcp': [{ HostIp: '', HostPort: port }] }, false, []), /invalid hostPort/)
  }
})

test('who is in whose way', () => {
  const port = (hostIp: string, hostPort = 80, protocol: 'tcp' | 'udp' = 'tcp') => ({ protocol, hostIp, hostPort })
  assert.ok(collide(port(''), port('127.0.0.1')))
  assert.ok(collide(port(''), port('::1')))
  assert.ok(collide(port('0.0.0.0'), port('10.0.0.1')))
  assert.ok(collide(port('10.0.0.1'), port('10.0.0.1')))
  assert.not(collide(port('10.0.0.1'), port('10.0.0.2')))
  assert.not(collide(port('0.0.0.0'), port('::1')))
  assert.not(collide(port('0.0.0.0'), port('::')))
  assert.not(collide(port(''), port('', 81)))
  assert.not(collide(port(''), port('', 80, 'udp')))
})

test('what is shown of ports', () => {
  const mapping = { protocol: 'tcp', hostPort: 4000, containerPort: 80 } as const
  assert.equal(portsShown([{ ...mapping, hostIp: '' }], ['80/tcp', '443'], true), {
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '4000' },
      { HostIp: '::', HostPort: '4000' },
    ],
    '443/tcp': null,
  })
  assert.equal(portsShown([{ ...mapping, hostIp: '127.0.0.1' }], [], true), {
    '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '4000' }],
  })
})

const [masquerade = '', dnat = ''] = chainsOf('zz', 'cc1')

test('chains are named as the plugins name them', () => {
  assert.equal([masquerade, dnat], ['CNI-929fc1f4b5dcae7ef8ee3952', 'CNI-DN-929fc1f4b5dcae7ef8ee3'])
})

test('rules of containers that are no more, and no others', () => {
  const dump = `*nat
:POSTROUTING ACCEPT [0:0]
:${masquerade} - [0:0]
:${dnat} - [0:0]
:CNI-0000000000000000000000aa - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
-A POSTROUTING -s 172.29.0.2/32 -m comment --comment "name: \\"zz\\" id: \\"cc1\\"" -j ${masquerade}
-A POSTROUTING -s 172.29.0.3/32 -m comment --comment "name: \\"zz\\" id: \\"cc2\\"" -j CNI-0000000000000000000000aa
-A ${masquerade} -d 172.29.0.0/16 -m comment --comment "name: \\"zz\\" id: \\"cc1\\"" -j ACCEPT
-A CNI-HOSTPORT-DNAT -p tcp -m multiport --dports 4000 -j ${dnat}
COMMIT
`
  const nothing = { pairs: [], isDead: () => false, addresses: new Set<string>() }
  assert.is(removals(dump, nothing), '')
  const byPair = removals(dump, { ...nothing, pairs: [{ network: 'zz', id: 'cc1' }] })
  assert.is(
    byPair,
    `-D POSTROUTING -s 172.29.0.2/32 -m comment --comment "name: \\"zz\\" id: \\"cc1\\"" -j ${masquerade}
-D CNI-HOSTPORT-DNAT -p tcp -m multiport --dports 4000 -j ${dnat}
-F ${masquerade}
-F ${dnat}
-X ${masquerade}
-X ${dnat}
`,
  )
  const byMark = removals(dump, { ...nothing, isDead: (network, id) => network === 'zz' && id === 'cc2' })
  assert.match(byMark, '-X CNI-0000000000000000000000aa')
  assert.not.match(byMark, masquerade)
  const filter = `-A CNI-FORWARD -d 172.29.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A CNI-FORWARD -s 172.29.0.22/32 -j ACCEPT
-A FORWARD -d 172.29.0.2/32 -i br-1 -j ACCEPT`
  assert.is(
    removals(filter, { ...nothing, addresses: new Set(['172.29.0.2']) }),
    `-D CNI-FORWARD -d 172.29.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
`,
  )
})

const network: NetworkRecord = {
  Name: 'back',
  Id: 'abcdef012345'.padEnd(64, '0'),
  Created: '',
  Driver: 'bridge',
  EnableIPv6: false,
  Internal: false,
  IPAM: [{ Subnet: '10.5.0.0/24', Gateway: '10.5.0.1', IPRange: '' }],
  Options: {},
  Labels: {},
  device: 'br-1',
}

test('rules of a network are made once, and made whole', () => {
  const empty = '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j OTHER\nCOMMIT\n*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n'
  const made = additions(network, 'iptables', empty)
  assert.match(
    made,
    '*filter\n-N TSDOCK-USER\n-N TSDOCK-IN\n-N TSDOCK-OUT\n-I FORWARD -j TSDOCK-OUT\n-I FORWARD -j TSDOCK-IN\n',
  )
  const comment = '-m comment --comment "tsdock abcdef012345"'
  assert.match(made, `-A TSDOCK-IN ! -i br-1 -o br-1 ${comment} -j DROP\n`)
  assert.match(made, `*nat\n-A POSTROUTING -s 10.5.0.0/24 ! -o br-1 ${comment} -j MASQUERADE\nCOMMIT\n`)
  // As iptables-save would show it.
  const rules = made
    .split('\n')
    .filter((line) => line.includes(comment))
    .map((line) => line.replace(/^-I/, '-A'))
  const shown = (filter: readonly string[]): string =>
    [
      '*filter',
      ':TSDOCK-USER - [0:0]',
      ':TSDOCK-IN - [0:0]',
      ':TSDOCK-OUT - [0:0]',
      '-A FORWARD -j TSDOCK-USER',
      '-A FORWARD -j TSDOCK-IN',
      '-A FORWARD -j TSDOCK-OUT',
      ...filter,
      ...rules.filter((line) => !line.includes('POSTROUTING')),
      'COMMIT',
      '*nat',
      ...rules.filter((line) => line.includes('POSTROUTING')),
      'COMMIT',
      '',
    ].join('\n')
  assert.is(additions(network, 'iptables', shown([])), '')
  const half = shown([]).replace(/.*! -i br-1 .*\n/, '')
  const mended = additions(network, 'iptables', half)
  assert.match(mended, `-D TSDOCK-OUT -i br-1 ${comment} -j ACCEPT\n`)
  assert.match(mended, `-A TSDOCK-OUT -i br-1 ${comment} -j ACCEPT\n`)
  assert.not.match(mended, '-N ')
  const gone = withdrawals(network, shown([]))
  assert.match(gone, '-D FORWARD -j TSDOCK-IN\n')
  assert.match(gone, '-X TSDOCK-USER\n-X TSDOCK-IN\n-X TSDOCK-OUT\n')
  const shared = withdrawals(
    network,
    shown(['-A TSDOCK-OUT -i br-2 -m comment --comment "tsdock 999999999999" -j ACCEPT']),
  )
  assert.not.match(shared, '-X ')
  assert.not.match(shared, 'br-2')
  assert.not.match(withdrawals(network, shown(['-A TSDOCK-USER -s 1.2.3.4/32 -j DROP'])), '-X TSDOCK-USER')
  assert.is(withdrawals(network, empty), '')
})

test('nothing leads into or out of an internal network', () => {
  const made = additions({ ...network, Internal: true }, 'iptables', '')
  assert.match(made, '-I TSDOCK-IN -i br-1 ! -o br-1 ')
  assert.match(made, '-I TSDOCK-IN ! -i br-1 -o br-1 ')
  assert.not.match(made, 'MASQUERADE')
})

test.run()
