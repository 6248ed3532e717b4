// SPDX-License-Identifier: Apache-2.0
// Layers as directories, unpacked once for all images and containers: `<chain id>/diff`, which overlay takes as it is.

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DockError } from '../error.ts'
import { remove } from '../host/files.ts'
import { digestPattern } from '../images/reference.ts'
import { applyLayer, type Limits } from './apply.ts'
import { chainIds } from './chain.ts'

/** One layer to be unpacked. */
export interface LayerSource {
  readonly diffId: string
  readonly open: () => AsyncIterable<Uint8Array>
}

export interface UnpackOptions {
  readonly limits?: Limits | undefined
  readonly unprivileged?: boolean | undefined
  /** Told before a layer is unpacked. */
  readonly onLayer?: ((index: number) => void) | undefined
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** A new directory below `parent`, with a name that nobody has. */
export async function makeScratch(parent: string): Promise<string> {
  const path = join(parent, `.new-${randomBytes(10).toString('hex')}`)
  await mkdir(path, { recursive: true, mode: 0o700 })
  return path
}

/** Errors: DockError, also when it is not the layer that the image names. */
async function applyChecked(
  directory: string,
  { diffId, open }: LayerSource,
  options: Parameters<typeof applyLayer>[2],
): Promise<void> {
  const found = (await applyLayer(directory, open(), options)).diffId
  if (found !== diffId) throw new DockError(`a layer has the digest ${found} where the image says ${diffId}`)
}

export class LayerStore {
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  /** Errors: it is no digest, and might lead elsewhere. */
  path(chainId: string): string {
    if (!digestPattern.test(chainId)) throw new DockError(`the digest ${JSON.stringify(chainId)} of a layer`)
    return join(this.directory, chainId.replace(/^sha256:/, ''), 'diff')
  }

  async has(chainId: string): Promise<boolean> {
    return exists(this.path(chainId))
  }

  /**
   * Directories of a stack of layers (the lowest first), unpacked where they are missing. A layer appears under its name
   * when it is whole. Errors: DockError; nothing of a failed layer stays.
   */
  async ensure(layers: readonly LayerSource[], options: UnpackOptions = {}): Promise<readonly string[]> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
    const ids = chainIds(layers.map((layer) => layer.diffId))
    for (const [i, layer] of layers.entries()) {
      const id = ids[i] ?? ''
      if (await this.has(id)) continue
      options.onLayer?.(i)
      const scratch = await makeScratch(this.directory)
      try {
        const diff = join(scratch, 'diff')
        await mkdir(diff, { mode: 0o755 })
        const below = ids.slice(0, i).map((one) => this.path(one))
        await applyChecked(diff, layer, { ...options, below: below.toReversed() })
        await this.adopt(scratch, id)
      } catch (e: unknown) {
        // What went wrong first is what matters.
        await remove(scratch).catch(() => undefined)
        throw e
      }
    }
    return ids.map((id) => this.path(id))
  }

  /** Whether a whole stack of layers is there. */
  async hasAll(layers: readonly LayerSource[]): Promise<boolean> {
    const found = await Promise.all(chainIds(layers.map(({ diffId }) => diffId)).map((id) => this.has(id)))
    return !found.includes(false)
  }

  /**
   * Unpacks a stack of layers into one empty directory, and none of them here: what is wanted once need not be written
   * twice. Errors: DockError; what was made stays, and is the caller's to remove.
   */
  async unpackInto(directory: string, layers: readonly LayerSource[], options: UnpackOptions = {}): Promise<void> {
    for (const [i, layer] of layers.entries()) {
      options.onLayer?.(i)
      await applyChecked(directory, layer, { ...options, flat: true })
    }
  }

  /** Gives a finished directory (with `diff` in it) its name; one that is there already wins. */
  async adopt(scratch: string, chainId: string): Promise<void> {
    const target = dirname(this.path(chainId))
    try {
      await rename(scratch, target)
    } catch (e: unknown) {
      const code = (e as NodeJS.ErrnoException).code
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw e
      await remove(scratch)
    }
  }

  /** Chain ids of what is there, and names of what a killed process left. */
  async list(): Promise<{ readonly chainIds: readonly string[]; readonly scratch: readonly string[] }> {
    const names = await readdir(this.directory).catch(() => [] as string[])
    return {
      chainIds: names.filter((name) => /^[a-f0-9]{64}$/.test(name)).map((name) => `sha256:${name}`),
      scratch: names.filter((name) => name.startsWith('.new-')).map((name) => join(this.directory, name)),
    }
  }
}
