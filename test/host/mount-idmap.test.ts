// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json, makeRootfs, withArgs, withMounts } from '../helpers/bundle.ts'
import { mustSucceed, newSource, runOnce } from '../helpers/container.ts'
import { parseAttempts } from '../helpers/report.ts'
import { assertRefused, hostSuite, type TestOptions, unmount } from '../helpers/suite.ts'

const { test, run } = hostSuite('mount idmap')

test(
  'an id-mapped bind mount shifts owners',
  async () => {
    const source = newSource({ file: 'x' })
    const mappings = [{ containerID: 0, hostID: 5000, size: 1000 }]
    const mount = {
      destination: '/home',
      source,
      options: ['bind', 'idmap'],
      uidMappings: mappings,
      gidMappings: mappings,
    }
    const outcome = await runOnce(withMounts([mount], withArgs(['probe', 'stat', '/home/file'])))
    assert.is(parseAttempts(mustSucceed(outcome).stdout)[0]?.['uid'], 5000)
  },
  { differsFrom: { 'runc<1.3': 'has no id-mapped mounts' } },
)

const mapping = [{ containerID: 0, hostID: 5000, size: 1000 }]
const other = [{ containerID: 0, hostID: 7000, size: 1000 }]

/** Owner of a file below a mount, seen from inside. */
async function ownerAt(path: string, mounts: readonly Json[], patch: Json = {}): Promise<readonly unknown[]> {
  const outcome = await runOnce(withMounts(mounts, withArgs(['probe', 'stat', path], patch)))
  const [seen] = parseAttempts(mustSucceed(outcome).stdout)
  return [seen?.['uid'], seen?.['gid']]
}

/** A tree with a mount of its own inside, for as long as it is used. */
async function withNested(use: (source: string) => Promise<void>): Promise<void> {
  const source = newSource({ 'below/x': '', file: 'x' })
  const below = join(source, 'below')
  assert.is(spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', below]).status, 0)
  try {
    writeFileSync(join(below, 'file'), 'x')
    await use(source)
  } finally {
    unmount(below)
  }
}

const later: TestOptions = { differsFrom: { 'runc<1.3': 'has no id-mapped mounts' } }

test(
  'uidMappings and gidMappings count each for itself',
  async () => {
    const source = newSource({ file: 'x' })
    const mount = { destination: '/home', source, options: ['bind', 'idmap'], uidMappings: mapping, gidMappings: other }
    assert.equal(await ownerAt('/home/file', [mount]), [5000, 7000])
  },
  later,
)

test(
  'idmap maps the mount alone, ridmap those below it, too',
  () =>
    withNested(async (source) => {
      for (const [option, owner] of [
        ['idmap', 0],
        ['ridmap', 5000],
      ] as const) {
        const maps = { uidMappings: mapping, gidMappings: mapping }
        const mount = { destination: '/home', source, options: ['rbind', option], ...maps }
        assert.equal(await ownerAt('/home/file', [mount]), [5000, 5000], option)
        assert.equal(await ownerAt('/home/below/file', [mount]), [owner, owner], option)
      }
    }),
  { ...later, differsFrom: { ...later.differsFrom, crun: 'takes idmap for ridmap' } },
)

test(
  'without mappings of its own, a mount has those of the user namespace',
  async () => {
    const linux = {
      namespaces: [...defaultNamespaces, { type: 'user' }],
      uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
    }
    const mount = { destination: '/home', source: newSource({ file: 'x' }), options: ['bind', 'idmap'] }
    assert.equal(await ownerAt('/home/file', [mount], { linux }), [0, 0])
    assert.equal(await ownerAt('/home/file', [{ ...mount, options: ['bind'] }], { linux }), [65534, 65534])
  },
  later,
)

test(
  'what lies in the root is mapped, too, in a user namespace',
  async () => {
    const linux = {
      namespaces: [...defaultNamespaces, { type: 'user' }],
      uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
    }
    const rootfs = makeRootfs()
    const first = { destination: '/var', source: newSource({ file: 'x' }), options: ['bind'] }
    const again = { destination: '/home', source: join(rootfs, 'var'), options: ['bind', 'idmap'] }
    const patch = { linux, root: { path: rootfs, readonly: false } }
    assert.equal(await ownerAt('/var/file', [first, again], patch), [65534, 65534])
    assert.equal(await ownerAt('/home/file', [first, again], patch), [0, 0])
  },
  later,
)

test(
  'without any mapping, without a bind mount, and with one kind of mapping, it is refused',
  () => {
    const source = newSource()
    const bind = { destination: '/home', source, options: ['bind', 'idmap'] }
    assertRefused(withMounts([bind]), { tsrun: /mounts\[6\].*idmap.*has no mapping/ })
    const maps = { uidMappings: mapping, gidMappings: mapping }
    assertRefused(withMounts([{ destination: '/home', type: 'tmpfs', source: 'x', options: ['idmap'], ...maps }]), {
      tsrun: /mounts\[6\].*bind/,
    })
    assertRefused(withMounts([{ ...bind, uidMappings: mapping }]), { tsrun: /mounts\[6\].*gidMappings/ })
  },
  { differsFrom: { 'runc<1.3': 'has no id-mapped mounts', crun: 'takes some of them' } },
)

run()
