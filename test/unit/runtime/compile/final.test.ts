// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileFinal } from '../../../../runtime/compile/final.ts'
import { compileSysctl } from '../../../../runtime/compile/sysctl.ts'
import { makeContext, makeSpec, showOps } from '../../../helpers/compile-input.ts'

test('the order: root, names, parameters, read-only paths, masks, the root itself', () => {
  const spec = makeSpec({
    root: { path: 'rootfs', readonly: true },
    hostname: 'box',
    domainname: 'example.test',
    mounts: [{ destination: '/dev', type: 'tmpfs', options: ['ro'] }],
    linux: {
      sysctl: { 'net.core.somaxconn': '256' },
      readonlyPaths: ['/proc/sys', '/etc/../usr'],
      maskedPaths: ['/proc/kcore', '//sys/firmware'],
      rootfsPropagation: 'shared',
    },
  })
  const { prepare, setup } = compileFinal(makeContext(spec))
  assert.equal(showOps(prepare), ['open-char /dev/null 1 3 #0', 'setattr #0 private'])
  assert.equal(showOps(setup), [
    'pivot 0',
    'open-rooted /dev 2 #1',
    'setattr #1 +1',
    'sethostname "box"',
    'setdomainname "example.test"',
    'sysctl net/core/somaxconn "256"',
    'readonly-path /proc/sys ~ENOENT',
    'readonly-path /usr ~ENOENT',
    'mask-path /proc/kcore #0 ~ENOENT',
    'mask-path /sys/firmware #0 ~ENOENT',
    'root-attr shared',
    'root-attr +1',
  ])
  assert.equal(
    setup.map(({ cause }) => cause),
    [
      ...['/root/path', '/mounts/0', '/mounts/0', '/hostname', '/domainname', '/linux/sysctl/net.core.somaxconn'],
      ...['/linux/readonlyPaths/0', '/linux/readonlyPaths/1', '/linux/maskedPaths/0', '/linux/maskedPaths/1'],
      ...['/linux/rootfsPropagation', '/root/readonly'],
    ],
  )
})

test('/dev/null of the host is opened only for masks, and its absence is no small matter (CVE-2025-31133)', () => {
  assert.equal(compileFinal(makeContext()).prepare, [])
  const { prepare } = compileFinal(makeContext(makeSpec({ linux: { maskedPaths: ['/x'] } })))
  assert.is(prepare[0]?.tolerate, undefined)
})

test('empty names are none', () => {
  const { setup } = compileFinal(makeContext(makeSpec({ hostname: '', domainname: '' })))
  assert.equal(showOps(setup), ['pivot 0'])
})

test('--no-pivot', () => {
  const context = makeContext(makeSpec(), { options: new Map([['no-pivot', 'true']]) })
  const [pivot] = compileFinal(context).setup
  assert.equal([pivot?.kind, pivot?.cause, pivot?.label], ['pivot', 'flag:--no-pivot', '--no-pivot'])
  assert.equal(showOps(compileFinal(context).setup), ['pivot 1'])
})

for (const [key, path] of [
  ['net.ipv4.ip_forward', 'net/ipv4/ip_forward'],
  ['net/ipv4/ip_forward', 'net/ipv4/ip_forward'],
  ['net/ipv4/conf/eth0.1/forwarding', 'net/ipv4/conf/eth0.1/forwarding'],
  ['net.ipv4.conf.eth0/1.forwarding', 'net/ipv4/conf/eth0.1/forwarding'],
] as const) {
  test(`sysctl ${key} is ${path} (config-linux.md#sysctl)`, () => {
    const [op] = compileSysctl(makeContext(makeSpec({ linux: { sysctl: { [key]: '1' } } })))
    assert.is(op?.kind === 'sysctl' && op.path, path)
    assert.is(op?.label, `linux.sysctl[${JSON.stringify(key)}]`)
  })
}

for (const key of ['../kernel/core_pattern', 'net/../kernel/core_pattern', 'net..x', '/net/x', 'net/./x', '']) {
  test(`sysctl ${JSON.stringify(key)} is refused`, () => {
    assert.throws(() => compileSysctl(makeContext(makeSpec({ linux: { sysctl: { [key]: '1' } } }))), /linux\.sysctl/)
  })
}

test.run()
