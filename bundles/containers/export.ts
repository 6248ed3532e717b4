// SPDX-License-Identifier: Apache-2.0
import type { Readable } from 'node:stream'
import { pack } from '../host/files.ts'
import type { Storage } from '../storage.ts'
import type { Container } from './container-store.ts'
import { recordEvent } from './events.ts'
import { openBareTree } from './container-tree.ts'

/** Writes all files of a container, without those of its volumes, as a tar. Errors: DockError. */
export async function exportContainer(
  storage: Storage,
  container: Container,
  output: (out: Readable) => Promise<void>,
): Promise<void> {
  const tree = await openBareTree(storage, container)
  try {
    await pack(tree.directory, output, { ...tree.options, plain: true })
    await recordEvent(storage, container.record, 'export')
  } finally {
    await tree.release()
  }
}
