// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileConsole } from '../../../../runtime/compile/console.ts'
import { makesDevices } from '../../../../runtime/compile/default-devices.ts'
import { compileDevices } from '../../../../runtime/compile/devices.ts'
import type { LinuxDevice } from '../../../../spec/runtime/devices.ts'
import type { Mount } from '../../../../spec/runtime/mounts.ts'
import { makeContext, makeFacts, makeProcess, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'

function compile(devices: readonly LinuxDevice[], mounts: readonly Mount[] = []) {
  return compileDevices(makeContext(makeSpec({ mounts, linux: { devices } })))
}

test('listed devices follow the default ones (config-linux.md#devices)', () => {
  const { prepare, setup } = compile([
    { path: '/dev/my//char', type: 'c', major: 1, minor: 7, fileMode: 0o100640, uid: 7, gid: 8 },
    { path: '/dev/block', type: 'b', major: 7, minor: 200, fileMode: 0o600, gid: 6 },
    { path: '/dev/unbuffered', type: 'u', major: 1, minor: 5 },
    { path: '/dev/pipe', type: 'p', fileMode: 0o622, major: 5, minor: 6, uid: 9 },
  ])
  assert.equal(prepare, [])
  assert.equal(showOps(setup).slice(6, 10), [
    'mknod /dev/my/char 020640 1 7 7 8',
    'mknod /dev/block 060600 7 200 0 6',
    'mknod /dev/unbuffered 020666 1 5 0 0',
    'mknod /dev/pipe 010622 0 0 9 0',
  ])
  assert.is(setup[0]?.label, 'default device /dev/null')
  assert.is(setup[6]?.label, 'linux.devices[0] (/dev/my//char)')
  assert.is(setup[6]?.cause, '/linux/devices/0')
  assert.is(setup.at(-1)?.label, 'default link /dev/ptmx')
})

test('a listed device stands in for the default one at its path', () => {
  const { setup } = compile([{ path: '/dev/./full', type: 'c', major: 1, minor: 7, fileMode: 0o600, uid: 3 }])
  const full = setup.filter((op) => 'path' in op && op.path === '/dev/full')
  assert.equal(showOps(full), ['mknod /dev/full 020600 1 7 3 0'])
  assert.is(full[0]?.cause, '/linux/devices/0')
})

for (const [name, mounts, made] of [
  ['no mount of /dev', [], true],
  ['a tmpfs', [{ destination: '/dev', type: 'tmpfs' }], true],
  ['a bind mount', [{ destination: '/dev/.', source: '/dev', options: ['rbind'] }], false],
  ['a bind mount below', [{ destination: '/dev/shm', source: '/x', options: ['bind'] }], true],
  ['type bind without the option', [{ destination: '/dev', type: 'bind', source: '/dev' }], true],
] as readonly (readonly [string, readonly Mount[], boolean])[]) {
  test(`devices and links are ${made ? 'made' : 'left alone'}: ${name}`, () => {
    assert.is(makesDevices({ spec: makeSpec({ mounts }) }), made)
    const { setup } = compile([{ path: '/dev/x', type: 'c', major: 1, minor: 3 }], mounts)
    assert.is(setup.length, made ? 13 : 0)
  })
}

test('where nodes are powerless, those of the host are bound, as no peer of their mount', () => {
  const device = { path: '/dev//fuse', type: 'c', major: 10, minor: 229 } as const
  const inside = { facts: makeFacts({ uidMap: '0 1000 1\n' }) }
  for (const context of [
    makeContext(makeSpec({ linux: { devices: [device], namespaces: namespaces('mount', 'user') } })),
    makeContext(makeSpec({ linux: { devices: [device] } }), inside),
  ]) {
    const { prepare, setup } = compileDevices(context)
    assert.equal(showOps(prepare).slice(-2), ['open-char /dev/fuse 10 229 #7', 'setattr #7 private'])
    assert.equal(showOps(setup).slice(12, 14), ['ensure /dev/fuse 1 0644 #1', 'move #7 #1'])
    assert.is(prepare.at(-1)?.label, 'linux.devices[0] (/dev//fuse)')
  }
})

test('a terminal, of the size in the config (config.md#process)', () => {
  const console = (patch: Parameters<typeof makeProcess>[0]) =>
    showOps(compileConsole(makeContext(makeSpec({ process: makeProcess(patch) }))))
  assert.equal(console({ terminal: true }), ['console 0 0 1'])
  assert.equal(console({ terminal: true, consoleSize: { height: 25, width: 80 } }), ['console 25 80 1'])
  assert.equal(console({ terminal: false, consoleSize: { height: 25, width: 80 } }), [])
  assert.equal(console({}), [])
})

test.run()
