// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createContext } from '../../../../runtime/compile/context.ts'
import { dumpedMounts, type ExternalMount, restoredMounts } from '../../../../runtime/criu/external-mounts.ts'
import { cloneSources } from '../../../../runtime/criu/source-clones.ts'
import { parseCgroupLayout } from '../../../../runtime/cgroups/hierarchies.ts'
import type { Spec } from '../../../../spec/runtime/config.ts'
import { makeFacts, makeRequest, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'
import { refusalOf } from '../compile/requests.ts'

const test = suite('sources for criu')

const inUserns = (...binds: readonly (readonly [source: string, destination: string])[]): Spec =>
  makeSpec({
    mounts: binds.map(([source, destination]) => ({ source, destination, options: ['rbind'] })),
    linux: { namespaces: namespaces('mount', 'user') },
  })

function contextOf(spec: Spec, facts = makeFacts()) {
  if (spec.process === undefined) throw new Error('no process')
  return createContext(makeRequest({ verb: 'restore', facts }), spec, spec.process, [])
}

const paths = { resolve: (path: string) => path, follow: (path: string) => path.replace('/link', '/shut/a') }

function restored(context: ReturnType<typeof contextOf>): readonly ExternalMount[] {
  return restoredMounts(context, parseCgroupLayout('', ''), {}, paths)
}

const sourcesOf = (mounts: readonly ExternalMount[]): readonly string[] =>
  mounts.filter(({ name }) => /^\/(?:a|again|b|c)$/.test(name)).map(({ source }) => source)

test('where the root of the user namespace is not let in, it gets clones in a place that is open', () => {
  const context = contextOf(inUserns(['/shut/a', '/a'], ['/link', '/again'], ['/open/b', '/b'], ['/dev/shm/c', '/c']))
  const mounts = restored(context)
  assert.equal(sourcesOf(mounts), ['/shut/a', '/shut/a', '/open/b', '/dev/shm/c'])
  const shut = cloneSources(context, mounts, (path) => !path.startsWith('/shut/'))
  assert.equal(sourcesOf(shut.mounts), ['/dev/shm/0', '/dev/shm/0', '/open/b', '/dev/shm/1'])
  assert.equal(
    showOps(shut.setup).map((line) => line.replace(/#\d+/g, '#')),
    [
      'open-tree /shut/a 1 #',
      'open-tree /dev/shm/c 1 #',
      'mount-fs tmpfs tmpfs [mode=755] +e #',
      'place-root # /dev/shm',
      'ensure /0 2 # 0755 #',
      'move # #',
      'ensure /1 2 # 0755 #',
      'move # #',
    ],
  )
  assert.equal(
    cloneSources(context, mounts, () => true),
    { setup: [], mounts },
  )
})

test('without a user namespace sources stay where they are', () => {
  const context = contextOf({ ...inUserns(['/shut/a', '/a']), linux: { namespaces: namespaces('mount') } })
  const mounts = restored(context)
  assert.equal(
    cloneSources(context, mounts, () => false),
    { setup: [], mounts },
  )
})

test('a mount of the host below a bind mount in a user namespace is refused, at both ends', () => {
  const facts = makeFacts()
  const mountinfo = `${facts.mountinfo}30 1 8:2 / /srv/disk rw - ext4 /dev/sdb rw\n`
  const spec = inUserns(['/srv', '/data'])
  const context = contextOf(spec, { ...facts, mountinfo })
  const mounts = ['/data', '/data/disk'].map((mountPoint) => ({ mountPoint, root: '/', type: 'ext4' }))
  const text = /mounts\[0\].*mount of the host below it \(\/srv\/disk\)/
  assert.match(
    refusalOf(() => dumpedMounts(context, { ...paths, mounts })),
    text,
  )
  assert.match(
    refusalOf(() => restored(context)),
    text,
  )
  assert.equal(dumpedMounts(context, { ...paths, mounts: mounts.slice(0, 1) }), ['mnt[/data]:/data'])
  const without = contextOf({ ...spec, linux: { namespaces: namespaces('mount') } }, { ...facts, mountinfo })
  assert.ok(restored(without).some(({ name, source }) => name === '/data/disk' && source === '/srv/disk'))
})

test.run()
