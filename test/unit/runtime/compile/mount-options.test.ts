// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { mountOptionNames, parseMountOptions, toMountFlags } from '../../../../runtime/compile/mount-options.ts'

/** Attributes as `+set -clear`, in hexadecimal. */
function attributes(options: string, which: 'attributes' | 'recursiveAttributes' = 'attributes'): string {
  const { set, clear } = parseMountOptions(options.split(' '))[which]
  return `+${set.toString(16)} -${clear.toString(16)}`
}

for (const [options, expected] of [
  ['ro nosuid nodev noexec', '+f -0'],
  ['ro rw', '+0 -1'],
  ['rw ro', '+1 -0'],
  ['nosuid suid nodev dev noexec exec', '+0 -e'],
  ['nosymfollow', '+200000 -0'],
  ['nosymfollow symfollow', '+0 -200000'],
  // One field: whichever value is set, all of it is cleared.
  ['noatime', '+10 -f0'],
  ['strictatime', '+20 -f0'],
  ['relatime', '+0 -f0'],
  ['nodiratime', '+80 -70'],
  ['strictatime nodiratime', '+a0 -70'],
  ['nodiratime norelatime', '+80 -70'],
  ['noatime strictatime', '+20 -f0'],
  ['noatime relatime', '+0 -f0'],
  ['noatime nostrictatime', '+10 -f0'],
  // What is taken back leaves the mount as it is.
  ['noatime atime', '+0 -0'],
  ['strictatime nostrictatime', '+0 -0'],
  ['relatime norelatime', '+0 -0'],
  ['nodiratime diratime', '+0 -0'],
  ['atime diratime norelatime nostrictatime', '+0 -0'],
  ['defaults silent loud async', '+0 -0'],
] as const) {
  test(`"${options}" is ${expected} (config.md#linux-mount-options)`, () => {
    assert.is(attributes(options), expected)
  })
}

for (const [options, expected] of [
  ['rro', '+1 -0'],
  ['rro rrw', '+0 -1'],
  ['rnosuid rnodev rnoexec rnodiratime rnosymfollow', '+20008e -0'],
  ['rnoatime', '+10 -70'],
  ['rrelatime rnorelatime', '+0 -70'],
  ['ratime', '+0 -70'],
  ['rstrictatime ratime', '+20 -70'],
  ['rdiratime', '+0 -80'],
  ['ro relatime', '+0 -0'],
] as const) {
  test(`"${options}" is ${expected} for all mounts below`, () => {
    assert.is(attributes(options, 'recursiveAttributes'), expected)
  })
}

test('what no table knows is data, split at commas outside of quotes', () => {
  const { data } = parseMountOptions(['size=1m,mode=700', 'context="a,b",x', 'lowerdir=/a\\,b', '', 'ro'])
  assert.equal(data, ['size=1m', 'mode=700', 'context="a,b"', 'x', 'lowerdir=/a\\,b'])
})

test('every listed option is known, and none of Object.prototype is', () => {
  for (const name of mountOptionNames()) assert.equal(parseMountOptions([name]).data, [], name)
  for (const name of ['constructor', 'rconstructor', 'toString']) {
    assert.equal(parseMountOptions([name]).data, [name])
  }
})

test('bind, remount, tmpcopyup, idmap and propagation', () => {
  const parsed = parseMountOptions(['bind', 'rbind', 'remount', 'tmpcopyup', 'ridmap', 'slave', 'rshared'])
  assert.equal(
    [parsed.bind, parsed.recursive, parsed.remount, parsed.copyUp, parsed.idmap, parsed.propagation],
    [true, true, true, true, 'tree', [0x80000, 0x104000]],
  )
})

test('flags of the file system: the last word on each counts', () => {
  const parsed = parseMountOptions(['sync', 'async', 'dirsync', 'lazytime', 'mand', 'nomand', 'iversion'])
  assert.equal(parsed.superFlags, ['dirsync', 'lazytime', 'iversion'])
})

test('flags of mount(2)', () => {
  const flags = toMountFlags(parseMountOptions(['ro', 'noexec', 'noatime', 'sync', 'lazytime']))
  assert.is(flags, 0x1 | 0x8 | 0x400 | 0x10 | 0x2000000)
})

test.run()
