// SPDX-License-Identifier: Apache-2.0
// Images for several platforms, and programs of another one.

import { readdir, readFile } from 'node:fs/promises'
import { type Index, mediaTypes, type Platform } from '../../spec/image/documents.ts'
import { DockError } from '../error.ts'
import { hostPlatform, platformText } from '../images/platform.ts'
import type { Storage } from '../storage.ts'
import type { BuiltImage } from './build.ts'

/** Writes an index of images. Its digest stands for all of them. */
export async function writeIndex(storage: Pick<Storage, 'images'>, images: readonly BuiltImage[]): Promise<BuiltImage> {
  const [first] = images
  if (first === undefined) throw new DockError('internal error: an index of nothing')
  const index: Index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.map(({ descriptor, state }) => ({ ...descriptor, platform: state.platform })),
  }
  const descriptor = await storage.images.putDocument(mediaTypes.index, index)
  return { ...first, descriptor, id: descriptor.digest }
}

/** Architectures whose programs a machine runs without help. */
const native: Readonly<Record<string, readonly string[]>> = { amd64: ['amd64', '386'], arm64: ['arm64', 'arm'] }

/** Names that QEMU has for architectures. */
const emulated: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  '386': 'i386',
  arm64: 'aarch64',
  ppc64le: 'ppc64le',
  loong64: 'loongarch64',
}

const BINFMT = '/proc/sys/fs/binfmt_misc'

async function hasEmulator(architecture: string): Promise<boolean> {
  const name = emulated[architecture] ?? architecture
  for (const entry of await readdir(BINFMT).catch(() => [] as string[])) {
    if (!entry.includes(name)) continue
    const text = await readFile(`${BINFMT}/${entry}`, 'utf8').catch(() => '')
    // F: its interpreter is open already, so that a root file system without it will do.
    if (text.startsWith('enabled') && /^flags: .*F/m.test(text)) return true
  }
  return false
}

/** Errors: DockError, when this machine cannot run programs of a platform. */
export async function checkRunnable(platform: Platform): Promise<void> {
  const host = hostPlatform()
  if ((native[host.architecture] ?? [host.architecture]).includes(platform.architecture)) return
  if (await hasEmulator(platform.architecture)) return
  throw new DockError(
    `programs of ${platformText(platform)} do not run on ${platformText(host)}: no emulator is registered in ${BINFMT} (Debian: apt-get install qemu-user-static binfmt-support)`,
  )
}
