// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CLONE_NEW, compileNamespaces } from '../../../../runtime/compile/namespaces.ts'
import type { Linux } from '../../../../spec/runtime/linux.ts'
import { makeContext, makeFacts, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'

function compile(linux: Linux, uid = 0) {
  return compileNamespaces(makeContext(makeSpec({ linux }), { facts: makeFacts({ uid }) }))
}

test('new namespaces are cloned, but for the cgroup namespace (config-linux.md#namespaces)', () => {
  const { prepare, setup, spawn } = compile({ namespaces: namespaces('mount', 'pid', 'cgroup', 'network') })
  assert.equal(prepare, [])
  assert.equal(showOps(setup), [`unshare ${CLONE_NEW.cgroup}`, 'loopback-up'])
  assert.is(spawn.cloneFlags, CLONE_NEW.mount + CLONE_NEW.pid + CLONE_NEW.network)
  assert.equal([spawn.joins, spawn.stage, spawn.timeOffsets], [[], false, ''])
})

test('an empty path counts as none', () => {
  assert.is(compile({ namespaces: [{ type: 'mount', path: '' }] }).spawn.cloneFlags, CLONE_NEW.mount)
})

const joined = [{ type: 'user', path: '/u' }, { type: 'mount' }, { type: 'pid', path: '/p' }] as const

test('root joins the user namespace last, anyone else first', () => {
  for (const [uid, order] of [
    [0, ['/p', '/u']],
    [1000, ['/u', '/p']],
  ] as const) {
    const { prepare, spawn } = compile({ namespaces: joined }, uid)
    assert.equal(
      prepare.map((op) => op.kind === 'open-ns' && op.path),
      order,
    )
    assert.equal(
      spawn.joins.map(({ type }) => type),
      order.map((path) => (path === '/u' ? CLONE_NEW.user : CLONE_NEW.pid)),
    )
    assert.is(spawn.stage, true)
    assert.match(prepare[0]?.label ?? '', /^linux\.namespaces\[\d\] \((pid|user)\)$/)
  }
})

test('a time namespace takes offsets (config-linux.md#offset-for-time-namespace)', () => {
  const { spawn } = compile({
    namespaces: namespaces('mount', 'time'),
    timeOffsets: { monotonic: { secs: 5, nanosecs: 7 }, boottime: { secs: -1 } },
  })
  assert.is(spawn.timeOffsets, 'monotonic 5 7\nboottime -1 0\n')
  assert.is(spawn.stage, true)
})

test('init can be looked at by a user who has made its user namespace', () => {
  const inside = namespaces('mount', 'pid', 'user')
  assert.is(compile({ namespaces: inside }, 1000).spawn.dumpable, true)
  assert.is(compile({ namespaces: inside }).spawn.dumpable, false)
  assert.is(compile({ namespaces: joined }, 1000).spawn.dumpable, false)
})

test('only root of the host can be without a mount namespace', () => {
  assert.is(compile({ namespaces: namespaces('pid') }).spawn.cloneFlags, CLONE_NEW.pid)
  const refused = /linux\.namespaces: only root of the host/
  assert.throws(() => compile({ namespaces: namespaces('pid') }, 1000), refused)
  assert.throws(() => compile({ namespaces: namespaces('pid', 'user') }), refused)
})

test.run()
