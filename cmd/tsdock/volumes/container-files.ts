// SPDX-License-Identifier: Apache-2.0
// `diff`, `export` and `commit`.

import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { hasCgroups } from '../../../bundles/containers/runtime.ts'
import { commitContainer } from '../../../bundles/containers/commit.ts'
import type { Container } from '../../../bundles/containers/container-store.ts'
import { containerDiff } from '../../../bundles/containers/diff.ts'
import { exportContainer } from '../../../bundles/containers/export.ts'
import { DockError } from '../../../bundles/error.ts'
import { parseReference, referenceText, withDefaultTag } from '../../../bundles/images/reference.ts'
import { openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'

async function withContainer(
  { positionals, storage: place }: CommandInvocation,
  job: (storage: Storage, container: Container) => Promise<void>,
): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  try {
    await job(storage, await storage.containers.find(positionals[0] ?? ''))
    return 0
  } finally {
    await storage.release()
  }
}

/** `tsdock diff` */
export function runDiff(invocation: CommandInvocation): Promise<number> {
  return withContainer(invocation, async (storage, container) => {
    const changes = await containerDiff(storage, container)
    process.stdout.write(changes.map(({ kind, path }) => `${kind} ${path}\n`).join(''))
  })
}

/** `tsdock export` */
export function runExport(invocation: CommandInvocation): Promise<number> {
  const file = invocation.text('output') ?? ''
  if (file === '' && process.stdout.isTTY === true) {
    throw new DockError('cowardly refusing to save to a terminal. Use the -o flag or redirect')
  }
  return withContainer(invocation, async (storage, container) => {
    if (file === '') {
      await exportContainer(storage, container, (out) => pipeline(out, process.stdout, { end: false }))
      return
    }
    try {
      await exportContainer(storage, container, (out) => pipeline(out, createWriteStream(file, { mode: 0o600 })))
    } catch (e: unknown) {
      await rm(file, { force: true })
      throw e
    }
  })
}

/** `tsdock commit` */
export function runCommit(invocation: CommandInvocation): Promise<number> {
  const { positionals, text, list, isSet, isGiven } = invocation
  const [, name] = positionals
  const reference = name === undefined || name === '' ? undefined : withDefaultTag(parseReference(name))
  if (reference?.digest !== undefined) throw new DockError('refusing to create a tag with a digest reference')
  return withContainer(invocation, async (storage, container) => {
    const id = await commitContainer(storage, container, {
      name: reference === undefined ? undefined : referenceText(reference),
      message: text('message') ?? '',
      author: text('author') ?? '',
      changes: list('change'),
      // A user's container may not be able to stand still: only who asks for it is refused.
      pause: isGiven('pause') ? isSet('pause') : !isSet('no-pause') && hasCgroups(storage),
      now: Date.now(),
    })
    process.stdout.write(`${id}\n`)
  })
}
