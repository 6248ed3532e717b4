// SPDX-License-Identifier: Apache-2.0
// What is different between two images: files, modes, owners, attributes, contents, configuration.

import { createHash, type Hash } from 'node:crypto'
import { pack, remove } from '../host/files.ts'
import { type TarHeader, TarReader } from '../layers/tar-read.ts'
import { makeScratch } from '../layers/unpacked.ts'
import { imageConfigOf, type ImageState } from './image-state.ts'
import { lowerOf, type Stores } from './snapshot.ts'

export interface FileFacts {
  readonly type: string
  readonly mode: number
  readonly owner: string
  readonly link: string
  readonly size: number
  /** Seconds. */
  readonly time: number
  readonly xattrs: string
  readonly digest: string
}

const types: Readonly<Record<string, string>> = {
  '0': 'file',
  '1': 'hard link',
  '2': 'symlink',
  '3': 'character device',
  '4': 'block device',
  '5': 'directory',
  '6': 'fifo',
}

/** All files of an image by path. */
export async function fileFacts(stores: Stores, state: ImageState): Promise<ReadonlyMap<string, FileFacts>> {
  const lower = await lowerOf(stores, state)
  const target = await makeScratch(stores.scratch)
  const second = await makeScratch(stores.scratch)
  const facts = new Map<string, FileFacts>()
  let current: TarHeader | undefined
  let hash: Hash | undefined
  const close = (): void => {
    if (current === undefined || hash === undefined) return
    facts.set(Buffer.from(current.name, 'latin1').toString('utf8').replace(/\/$/, ''), {
      type: types[current.type] ?? current.type,
      mode: current.mode,
      owner: `${current.uid}:${current.gid}`,
      link: current.link,
      size: current.size,
      time: current.time,
      xattrs: [...current.xattrs].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`).join(','),
      digest: hash.digest('hex'),
    })
  }
  const reader = new TarReader({
    header: (header) => {
      close()
      current = header
      hash = createHash('sha256')
    },
    data: (chunk) => void hash?.update(chunk),
  })
  try {
    await pack(
      target,
      async (out) => {
        for await (const chunk of out) reader.push(chunk as Uint8Array)
      },
      { ...stores.files, plain: true, overlays: [{ target, lower: [...lower, second] }] },
    )
    reader.finish()
    close()
    return facts
  } finally {
    await Promise.all([remove(target), remove(second)])
  }
}

function changes(before: FileFacts, after: FileFacts): readonly string[] {
  const found: string[] = []
  if (before.type !== after.type) return [`${before.type} -> ${after.type}`]
  if (before.digest !== after.digest)
    found.push(before.size === after.size ? 'content' : `content (${before.size} -> ${after.size} bytes)`)
  if (before.mode !== after.mode) found.push(`mode ${before.mode.toString(8)} -> ${after.mode.toString(8)}`)
  if (before.owner !== after.owner) found.push(`owner ${before.owner} -> ${after.owner}`)
  if (before.link !== after.link) found.push(`link ${before.link} -> ${after.link}`)
  if (before.xattrs !== after.xattrs) found.push('attributes')
  if (before.time !== after.time) found.push(`time ${before.time} -> ${after.time}`)
  return found
}

function configChanges(before: unknown, after: unknown, path: string): readonly string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject(before) || !isObject(after))
    return [`config ${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    configChanges(before[key], after[key], path === '' ? key : `${path}.${key}`),
  )
}

/** Lines: `+ path`, `- path`, `~ path: what`, `config key: old -> new`. times: whether times count. */
export async function diffImages(
  stores: Stores,
  before: ImageState,
  after: ImageState,
  options: { readonly times: boolean },
): Promise<readonly string[]> {
  const [old, fresh] = [await fileFacts(stores, before), await fileFacts(stores, after)]
  const lines: string[] = []
  for (const path of [...new Set([...old.keys(), ...fresh.keys()])].sort()) {
    const [one, other] = [old.get(path), fresh.get(path)]
    if (one === undefined) lines.push(`+ ${path}`)
    else if (other === undefined) lines.push(`- ${path}`)
    else {
      const found = changes(options.times ? one : { ...one, time: other.time }, other)
      if (found.length > 0) lines.push(`~ ${path}: ${found.join(', ')}`)
    }
  }
  const { rootfs: _, history: __, ...oldConfig } = imageConfigOf(before)
  const { rootfs: ___, history: ____, ...newConfig } = imageConfigOf(after)
  return [...lines, ...configChanges(oldConfig, newConfig, '')]
}
