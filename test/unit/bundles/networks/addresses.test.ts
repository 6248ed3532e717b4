// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  addressAt,
  addressText,
  blocks,
  contains,
  overlap,
  parseAddress,
  parseSubnet,
  type Subnet,
  subnetText,
} from '../../../../bundles/networks/address.ts'
import { chooseSubnets } from '../../../../bundles/networks/network-choice.ts'

const subnet = (text: string): Subnet => {
  const parsed = parseSubnet(text)
  if (parsed === undefined) throw new Error(`${text} is no subnet`)
  return parsed
}
const id = 'abcdef0123456789'.repeat(4)
const request = { subnets: [], gateways: [], ranges: [], ipv6: false }

test('addresses are numbers, and back', () => {
  for (const text of [
    '0.0.0.0',
    '172.29.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    '1::',
    'fd00:1:2:3::',
    '1:0:2:3:4:5:6:7',
    '1:0:0:2::3',
    '1::2:0:0:3',
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ]) {
    const parsed = parseAddress(text)
    assert.is(parsed === undefined ? '' : addressText(parsed.family, parsed.value), text)
  }
  assert.is(addressText(6, parseAddress('::ffff:1.2.3.4')?.value ?? 0n), '::ffff:102:304')
  assert.is(addressText(6, parseAddress('1:0:0:2:0:0:0:3')?.value ?? 0n), '1:0:0:2::3')
  for (const text of ['', '1.2.3', '1.2.3.256', 'fe80::1%eth0', 'x', '::1::'])
    assert.is(parseAddress(text), undefined, text)
})

test('subnets', () => {
  assert.is(subnetText(subnet('10.1.2.3/8')), '10.0.0.0/8')
  assert.is(subnetText(subnet('FD00::1/64')), 'fd00::/64')
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '/8', 'fd00::/129']) {
    assert.is(parseSubnet(text), undefined, text)
  }
  assert.ok(overlap(subnet('10.0.0.0/8'), subnet('10.255.0.0/16')))
  assert.not(overlap(subnet('10.0.0.0/16'), subnet('10.1.0.0/16')))
  assert.not(overlap(subnet('::/0'), subnet('0.0.0.0/0')))
  assert.ok(contains(subnet('10.0.0.0/30'), '10.0.0.3'))
  assert.not(contains(subnet('10.0.0.0/30'), '10.0.0.4'))
  assert.is(addressAt(subnet('fd00::/64'), 1), 'fd00::1')
  assert.equal([...blocks(subnet('10.0.0.0/30'), 31)].map(subnetText), ['10.0.0.0/31', '10.0.0.2/31'])
})

test('a network gets what nothing else uses', () => {
  const chosen = (...used: readonly string[]) => chooseSubnets(id, request, used.map(subnet))
  assert.equal(chosen(), [{ Subnet: '172.29.0.0/16', Gateway: '172.29.0.1', IPRange: '' }])
  assert.is(chosen('172.29.4.0/24')[0]?.Subnet, '172.16.0.0/16')
  assert.is(chosen('172.16.0.0/12')[0]?.Subnet, '192.168.0.0/20')
  assert.is(chosen('172.16.0.0/12', '192.168.0.0/16', '10.0.0.1/32')[0]?.Subnet, '10.1.0.0/16')
  assert.throws(() => chosen('172.16.0.0/12', '192.168.0.0/16', '10.0.0.0/8'), /all private subnets are in use/)
  assert.is(chooseSubnets(id, { ...request, ipv6: true }, [])[1]?.Subnet, 'fdab:cdef:123:4567::/64')
})

test('subnets that are named', () => {
  const chosen = (changes: object, ...used: readonly string[]) =>
    chooseSubnets(id, { ...request, ...changes }, used.map(subnet))
  assert.equal(chosen({ subnets: ['10.5.0.0/24', 'fd01::/64'], gateways: ['fd01::9'], ranges: ['10.5.0.64/26'] }), [
    { Subnet: '10.5.0.0/24', Gateway: '10.5.0.1', IPRange: '10.5.0.64/26' },
    { Subnet: 'fd01::/64', Gateway: 'fd01::9', IPRange: '' },
  ])
  for (const [changes, why] of [
    [{ subnets: ['10.5.0.1/24'] }, /it should be 10\.5\.0\.0\/24/],
    [{ subnets: ['10.5.0.0'] }, /invalid CIDR address: 10\.5\.0\.0/],
    [{ subnets: ['10.5.0.0/31'] }, /no room/],
    [{ subnets: ['10.5.0.0/24', '10.5.0.0/25'] }, /Pool overlaps/],
    [{ subnets: ['10.9.0.0/16'] }, /Pool overlaps with other one on this address space/],
    [{ gateways: ['10.5.0.1'] }, /no matching subnet for gateway/],
    [{ gateways: ['x'] }, /it is no address/],
    [{ subnets: ['10.5.0.0/24'], ranges: ['10.6.0.0/26'] }, /no matching subnet for range/],
  ] as const) {
    assert.throws(() => chosen(changes, '10.9.3.0/24'), why)
  }
})

test.run()
