// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, runOnce } from '../helpers/container.ts'
import { readOwnCapabilities } from '../helpers/host.ts'
import { capabilities, capabilitySet, parseAttempts } from '../helpers/report.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('capabilities')

function withProcess(process: Json): Json {
  return { process }
}

test('the five capability sets', async () => {
  const { status } = await inspect(
    withProcess({
      capabilities: {
        bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID', 'CAP_SYS_ADMIN'],
        permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID'],
        effective: ['CAP_CHOWN', 'CAP_KILL'],
        inheritable: ['CAP_CHOWN', 'CAP_SETUID'],
        ambient: ['CAP_CHOWN'],
      },
      noNewPrivileges: false,
      user: { uid: 1000, gid: 1000 },
    }),
  )
  assert.equal(capabilitySet(status['CapBnd']), ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID', 'CAP_SYS_ADMIN'])
  // execve of a file without capabilities by a user other than root leaves the ambient ones.
  assert.equal(capabilitySet(status['CapInh']), ['CAP_CHOWN', 'CAP_SETUID'])
  assert.equal(capabilitySet(status['CapAmb']), ['CAP_CHOWN'])
  assert.equal(capabilitySet(status['CapPrm']), ['CAP_CHOWN'])
  assert.equal(capabilitySet(status['CapEff']), ['CAP_CHOWN'])
})

test('root gets what is bounding and inheritable', async () => {
  const { status } = await inspect()
  const expected = ['CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_AUDIT_WRITE']
  assert.equal(capabilitySet(status['CapBnd']), expected)
  assert.equal(capabilitySet(status['CapPrm']), expected)
  assert.equal(capabilitySet(status['CapEff']), expected)
  assert.equal(capabilitySet(status['CapInh']), [])
  assert.equal(capabilitySet(status['CapAmb']), [])
})

test(
  'no capabilities at all',
  async () => {
    const { status } = await inspect(withProcess({ capabilities: undefined }))
    assert.equal(capabilitySet(status['CapEff']), [])
    assert.equal(capabilitySet(status['CapBnd']), [])
  },
  { differsFrom: { 'runc>=1.3': 'keeps all of the caller when the config has no capabilities' } },
)

test('all capabilities that the caller has', async () => {
  const own = capabilitySet(readOwnCapabilities().toString(16))
  const { status } = await inspect(withProcess({ capabilities: { bounding: own, effective: own, permitted: own } }))
  assert.equal(capabilitySet(status['CapEff']), own)
})

test(
  'a capability that cannot be granted is a warning, not an error',
  async () => {
    const all = { bounding: capabilities, effective: capabilities, permitted: capabilities }
    const { status } = await inspect(withProcess({ capabilities: all }))
    assert.equal(capabilitySet(status['CapEff']), capabilitySet(readOwnCapabilities().toString(16)))
  },
  { differsFrom: { runc: 'fails; the specification says it must be logged as a warning' } },
)

test('an unknown capability is a warning, not an error', async () => {
  const outcome = await runOnce(
    withProcess({
      args: ['true'],
      capabilities: { bounding: ['CAP_NO_SUCH', 'CAP_KILL'], effective: ['CAP_NO_SUCH'] },
    }),
  )
  mustSucceed(outcome)
  assert.match(outcome.stderr, /level=warning.*CAP_NO_SUCH/)
})

test('capabilities decide', async () => {
  const attempt = async (names: readonly string[]): Promise<string | undefined> => {
    const sets = { bounding: names, effective: names, permitted: names }
    const outcome = await runOnce(withArgs(['probe', 'chroot', '/'], { process: { capabilities: sets } }))
    return parseAttempts(mustSucceed(outcome).stdout)[0]?.errno
  }
  assert.is(await attempt(['CAP_SYS_CHROOT']), '')
  assert.is(await attempt(['CAP_KILL']), 'EPERM')
})

run()
