// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { MountPoint } from '../../../../bundles/containers/record.ts'
import { mountArguments } from '../../../../bundles/volumes/local-driver.ts'
import { isMountPoint, mountOf, parseMountTable } from '../../../../bundles/volumes/mount-table.ts'
import { ociMounts, rootPropagation, withOwnMounts } from '../../../../bundles/volumes/oci-mounts.ts'

const point = (change: Partial<MountPoint>): MountPoint => ({
  Type: 'bind',
  Source: '/s',
  Destination: '/d',
  Mode: '',
  RW: true,
  Propagation: '',
  ...change,
})

const host = { directory: '/c', kernel: '6.1.0' }
const options = (change: Partial<MountPoint>, kernel = '6.1.0'): readonly string[] =>
  ociMounts([point(change)], { ...host, kernel })[0]?.options ?? []

test('binds and volumes', () => {
  assert.equal(ociMounts([point({})], host), [
    { destination: '/d', type: 'bind', source: '/s', options: ['rbind', 'rprivate'] },
  ])
  assert.equal(options({ RW: false, Propagation: 'rslave' }), ['rbind', 'rro', 'rslave'])
  assert.equal(options({ RW: false }, '5.10.1'), ['rbind', 'ro', 'rprivate'])
  assert.equal(options({ RW: false, Details: { ReadOnlyNonRecursive: true } }), ['rbind', 'ro', 'rprivate'])
  assert.equal(options({ Details: { NonRecursive: true } }), ['bind', 'rprivate'])
  assert.throws(() => options({ RW: false, Details: { ReadOnlyForceRecursive: true } }, '5.4.0'), /needs Linux 5\.12/)
})

test('a tmpfs', () => {
  assert.equal(options({ Type: 'tmpfs', Details: { Tmpfs: 'exec,size=1m' } }), [
    'nosuid',
    'nodev',
    'rprivate',
    'exec',
    'size=1m',
  ])
  assert.equal(options({ Type: 'tmpfs' }), ['noexec', 'nosuid', 'nodev', 'rprivate'])
})

test('a mount in a mount comes after it', () => {
  const places = ociMounts(
    ['/a/b/c', '/z', '/a', '/a/b'].map((Destination) => point({ Destination })),
    host,
  ).map(({ destination }) => destination)
  assert.equal(places, ['/z', '/a', '/a/b', '/a/b/c'])
})

test('the own mounts replace those that all have', () => {
  const base = ['/proc', '/dev', '/dev/shm', '/dev/pts'].map((destination) => ({ destination }))
  const places = (...own: string[]): readonly string[] =>
    withOwnMounts(
      base,
      own.map((destination) => ({ destination })),
    ).map(({ destination }) => destination)
  assert.equal(places('/dev/shm'), ['/proc', '/dev', '/dev/pts', '/dev/shm'])
  assert.equal(places('/dev'), ['/proc', '/dev'])
})

test('the root lets mounts through where one needs it', () => {
  assert.is(rootPropagation([point({})]), undefined)
  assert.is(rootPropagation([point({ Propagation: 'rslave' })]), 'rslave')
  assert.is(rootPropagation([point({ Propagation: 'slave' }), point({ Propagation: 'shared' })]), 'rshared')
})

test('what is mounted where', () => {
  const table = parseMountTable(
    '22 1 8:1 / / rw shared:1 - ext4 x rw\n30 22 0:5 / /a\\040b rw master:3 - tmpfs x rw\n31 22 0:6 / /c rw - tmpfs x rw\n',
  )
  assert.ok(isMountPoint(table, '/a b'))
  assert.equal(mountOf(table, '/a b/x'), { path: '/a b', shared: false, slave: true })
  assert.is(mountOf(table, '/cc')?.path, '/')
})

test('what a volume with options stands for', () => {
  assert.is(mountArguments(null, '/v'), undefined)
  assert.equal(mountArguments({ type: 'none', o: 'bind', device: '/x' }, '/v'), [
    '-t',
    'none',
    '-o',
    'bind',
    '--',
    '/x',
    '/v',
  ])
})

test.run()
