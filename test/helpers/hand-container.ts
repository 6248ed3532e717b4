// SPDX-License-Identifier: Apache-2.0
// Containers that are made by hand in a storage, so that what works on them is tested alone.

import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { stateOf } from '../../bundles/build/image-state.ts'
import { initLayerOf, lowerOf } from '../../bundles/build/snapshot.ts'
import { containerSpec } from '../../bundles/containers/container-spec.ts'
import { processStart } from '../../bundles/containers/container-store.ts'
import { type ContainerRecord, type HostConfig, neverStarted } from '../../bundles/containers/record.ts'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { findImage, openImage, openStorage, runtimeDirectoryOf, type Storage } from '../../bundles/storage.ts'
import type { MountRequest, VolumesFrom } from '../../bundles/volumes/mount-request.ts'
import { ociMounts, rootPropagation } from '../../bundles/volumes/oci-mounts.ts'
import { prepareMounts, unprepareMounts } from '../../bundles/volumes/prepare.ts'
import { resolveMounts } from '../../bundles/volumes/resolve.ts'
import { type Dock, runProgram } from './tsdock.ts'
import { projectDir } from './work-dir.ts'

const tsrun = join(projectDir, 'dist/bin/tsrun')

export interface HandOptions {
  readonly image?: string
  readonly requests?: readonly MountRequest[]
  readonly volumesFrom?: readonly VolumesFrom[]
  readonly readonlyRootfs?: boolean
  readonly env?: readonly string[]
}

const volumesOf = (mounts: ContainerRecord['mounts']): readonly string[] =>
  mounts.flatMap(({ Type, Source }) => (Type === 'volume' ? [Source] : []))

let number = 0

/** Those that run. A test that fails in the middle must not leave them. */
const started = new Map<
  string,
  { readonly state: string; readonly merged: string; readonly volumes: readonly string[] }
>()

// Before the work directory is removed.
process.prependListener('exit', () => {
  for (const [id, { state, merged, volumes }] of started) {
    spawnSync(tsrun, ['--root', state, 'delete', '--force', id], { stdio: 'ignore' })
    for (const path of [merged, ...volumes]) spawnSync('umount', ['--lazy', path], { stdio: 'ignore' })
  }
})

/** For the time of a function. */
export async function withStorage<T>(dock: Dock, job: (storage: Storage) => Promise<T>): Promise<T> {
  const storage = await openStorage(dock.storage)
  try {
    return await job(storage)
  } finally {
    await storage.release()
  }
}

/** A container that has never been started. */
export class HandContainer {
  readonly record: ContainerRecord
  readonly #dock: Dock

  private constructor(dock: Dock, record: ContainerRecord) {
    this.#dock = dock
    this.record = record
  }

  static create(dock: Dock, options: HandOptions = {}): Promise<HandContainer> {
    return withStorage(dock, async (storage) => {
      const name = options.image ?? 'localhost/base'
      const found = await findImage(storage.images, name)
      if (found === undefined) throw new Error(`no image ${name}`)
      const image = await openImage(storage.images, found.descriptor, hostPlatform(), name)
      const layers = await lowerOf(storage.stores, stateOf(image.manifest, image.config, undefined))
      const lower = [await initLayerOf(storage.stores, layers), ...layers]
      const id = await storage.containers.open()
      const run = image.config.config ?? {}
      const { mountPoints } = await resolveMounts(storage, {
        id,
        requests: options.requests ?? [],
        imageVolumes: Object.keys(run.Volumes ?? {}),
        volumesFrom: options.volumesFrom ?? [],
        lower,
      })
      for (const directory of ['diff', 'work', 'merged'])
        mkdirSync(storage.containers.path(id, directory), { mode: 0o755 })
      const record: ContainerRecord = {
        id,
        name: `hand-${++number}`,
        created: new Date().toISOString(),
        image: { id: image.id, manifest: image.descriptor, platform: 'linux' },
        args: ['/bin/sleep', '1000'],
        config: {
          ...run,
          Env: [...(run.Env ?? []), ...(options.env ?? [])],
          Hostname: 'hand',
          Domainname: '',
          Image: name,
          Tty: false,
          OpenStdin: false,
          StdinOnce: false,
          AttachStdin: false,
          AttachStdout: false,
          AttachStderr: false,
        },
        hostConfig: {
          Tmpfs: {},
          Runtime: '',
          ReadonlyRootfs: options.readonlyRootfs === true,
        } as unknown as HostConfig,
        user: { uid: 0, gid: 0 },
        lower,
        mounts: mountPoints,
        networks: {},
      }
      await storage.containers.write(record)
      await storage.containers.takeName(record.name, id)
      return new HandContainer(dock, record)
    })
  }

  get name(): string {
    return this.record.name
  }

  /** Runs a program (default: sleep) in it until `stop`. */
  start(...args: readonly string[]): Promise<void> {
    return withStorage(this.#dock, async (storage) => {
      const { id, lower, mounts } = this.record
      const path = (name: string): string => storage.containers.path(id, name)
      await prepareMounts(storage, this.record)
      const options = `lowerdir=${lower.join(':')},upperdir=${path('diff')},workdir=${path('work')}`
      const mounted = spawnSync('mount', [
        '-t',
        'overlay',
        '-o',
        `${options},redirect_dir=off,metacopy=off`,
        'overlay',
        path('merged'),
      ])
      if (mounted.status !== 0) throw new Error(mounted.stderr.toString())
      const spec = containerSpec(
        this.record.config,
        {
          args: args.length > 0 ? args : this.record.args,
          user: { uid: 0, gid: 0 },
          rootfs: path('merged'),
          network: 'none',
          mounts: ociMounts(mounts, { directory: path(''), kernel: release() }),
        },
        storage.host,
      )
      const propagation = rootPropagation(mounts)
      const linux = propagation === undefined ? spec.linux : { ...spec.linux, rootfsPropagation: propagation }
      writeFileSync(path('config.json'), JSON.stringify({ ...spec, linux }))
      const log = openSync(path('log'), 'a')
      mkdirSync(join(storage.runtimeDirectory, 'state'), { recursive: true })
      const state = join(storage.runtimeDirectory, 'state')
      started.set(id, { state, merged: path('merged'), volumes: volumesOf(mounts) })
      const flags = ['--root', state, 'run', '-d', '--bundle', path(''), '--pid-file', path('pid'), id]
      const ran = spawnSync(tsrun, flags, { stdio: ['ignore', log, log] })
      closeSync(log)
      if (ran.status !== 0) throw new Error(readFileSync(path('log'), 'utf8'))
      const pid = Number(readFileSync(path('pid'), 'utf8'))
      const pidStart = (await processStart(pid)) ?? 0
      const startedAt = new Date().toISOString()
      await storage.containers.writeState(id, { ...neverStarted, status: 'running', pid, pidStart, startedAt })
    })
  }

  get stateRoot(): string {
    return join(runtimeDirectoryOf(this.#dock.storage), 'state')
  }

  /** What a command in it prints. */
  exec(...args: readonly string[]): {
    readonly status: number | null
    readonly stdout: string
    readonly stderr: string
  } {
    return runProgram(tsrun, [
      '--root',
      join(runtimeDirectoryOf(this.#dock.storage), 'state'),
      'exec',
      this.record.id,
      ...args,
    ])
  }

  stop(): Promise<void> {
    return withStorage(this.#dock, async (storage) => {
      const { id } = this.record
      spawnSync(tsrun, ['--root', join(storage.runtimeDirectory, 'state'), 'delete', '--force', id], {
        stdio: 'ignore',
      })
      spawnSync('umount', [storage.containers.path(id, 'merged')], { stdio: 'ignore' })
      await storage.containers.writeState(id, {
        ...neverStarted,
        status: 'exited',
        startedAt: new Date().toISOString(),
      })
      await unprepareMounts(storage, this.record)
      started.delete(id)
    })
  }
}
