// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { layoutName } from '../../../../bundles/images/archive.ts'
import { parseReference } from '../../../../bundles/images/reference.ts'
import { compileReferencePattern } from '../../../../bundles/images/reference-pattern.ts'

const names = ['busybox:latest', 'busybox:1.36', 'me/app:v1', 'localhost:5000/me/app:v1', 'ghcr.io/a/b/c:x']
const found = (pattern: string): readonly string[] => {
  const matches = compileReferencePattern(pattern)
  return names.filter((name) => matches(parseReference(name)))
}

test('a pattern is held against the name with its tag and without', () => {
  assert.equal(found('busybox'), ['busybox:latest', 'busybox:1.36'])
  assert.equal(found('busybox:1.36'), ['busybox:1.36'])
  assert.equal(found('busy*'), ['busybox:latest', 'busybox:1.36'])
  assert.equal(found('*:latest'), ['busybox:latest'])
  assert.equal(found('b?sybox:[0-9]*'), ['busybox:1.36'])
  assert.equal(found('me/app'), ['me/app:v1'])
})

test('a star passes no slash', () => {
  assert.equal(found('*'), ['busybox:latest', 'busybox:1.36'])
  assert.equal(found('*/*'), ['me/app:v1'])
  assert.equal(found('localhost:5000/*/*'), ['localhost:5000/me/app:v1'])
  assert.equal(found('*/*/*/*:x'), ['ghcr.io/a/b/c:x'])
})

test('the long form of a name means the same', () => {
  assert.equal(found('docker.io/library/busybox'), ['busybox:latest', 'busybox:1.36'])
  assert.equal(found('docker.io/me/app:v1'), ['me/app:v1'])
})

test('a broken pattern is told', () => {
  assert.throws(() => compileReferencePattern('x['), /invalid filter 'reference=x\['.*no closing/)
})

const ref = (name: string) => layoutName({ 'org.opencontainers.image.ref.name': name })

test('names of images in layouts', () => {
  assert.is(ref('big'), 'docker.io/library/big:latest')
  assert.is(ref('my-app_x'), 'docker.io/library/my-app_x:latest')
  assert.is(ref('big:v2'), 'docker.io/library/big:v2')
  assert.is(ref('localhost/me/big'), 'localhost/me/big:latest')
  for (const tag of ['latest', 'v1', 'v1.2.3-rc1', '1.36', '2026-11-25', 'stable', 'main'])
    assert.is(ref(tag), undefined)
  for (const bad of ['', 'Big', '-x', 'a b', '../x', 'x'.repeat(300), 'a'.repeat(64)]) assert.is(ref(bad), undefined)
  const both = { 'io.containerd.image.name': 'docker.io/me/a:v1', 'org.opencontainers.image.ref.name': 'v1' }
  assert.is(layoutName(both), 'docker.io/me/a:v1')
  assert.is(layoutName(undefined), undefined)
})

test.run()
