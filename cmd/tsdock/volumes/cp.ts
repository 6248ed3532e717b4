// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import {
  type CopyOptions,
  copyFromContainer,
  copyStreamTo,
  copyToContainer,
  copyToStream,
} from '../../../bundles/containers/copy.ts'
import { splitCopyArgument } from '../../../bundles/containers/copy-paths.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { sizeText } from '../table.ts'

interface End {
  readonly container: string
  readonly path: string
}

async function fromContainer(storage: Storage, from: End, to: string, options: CopyOptions): Promise<string> {
  const container = await storage.containers.find(from.container)
  if (to === '-') {
    await copyToStream(storage, container, from.path, (out) => pipeline(out, process.stdout, { end: false }), options)
    return ''
  }
  const bytes = await copyFromContainer(storage, container, from.path, to, options)
  return `Successfully copied ${sizeText(bytes)} to ${resolve(to)}\n`
}

async function toContainer(storage: Storage, from: string, to: End, options: CopyOptions): Promise<string> {
  const container = await storage.containers.find(to.container)
  if (from === '-') {
    await copyStreamTo(storage, container, process.stdin as AsyncIterable<Uint8Array>, to.path)
    return ''
  }
  const bytes = await copyToContainer(storage, container, from, to.path, options)
  return `Successfully copied ${sizeText(bytes)} to ${to.container}:${to.path}\n`
}

/** `tsdock cp` */
export async function runCopy({ positionals, isSet, storage: place }: CommandInvocation): Promise<number> {
  const [source = '', destination = ''] = positionals
  if (source === '') throw new DockError('source can not be empty')
  if (destination === '') throw new DockError('destination can not be empty')
  const [from, to] = [splitCopyArgument(source), splitCopyArgument(destination)]
  if (from.container !== undefined && to.container !== undefined) {
    throw new DockError('copying between containers is not supported')
  }
  const options = { archive: isSet('archive'), follow: isSet('follow-link') }
  const storage = await openStorage(storageDirectory(place))
  try {
    let said: string
    if (from.container !== undefined) {
      said = await fromContainer(storage, { container: from.container, path: from.path }, to.path, options)
    } else if (to.container !== undefined) {
      said = await toContainer(storage, from.path, { container: to.container, path: to.path }, options)
    } else throw new DockError('must specify at least one container source')
    // As docker: a script hears nothing.
    if (!isSet('quiet') && process.stdout.isTTY === true) process.stderr.write(said)
    return 0
  } finally {
    await storage.release()
  }
}
