// SPDX-License-Identifier: Apache-2.0
// --output: the result in another form than an image in the store.

import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { DockError } from '../error.ts'
import { apply, pack, remove, walk } from '../host/files.ts'
import { writeArchive } from '../images/archive.ts'
import { decodeEntries, encodeEnd, encodeEntry } from '../layers/frame.ts'
import { makeScratch } from '../layers/unpacked.ts'
import type { Storage } from '../storage.ts'
import type { BuiltImage } from './build.ts'
import { copyEntries } from './copy-plan.ts'
import { lowerOf } from './snapshot.ts'

export interface Output {
  readonly type: 'local' | 'tar' | 'oci' | 'docker' | 'image'
  /** Of an image: it is sent to the registries of its names, too. */
  readonly push?: boolean
  /** `-`: standard output. */
  readonly dest: string | undefined
  readonly name: string | undefined
}

const TYPES: readonly Output['type'][] = ['local', 'tar', 'oci', 'docker', 'image']

/** `type=tar,dest=out.tar`, or a directory. Errors: DockError. */
export function parseOutput(text: string): Output {
  if (!text.includes('='))
    return text === '-' ? { type: 'tar', dest: '-', name: undefined } : { type: 'local', dest: text, name: undefined }
  const fields = new Map(
    text.split(',').map((field) => {
      const equals = field.indexOf('=')
      return equals < 0 ? [field, ''] : [field.slice(0, equals), field.slice(equals + 1)]
    }),
  )
  if (fields.get('type') === 'registry') {
    fields.set('type', 'image')
    fields.set('push', 'true')
  }
  const type = TYPES.find((one) => one === fields.get('type'))
  if (type === undefined) throw new DockError(`--output ${text}: the type is one of ${TYPES.join(', ')}, registry`)
  const unknown = [...fields.keys()].find((key) => !['type', 'dest', 'name', 'push'].includes(key))
  if (unknown !== undefined)
    throw new DockError(`--output ${text}: ${unknown} is unknown; there are type, dest, name and push`)
  const push = fields.get('push') ?? 'false'
  if (!['true', 'false', ''].includes(push) || (push !== 'false' && type !== 'image')) {
    throw new DockError(`--output ${text}: push is true or false, and goes with type=image`)
  }
  const dest = fields.get('dest')
  if (dest === undefined && type === 'local') throw new DockError(`--output ${text}: dest=DIR is missing`)
  return { type, dest, name: fields.get('name'), ...(push === 'false' ? {} : { push: true }) }
}

const fileOf = (dest: string | undefined): NodeJS.WritableStream =>
  dest === undefined || dest === '-' ? process.stdout : createWriteStream(resolve(dest), { mode: 0o644 })

/** The whole file system of an image as one tree, for a function. */
async function withTree<T>(
  storage: Storage,
  image: BuiltImage,
  use: (target: string, lower: readonly string[]) => Promise<T>,
): Promise<T> {
  const lower = await lowerOf(storage.stores, image.state)
  const target = await makeScratch(storage.stores.scratch)
  const extra = await makeScratch(storage.stores.scratch)
  try {
    return await use(target, lower.length > 1 ? lower : [...lower, extra])
  } finally {
    await Promise.all([remove(target), remove(extra)])
  }
}

/** Errors: DockError. */
export async function writeOutput(
  storage: Storage,
  image: BuiltImage,
  output: Output,
  names: readonly string[],
): Promise<void> {
  const { files } = storage.stores
  if (output.type === 'tar') {
    await withTree(storage, image, (target, lower) =>
      pack(target, (out) => pipeline(out, fileOf(output.dest)), {
        ...files,
        plain: true,
        newest: image.state.epoch,
        overlays: [{ target, lower }],
      }),
    )
  } else if (output.type === 'local') {
    const directory = resolve(output.dest ?? '.')
    await mkdir(directory, { recursive: true })
    await withTree(storage, image, async (target, lower) => {
      const overlays = [{ target, lower }]
      const found = decodeEntries(await walk(target, '', { ...files, overlays }))
      const plan = found
        .filter(({ path }) => path !== '')
        .map((entry) => ({ path: entry.path, target: entry.path, entry }))
      await apply(
        directory,
        async (write) => {
          for (const entry of copyEntries(plan, { owner: undefined, mode: undefined, seconds: undefined }))
            await write(encodeEntry(entry))
          await write(encodeEnd())
        },
        { ...files, merge: true, source: target, overlays },
      )
    })
  } else if (output.type === 'oci' || output.type === 'docker') {
    await writeArchive(
      storage.images,
      [{ descriptor: image.descriptor, names: output.name === undefined ? names : [output.name] }],
      fileOf(output.dest),
    )
  }
}
