// SPDX-License-Identifier: Apache-2.0
// An image as an OCI bundle that any runtime takes: a plain copy of its files, and a config.json (image-spec conversion.md).

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageConfig } from '../../spec/image/documents.ts'
import { copyEntries } from '../build/copy-plan.ts'
import type { ImageState } from '../build/image-state.ts'
import { lowerOf, type Stores, unpacking } from '../build/snapshot.ts'
import { DockError } from '../error.ts'
import { apply, read, remove, walk } from '../host/files.ts'
import { decodeEntries, encodeEnd, encodeEntry } from '../layers/frame.ts'
import { makeScratch } from '../layers/unpacked.ts'
import { containerSpec, type HostFacts } from './container-spec.ts'
import { optionalFile, resolveUser } from './users.ts'

export interface BundleRequest {
  readonly directory: string
  readonly state: ImageState
  readonly config: ImageConfig
  readonly host: HostFacts
  /** In the place of CMD. */
  readonly command: readonly string[]
  readonly user: string | undefined
}

/** Annotations that the conversion rules ask for; labels of the image come first, so that they cannot replace any. */
function annotationsOf(config: ImageConfig): Readonly<Record<string, string>> {
  const run = config.config
  const fixed: Record<string, string | undefined> = {
    'org.opencontainers.image.os': config.os,
    'org.opencontainers.image.architecture': config.architecture,
    'org.opencontainers.image.variant': config.variant,
    'org.opencontainers.image.author': config.author,
    'org.opencontainers.image.created': config.created,
    'org.opencontainers.image.stopSignal': run?.StopSignal,
    'org.opencontainers.image.exposedPorts':
      run?.ExposedPorts === undefined ? undefined : Object.keys(run.ExposedPorts).join(','),
  }
  // Labels of an image never select what a runtime does: those that runtimes act on are left out.
  const labels = Object.entries(run?.Labels ?? {}).filter(
    ([key]) => !/^(run\.oci\.|org\.criu\.|org\.systemd\.property\.|module\.wasm\.|krun\.)/.test(key),
  )
  return Object.fromEntries([
    ...labels,
    ...Object.entries(fixed).filter((entry): entry is [string, string] => entry[1] !== undefined),
  ])
}

/** The files of an image in an empty directory: copied from where its layers are unpacked, or unpacked right there. */
async function fillRoot(stores: Stores, state: ImageState, rootfs: string): Promise<void> {
  const { layers, options } = unpacking(stores, state)
  if (!(await stores.layers.hasAll(layers))) return stores.layers.unpackInto(rootfs, layers, options)
  const lower = await lowerOf(stores, state)
  const target = await makeScratch(stores.scratch)
  const second = await makeScratch(stores.scratch)
  try {
    const overlays = [{ target, lower: [...lower, second] }]
    const found = decodeEntries(await walk(target, '', { ...stores.files, overlays }))
    const plan = found.map((entry) => ({ path: entry.path, target: entry.path, entry }))
    await apply(
      rootfs,
      async (write) => {
        for (const entry of copyEntries(plan, { owner: undefined, mode: undefined, seconds: undefined, keepTop: true }))
          await write(encodeEntry(entry))
        await write(encodeEnd())
      },
      { ...stores.files, source: target, overlays },
    )
  } finally {
    await Promise.all([remove(target), remove(second)])
  }
}

/** Errors: DockError; what it has made is gone then. */
export async function writeBundle(stores: Stores, request: BundleRequest): Promise<void> {
  const { directory, state, config, host } = request
  const run = config.config ?? {}
  const args = [...(run.Entrypoint ?? []), ...(request.command.length > 0 ? request.command : (run.Cmd ?? []))]
  if (args.length === 0) throw new DockError('no command specified: the image has neither ENTRYPOINT nor CMD')
  const rootfs = join(directory, 'rootfs')
  const first = await mkdir(directory, { recursive: true })
  await mkdir(rootfs, { mode: 0o755 }).catch((e: NodeJS.ErrnoException) => {
    throw new DockError(`${rootfs}: ${e.code === 'EEXIST' ? 'it is there already' : e.code}`)
  })
  try {
    await fillRoot(stores, state, rootfs)
    const { user } = await resolveUser(
      request.user ?? run.User ?? '',
      optionalFile((path) => read(rootfs, path, stores.files)),
    )
    const mounts = Object.keys(run.Volumes ?? {}).map((destination) => ({
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'nodev', 'mode=755', 'tmpcopyup'],
    }))
    const spec = containerSpec(
      run,
      { args, user, rootfs: 'rootfs', network: 'none', mounts, hostname: 'tsdock', annotations: annotationsOf(config) },
      host,
    )
    await writeFile(join(directory, 'config.json'), `${JSON.stringify(spec, undefined, 2)}\n`)
  } catch (e: unknown) {
    // What went wrong first is what matters.
    await remove(first ?? rootfs).catch(() => undefined)
    throw e
  }
}
