// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  InternalError,
  invariant,
  pointerKeys,
  pointerLabel,
  pointerTo,
  pointerValue,
  TsrunError,
} from '../../../spec/index.ts'

test('a pointer is written as a field', () => {
  assert.is(pointerLabel('/mounts/3'), 'mounts[3]')
  assert.is(pointerLabel('/mounts/3/options/0'), 'mounts[3].options[0]')
  assert.is(pointerLabel('/linux/sysctl/net.ipv4.ip_forward'), 'linux.sysctl["net.ipv4.ip_forward"]')
  assert.is(pointerLabel('/annotations/a~1b~0c'), 'annotations["a/b~c"]')
  assert.is(pointerLabel(''), 'config')
})

test('keys are escaped and read back (RFC 6901)', () => {
  const pointer = pointerTo(pointerTo('/x', '~1/'), 5)
  assert.is(pointer, '/x/~01~1/5')
  assert.equal(pointerKeys(pointer), ['x', '~1/', '5'])
  assert.is(pointerValue({ x: { '~1/': [0, 1, 2, 3, 4, 'here'] } }, pointer), 'here')
  assert.is(pointerValue({ x: 1 }, '/x/y'), undefined)
  assert.is(pointerValue({}, '/constructor'), undefined)
})

test('an error carries code, field and exit status', () => {
  const cause = new Error('inner')
  const error = new TsrunError('hook', 'hooks.prestart[0]: exit status 1', { pointer: '/hooks/prestart/0', cause })
  assert.equal([error.code, error.pointer, error.exitCode, error.cause], ['hook', '/hooks/prestart/0', 1, cause])
  assert.is(new TsrunError('usage', 'x', { exitCode: 255 }).exitCode, 255)
  assert.throws(
    () => invariant(false, 'x'),
    (thrown: unknown) => thrown instanceof InternalError,
  )
})

test.run()
