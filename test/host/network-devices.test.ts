// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, withContainer, withRunning } from '../helpers/container.ts'
import type { Need } from '../helpers/host.ts'
import { assertFailure, assertRefused, hostSuite, type TestOptions } from '../helpers/suite.ts'

const { test, run } = hostSuite('network devices')

const ip = (...args: readonly string[]) => spawnSync('ip', args, { encoding: 'utf8' })

/** Names of this process: not more than 15 bytes, and none that the host has. */
const [DEVICE, PEER] = [`tsrt${process.pid % 100000}a`, `tsrt${process.pid % 100000}b`]

const needsVeth: Need = () => {
  const made = ip('link', 'add', DEVICE, 'type', 'veth', 'peer', 'name', PEER)
  if (made.error !== undefined) return 'no program ip on this host'
  ip('link', 'del', DEVICE)
  return made.status === 0 ? undefined : 'this kernel has no veth'
}

const devices: TestOptions = { needs: [needsVeth], differsFrom: { 'runc<1.4': 'has no network devices' } }

/** With a pair of devices on the host, of which one is configured. */
async function withDevice(use: () => Promise<void>): Promise<void> {
  mustBeFine(ip('link', 'add', DEVICE, 'type', 'veth', 'peer', 'name', PEER))
  try {
    mustBeFine(ip('addr', 'add', '10.123.0.5/24', 'dev', DEVICE))
    mustBeFine(ip('addr', 'add', 'fd00:123::5/64', 'dev', DEVICE, 'nodad'))
    await use()
  } finally {
    // With its peer; the container may have taken both with it.
    ip('link', 'del', PEER)
    ip('link', 'del', DEVICE)
  }
}

function mustBeFine({ status, stderr }: { readonly status: number | null; readonly stderr: string }): void {
  assert.is(status, 0, stderr)
}

const exists = (name: string): boolean => ip('link', 'show', 'dev', name).status === 0

const withNetDevices = (netDevices: Json, patch: Json = withArgs(['sleep', '60'])): Json => ({
  ...patch,
  linux: { ...(patch['linux'] as Json | undefined), netDevices },
})

test(
  'a device moves, keeps its name and its addresses, and is up',
  () =>
    withDevice(async () => {
      await withRunning(withNetDevices({ [DEVICE]: {} }), (container) => {
        assert.not(exists(DEVICE))
        const text = mustSucceed(container.exec(['ip', 'addr', 'show', 'dev', DEVICE])).stdout
        assert.match(text, /[<,]UP[,>]/)
        assert.match(text, /inet 10\.123\.0\.5\/24/)
        assert.match(text, /inet6 fd00:123::5\/64/)
      })
    }),
  devices,
)

test(
  'name: the device is renamed',
  () =>
    withDevice(async () => {
      await withRunning(withNetDevices({ [DEVICE]: { name: 'inside0' } }), (container) => {
        const text = mustSucceed(container.exec(['ip', 'addr', 'show', 'dev', 'inside0'])).stdout
        assert.match(text, /inet 10\.123\.0\.5\/24/)
      })
    }),
  devices,
)

test(
  'name: the kernel puts a number for %d',
  () =>
    withDevice(async () => {
      await withRunning(withNetDevices({ [DEVICE]: { name: 'net%d' } }), (container) => {
        mustSucceed(container.exec(['ip', 'addr', 'show', 'dev', 'net0']))
      })
    }),
  devices,
)

test(
  'a name that is taken in the container is refused, and the device stays with the host',
  () =>
    withDevice(async () => {
      await withContainer(withNetDevices({ [DEVICE]: { name: 'lo' } }), (container) => {
        assertFailure(container.create(), { tsrun: new RegExp(`linux\\.netDevices\\.${DEVICE}.*lo.*EEXIST`) })
      })
      assert.ok(exists(DEVICE))
    }),
  devices,
)

test(
  'a device that is not there is refused before any other is moved',
  () =>
    withDevice(async () => {
      await withContainer(withNetDevices({ [DEVICE]: {}, nosuchdevice: {} }), (container) => {
        assertFailure(container.create(), { tsrun: /linux\.netDevices\.nosuchdevice.*ENODEV/ })
      })
      assert.ok(exists(DEVICE))
    }),
  {
    ...devices,
    differsFrom: { ...devices.differsFrom, runc: 'has moved the others by then', crun: 'has moved the others by then' },
  },
)

test(
  'without a network namespace they are refused',
  () => {
    const namespaces = defaultNamespaces.filter(({ type }) => type !== 'network')
    assertRefused(withNetDevices({ lo: {} }, { linux: { namespaces } }), { tsrun: /linux\.netDevices/ })
  },
  { differsFrom: { 'runc<1.4': 'has no network devices', crun: 'does not check it' } },
)

run()
