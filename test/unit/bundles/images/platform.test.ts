// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { choosePlatform, hostPlatform, platformText } from '../../../../bundles/images/platform.ts'
import type { Descriptor, Index, Platform } from '../../../../spec/image/documents.ts'

const platformOf = (text: string): Platform => {
  const [os = '', architecture = '', variant] = text.split('/')
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}

/** An index of images for platforms; '' is one without. */
const indexOf = (...platforms: readonly string[]): Index => ({
  schemaVersion: 2,
  manifests: platforms.map(
    (text, i): Descriptor => ({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: `sha256:${String(i).repeat(64)}`,
      size: i,
      ...(text === '' ? {} : { platform: platformOf(text) }),
    }),
  ),
})

const chosen = (wanted: string, ...offers: readonly string[]): string => {
  const one = choosePlatform(indexOf(...offers), platformOf(wanted), 'name')
  return one.platform === undefined ? '' : platformText(one.platform)
}

test('the same platform, the first one of several', () => {
  assert.is(chosen('linux/amd64', 'linux/arm64', 'linux/amd64', 'windows/amd64'), 'linux/amd64')
  assert.is(choosePlatform(indexOf('linux/amd64', 'linux/amd64'), platformOf('linux/amd64'), 'x').size, 0)
})

test('variants: the same, else the nearest older one, never a newer one', () => {
  assert.is(chosen('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7', 'linux/arm/v8'), 'linux/arm/v7')
  assert.is(chosen('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6', 'linux/arm/v8'), 'linux/arm/v6')
  assert.is(chosen('linux/arm64', 'linux/arm64/v8'), 'linux/arm64/v8')
  assert.is(chosen('linux/arm64/v8', 'linux/arm64'), 'linux/arm64')
  assert.is(chosen('linux/amd64', 'linux/amd64/v3', 'linux/amd64/v2', 'linux/amd64/v1'), 'linux/amd64/v1')
  assert.is(chosen('linux/amd64/v3', 'linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'), 'linux/amd64/v2')
  assert.throws(() => chosen('linux/arm/v6', 'linux/arm/v7'), /no image for linux\/arm\/v6; there are: linux\/arm\/v7/)
})

test('attestations are no images', () => {
  assert.is(chosen('linux/amd64', 'unknown/unknown', 'linux/amd64'), 'linux/amd64')
  assert.throws(() => chosen('linux/amd64', 'unknown/unknown'), /there are: none/)
})

test('one image without a platform is for all', () => {
  assert.is(chosen('linux/amd64', ''), '')
  assert.throws(() => chosen('linux/amd64', '', ''), /no image for linux\/amd64/)
  assert.throws(() => chosen('linux/amd64'), /name: no image/)
})

test('this machine, in the words of images', () => {
  assert.equal(hostPlatform('x64'), { os: 'linux', architecture: 'amd64' })
  assert.equal(platformText(hostPlatform('arm')), 'linux/arm/v7')
  assert.equal(platformText(hostPlatform('mips')), 'linux/mips')
})

test.run()
