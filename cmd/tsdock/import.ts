// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { DockError } from '../../bundles/error.ts'
import { importImage } from '../../bundles/images/import.ts'
import { parseReference, referenceText, withDefaultTag } from '../../bundles/images/reference.ts'
import { openStorage, storageDirectory } from '../../bundles/storage.ts'
import type { CommandInvocation } from './command.ts'
import { wantedPlatform } from './transfer.ts'

async function open(source: string): Promise<AsyncIterable<Uint8Array>> {
  if (source === '-') return process.stdin
  if (/^https?:\/\//.test(source)) {
    const answer = await fetch(source).catch((e: unknown) => {
      throw new DockError(`${source}: ${e instanceof Error ? e.message : e}`)
    })
    if (!answer.ok || answer.body === null) throw new DockError(`${source}: ${answer.status} ${answer.statusText}`)
    return Readable.fromWeb(answer.body as never) as AsyncIterable<Uint8Array>
  }
  await stat(source).catch((e: NodeJS.ErrnoException) => {
    throw new DockError(`open ${source}: ${e.code === 'ENOENT' ? 'no such file or directory' : e.code}`)
  })
  return createReadStream(source, { highWaterMark: 1 << 18 })
}

/** `tsdock import` */
export async function runImport({ positionals, text, list, storage: place }: CommandInvocation): Promise<number> {
  const [source = '', name] = positionals
  const full = name === undefined ? undefined : referenceText(withDefaultTag(parseReference(name)))
  const storage = await openStorage(storageDirectory(place))
  try {
    const id = await importImage(storage, await open(source), {
      name: full,
      message: text('message') ?? (source === '-' ? '' : `Imported from ${source}`),
      changes: list('change'),
      platform: wantedPlatform(text('platform')),
      now: Date.now(),
    })
    process.stdout.write(`${id}\n`)
    return 0
  } finally {
    await storage.release()
  }
}
