// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileIdMappings, deniesSetgroups, isDeniedSetgroups } from '../../../../runtime/compile/id-mappings.ts'
import type { LinuxIDMapping } from '../../../../spec/runtime/namespaces.ts'
import { makeContext, makeFacts, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'

function compile(uidMappings: readonly LinuxIDMapping[], gidMappings: readonly LinuxIDMapping[], uid = 0) {
  const linux = { namespaces: namespaces('mount', 'user'), uidMappings, gidMappings }
  const context = makeContext(makeSpec({ linux }), { facts: makeFacts({ uid, gid: uid }) })
  return { ops: compileIdMappings(context), denied: deniesSetgroups(context) }
}

const wide = [
  { containerID: 0, hostID: 100000, size: 65536 },
  { containerID: 70000, hostID: 300000, size: 5 },
]
const own = [{ containerID: 0, hostID: 1000, size: 1 }]

test('root writes both maps itself (config-linux.md#user-namespace-mappings)', () => {
  const { ops, denied } = compile(wide, own)
  assert.equal(showOps(ops), ['id-map 0 "0 100000 65536\\n70000 300000 5\\n" 0', 'id-map 1 "0 1000 1\\n" 0'])
  assert.equal(
    ops.map(({ cause }) => cause),
    ['/linux/uidMappings', '/linux/gidMappings'],
  )
  assert.is(denied, false)
})

test('a user maps the own ids alone, and gives setgroups up for it', () => {
  const { ops, denied } = compile(own, own, 1000)
  assert.equal(showOps(ops), ['id-map 0 "0 1000 1\\n" 0', 'id-map 1 "0 1000 1\\n" 1'])
  assert.is(denied, true)
})

test('more ids than one go through newuidmap and newgidmap', () => {
  const { ops, denied } = compile(wide, wide, 1000)
  assert.equal(
    showOps(ops).map((line) => line.at(-1)),
    ['2', '2'],
  )
  assert.is(denied, false)
})

test('no new user namespace, no maps', () => {
  const path = '/proc/7/ns/user'
  const joined = makeSpec({ linux: { namespaces: [{ type: 'user', path }], uidMappings: wide, gidMappings: wide } })
  assert.equal(compileIdMappings(makeContext(joined)), [])
  assert.equal(compileIdMappings(makeContext()), [])
})

test('groups stay as they are where the namespace of the caller has given setgroups up', () => {
  const of = (spec: object, setgroups?: string): boolean =>
    isDeniedSetgroups(makeContext({ ...makeSpec(), ...spec }, { facts: makeFacts({ setgroups }) }))
  const joined = { linux: { namespaces: [{ type: 'user', path: '/proc/7/ns/user' }] } }
  assert.is(of({}, 'deny\n'), true)
  assert.is(of({ linux: { namespaces: namespaces('user') } }, 'deny\n'), true)
  assert.is(of(joined, 'deny\n'), false)
  assert.is(of({}, 'allow\n'), false)
  assert.is(of({}), false)
})

test.run()
