// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { attemptsIn } from '../helpers/cgroup-files.ts'
import { needsFilesystem } from '../helpers/host.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('cgroups devices')

test('devices: what is not allowed cannot be opened or made', async () => {
  const caps = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE']
  const patch = { process: { capabilities: { bounding: caps, effective: caps, permitted: caps } } }
  const seen = await attemptsIn(
    'mknod /dev/f c 10 229 , open /dev/f , open /dev/null , open /dev/zero 2 , open /dev/full , open /dev/tty , mknod /dev/b b 7 0 , open /dev/b',
    { devices: [{ allow: false, access: 'rwm' }] },
    patch,
  )
  assert.is(seen[1]?.errno, 'EPERM')
  for (const index of [2, 3, 4]) {
    assert.is(seen[index]?.errno, '', JSON.stringify(seen[index]))
  }
  assert.is(seen[5]?.errno, 'ENXIO')
  assert.is(seen[7]?.errno, 'EPERM')
})

test(
  'devices: a rule allows one device, and only as it says',
  async () => {
    const caps = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE']
    const patch = { process: { capabilities: { bounding: caps, effective: caps, permitted: caps } } }
    const devices = [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 10, minor: 229, access: 'r' },
    ]
    const seen = await attemptsIn('mknod /dev/k c 10 229 , open /dev/k 0 , open /dev/k 1', { devices }, patch)
    assert.is(seen[1]?.errno, '', JSON.stringify(seen))
    assert.is(seen[2]?.errno, 'EPERM')
  },
  { needs: [needsFilesystem('fuse')] },
)

test('devices: without rules everything but the default devices is denied', async () => {
  const caps = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE']
  const patch = { process: { capabilities: { bounding: caps, effective: caps, permitted: caps } } }
  const seen = await attemptsIn('mknod /dev/k c 10 229 , open /dev/k 0 , open /dev/null', { devices: undefined }, patch)
  assert.is(seen[2]?.errno, '')
  assert.is(seen[1]?.errno, 'EPERM')
})

test(
  'devices: a rule for all needs neither type nor access',
  async () => {
    const seen = await attemptsIn('open /dev/null', { devices: [{ allow: false }] })
    assert.is(seen[0]?.errno, '')
  },
  { differsFrom: { runc: 'wants an access' } },
)

run()
