// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { diskLimits } from '../../../../bundles/containers/options/disk-limits.ts'
import { parseExposed, portMap } from '../../../../bundles/containers/options/ports.ts'
import { parseBytes, parseCpus, parseDuration, parseUlimit } from '../../../../bundles/containers/options/sizes.ts'
import {
  capabilities,
  environment,
  fileLines,
  isCdiName,
  keyValues,
  parseDevice,
  parseExtraHost,
  parseLink,
  parseRestart,
  parseSignal,
} from '../../../../bundles/containers/options/values.ts'
import { parseSecurity } from '../../../../bundles/containers/security.ts'

/** All inputs must be refused, in the words of the option. */
function refused(parse: (text: string) => unknown, texts: readonly string[], pattern = /invalid/): void {
  for (const text of texts) assert.throws(() => parse(text), pattern, `${JSON.stringify(text)} was taken`)
}

test('amounts of bytes', () => {
  const table = { '512m': 512 << 20, '1g': 2 ** 30, '64kb': 65536, '1GiB': 2 ** 30, '1.5k': 1536, 100: 100, '7b': 7 }
  for (const [text, bytes] of Object.entries(table)) assert.is(parseBytes(text, 'memory'), bytes, text)
  refused((text) => parseBytes(text, 'memory'), ['', '-1', 'm', '1x', '1mm', '1 0m', '0x10', '1e3'])
  assert.is(parseBytes('-1', 'memory-swap', { unlimited: true }), -1)
})

test('limits of single disks', () => {
  const of = (name: string, text: string) => diskLimits((one) => (one === name ? [text] : []))
  assert.equal(of('device-read-bps', '/dev/sda:10mb').BlkioDeviceReadBps, [{ Path: '/dev/sda', Rate: 10 << 20 }])
  assert.equal(of('device-write-iops', '/dev/disk/by-path/a:b:7').BlkioDeviceWriteIOps, [
    { Path: '/dev/disk/by-path/a:b', Rate: 7 },
  ])
  assert.equal(of('blkio-weight-device', '/dev/sda:200').BlkioWeightDevice, [{ Path: '/dev/sda', Weight: 200 }])
  refused((text) => of('device-read-bps', text), ['', '/dev/sda', 'sda:1', '/dev/sda:', '/dev/sda:x', ':1'])
  refused((text) => of('device-read-iops', text), ['/dev/sda:1k', '/dev/sda:-1'])
  refused((text) => of('blkio-weight-device', text), ['/dev/sda:9', '/dev/sda:1001'])
})

test('links', () => {
  assert.is(parseLink('db'), 'db:db')
  assert.is(parseLink('db:postgres'), 'db:postgres')
  refused(parseLink, ['', ':x', 'db:', 'a:b:c', 'db:a b'])
})

test('cpus in billionths', () => {
  assert.is(parseCpus('1.5'), 1_500_000_000)
  assert.is(parseCpus('.5'), 500_000_000)
  refused(parseCpus, ['', 'x', '-1', '1.2.3', '0.1234567891'])
})

test('durations', () => {
  assert.is(parseDuration('1m30s', 'health-interval'), 90e9)
  assert.is(parseDuration('1.5s', 'health-interval'), 1.5e9)
  assert.is(parseDuration('0', 'health-interval'), 0)
  refused((text) => parseDuration(text, 'health-interval'), ['', '5', 's', '1x', '1s junk', '-1s'])
})

test('resource limits', () => {
  assert.equal(parseUlimit('nofile=1024:2048'), { Name: 'nofile', Soft: 1024, Hard: 2048 })
  assert.equal(parseUlimit('core=-1'), { Name: 'core', Soft: -1, Hard: -1 })
  refused(parseUlimit, ['nofile', 'nofile=', 'nothing=1', 'nofile=2:1', 'nofile=-1:5'])
})

test('published ports', () => {
  assert.equal(portMap(['4000:80']), { '80/tcp': [{ HostIp: '', HostPort: '4000' }] })
  assert.equal(portMap(['80']), { '80/tcp': [{ HostIp: '', HostPort: '' }] })
  assert.equal(portMap(['127.0.0.1:0:80']), { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] })
  assert.equal(portMap(['127.0.0.1:53:53/udp']), { '53/udp': [{ HostIp: '127.0.0.1', HostPort: '53' }] })
  assert.equal(portMap(['127.0.0.1::80']), { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] })
  assert.equal(portMap(['[::1]:8080:80']), { '80/tcp': [{ HostIp: '::1', HostPort: '8080' }] })
  assert.equal(portMap(['8000-8001:80-81', '9000:80']), {
    '80/tcp': [
      { HostIp: '', HostPort: '8000' },
      { HostIp: '', HostPort: '9000' },
    ],
    '81/tcp': [{ HostIp: '', HostPort: '8001' }],
  })
  assert.equal(portMap(['8000-8010:80']), { '80/tcp': [{ HostIp: '', HostPort: '8000-8010' }] })
  assert.equal(portMap(['published=4000,target=80,protocol=udp']), { '80/udp': [{ HostIp: '', HostPort: '4000' }] })
  const wrong = [
    '',
    ':',
    '80:0',
    '0-1:80-81',
    '80/xyz',
    '70000:80',
    '8000-8002:80-81',
    'x:80',
    '1.2.3.4.5:a:80',
    '1:2:3:4',
    'a=b',
  ]
  refused((text) => portMap([text]), wrong)
})

test('exposed ports', () => {
  assert.equal(parseExposed('80-82/udp'), ['80/udp', '81/udp', '82/udp'])
  refused(parseExposed, ['', '82-80', '80/', 'x'])
})

test('restart policies', () => {
  assert.equal(parseRestart('on-failure:3'), { Name: 'on-failure', MaximumRetryCount: 3 })
  assert.equal(parseRestart('always'), { Name: 'always', MaximumRetryCount: 0 })
  refused(parseRestart, ['', 'sometimes', 'always:3', 'on-failure:x', 'on-failure:1:2'])
})

test('variables and files of them', () => {
  assert.equal(environment(['A=1', 'B', 'C=', 'HOME'], { HOME: '/h' }), ['A=1', 'C=', 'HOME=/h'])
  assert.equal(fileLines('\uFEFFA=1\r\n# no\n\n  B=x y\nC', 'f'), ['A=1', 'B=x y', 'C'])
  assert.throws(() => fileLines('A B=1', 'f'), /a name has no blanks/)
  assert.throws(() => fileLines('=1', 'f'), /is not empty/)
  assert.equal(keyValues(['a=b=c', 'd'], 'label'), { a: 'b=c', d: '' })
  assert.throws(() => keyValues(['a'], 'sysctl', true), /KEY=VALUE/)
})

test('devices', () => {
  assert.equal(parseDevice('/dev/fuse'), {
    PathOnHost: '/dev/fuse',
    PathInContainer: '/dev/fuse',
    CgroupPermissions: 'rwm',
  })
  assert.equal(parseDevice('/dev/a:/dev/b:r'), {
    PathOnHost: '/dev/a',
    PathInContainer: '/dev/b',
    CgroupPermissions: 'r',
  })
  assert.is(parseDevice('/dev/a:rw').PathInContainer, '/dev/a')
  refused(parseDevice, ['', 'fuse', '/dev/a:b', '/dev/a:/dev/b:x', '/a:/b:r:w'])
  assert.ok(isCdiName('vendor.com/class=name'))
  assert.not.ok(isCdiName('/dev/fuse'))
})

test('hosts and signals', () => {
  assert.is(parseExtraHost('a:1.2.3.4'), 'a:1.2.3.4')
  assert.is(parseExtraHost('a=[::1]'), 'a:::1')
  assert.is(parseExtraHost('a:host-gateway'), 'a:host-gateway')
  refused(parseExtraHost, ['a', 'a:', ':1.2.3.4', 'a:b.c'])
  assert.is(parseSignal('kill'), 9)
  assert.is(parseSignal('SIGRTMIN+3'), 37)
  assert.is(parseSignal('64'), 64)
  refused(parseSignal, ['0', '65', 'NOPE', ''])
})

test("capabilities, by docker's rules", () => {
  const all = ['CAP_A', 'CAP_B', 'CAP_C']
  assert.equal(capabilities(['CAP_A', 'CAP_B'], all, [], []), ['CAP_A', 'CAP_B'])
  assert.equal(capabilities(['CAP_A', 'CAP_B'], all, ['c'], ['A']), ['CAP_B', 'CAP_C'])
  assert.equal(capabilities(['CAP_A'], all, ['ALL'], ['cap_b']), ['CAP_A', 'CAP_C'])
  assert.equal(capabilities(['CAP_A'], all, ['CAP_B'], ['ALL']), ['CAP_B'])
  assert.throws(() => capabilities([], all, ['CAP_NOPE'], []), /no such capability/)
})

test('security options', () => {
  assert.is(parseSecurity(['no-new-privileges']).noNewPrivileges, true)
  assert.is(parseSecurity(['no-new-privileges:false']).noNewPrivileges, false)
  assert.equal(parseSecurity(['seccomp=/p.json']).seccomp, { file: '/p.json' })
  assert.is(parseSecurity(['seccomp=unconfined']).seccomp, 'unconfined')
  refused((text) => parseSecurity([text]), ['', 'seccomp', 'seccomp=', 'nope=1', 'label=type:x'])
})

test.run()
