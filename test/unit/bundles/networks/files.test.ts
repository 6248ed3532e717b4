// SPDX-License-Identifier: Apache-2.0
// /etc/hosts and /etc/resolv.conf of containers.

import { readFileSync, statSync, symlinkSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hostsText, rewriteInPlace, withPeers } from '../../../../bundles/networks/hosts.ts'
import { resolvConf } from '../../../../bundles/networks/resolv-conf.ts'
import { networkSettings } from '../../../../bundles/networks/settings.ts'
import { newFile, newPath } from '../../../helpers/work-dir.ts'

const endpoint = {
  NetworkID: '',
  EndpointID: '',
  Gateway: '172.29.0.1',
  IPAddress: '172.29.0.2',
  IPPrefixLen: 16,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  MacAddress: '',
  Aliases: null,
  DNSNames: null,
}
const settings = networkSettings('id', '/netns', { bridge: endpoint }, {})
const input = { hostname: 'web', domainname: '', settings, extraHosts: [] }

test('hosts', () => {
  assert.match(hostsText(input), /^127\.0\.0\.1\tlocalhost\n::1\tlocalhost /)
  assert.match(hostsText(input), /\n172\.29\.0\.2\tweb\n$/)
  assert.match(hostsText({ ...input, domainname: 'example.org' }), '172.29.0.2\tweb.example.org web\n')
  const extraHosts = ['a:1.2.3.4', 'b=5.6.7.8', 'six:[fd00::1]', 'host.docker.internal:host-gateway']
  const text = hostsText({ ...input, extraHosts })
  assert.match(text, '1.2.3.4\ta\n5.6.7.8\tb\nfd00::1\tsix\n172.29.0.1\thost.docker.internal\n172.29.0.2\tweb\n')
  assert.throws(() => hostsText({ ...input, extraHosts: ['nothing'] }), /bad format for add-host/)
  assert.throws(
    () => hostsText({ ...input, settings: undefined, extraHosts: ['h:host-gateway'] }),
    /no network with a gateway/,
  )
})

test('peers come and go, and the rest stays', () => {
  const own = hostsText(input)
  const one = withPeers(own, [{ address: '1.1.1.1', names: ['one', 'uno'] }])
  assert.match(one, /tsdock keeps it:\n1\.1\.1\.1\tone uno\n$/)
  assert.is(withPeers(one, []), own)
  assert.is(withPeers(withPeers(one, [{ address: '2.2.2.2', names: ['two'] }]), []), own)
  assert.match(withPeers('no end of line', [{ address: '2.2.2.2', names: ['two'] }]), /^no end of line\n#/)
})

test('files are changed in their place, and never through a link', async () => {
  const path = newFile('a long text of many words\n')
  const { ino } = statSync(path)
  await rewriteInPlace(path, () => 'short\n')
  assert.is(readFileSync(path, 'utf8'), 'short\n')
  await rewriteInPlace(path, (old) => `${old}and longer\n`)
  assert.is(readFileSync(path, 'utf8'), 'short\nand longer\n')
  assert.is(statSync(path).ino, ino)
  await rewriteInPlace(newPath('none'), () => 'x')
  const link = newPath('link')
  symlinkSync(path, link)
  await rewriteInPlace(link, () => 'x').then(
    () => assert.unreachable(),
    (e: NodeJS.ErrnoException) => assert.is(e.code, 'ELOOP'),
  )
})

test('resolv.conf', () => {
  const none = { servers: [], search: [], options: [] }
  const host =
    '# x\nnameserver 127.0.0.1\nnameserver 10.0.0.1 # first\nnameserver ::1\nsearch a.example b.example\noptions ndots:2\n'
  assert.is(resolvConf(host, none), 'nameserver 10.0.0.1\nsearch a.example b.example\noptions ndots:2\n')
  assert.is(resolvConf('nameserver 127.0.0.1\n', none), 'nameserver 8.8.8.8\nnameserver 8.8.4.4\n')
  assert.is(
    resolvConf(host, { servers: ['1.1.1.1'], search: ['c'], options: ['rotate'] }),
    'nameserver 1.1.1.1\nsearch c\noptions rotate\n',
  )
  assert.is(resolvConf('nameserver 9.9.9.9\ndomain old\nsearch new\n', none), 'nameserver 9.9.9.9\nsearch new\n')
  assert.is(resolvConf('nameserver 9.9.9.9\nsearch new\n', { ...none, search: ['.'] }), 'nameserver 9.9.9.9\n')
})

test.run()
