// SPDX-License-Identifier: Apache-2.0
// Volumes as directories: `volumes/<name>/_data` with what is in it, `volume.json` with what is known of it.

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ContainerStore } from '../containers/container-store.ts'
import { appendEvent } from '../containers/events.ts'
import { DockError } from '../error.ts'
import { remove } from '../host/files.ts'
import { lock } from '../host/lock.ts'
import { makeScratch } from '../layers/unpacked.ts'
import { checkDriver } from './local-driver.ts'

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/
/** What tells a volume that was made for one container. */
const ANONYMOUS = 'com.docker.volume.anonymous'

/** As `volume inspect` shows it. */
export interface Volume {
  /** RFC 3339. */
  readonly CreatedAt: string
  readonly Driver: 'local'
  readonly Labels: Readonly<Record<string, string>> | null
  readonly Mountpoint: string
  readonly Name: string
  readonly Options: Readonly<Record<string, string>> | null
  readonly Scope: 'local'
}

export interface VolumeRequest {
  /** '' : one of 64 hexadecimal digits, for a container alone. */
  readonly name: string
  readonly driver?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly options?: Readonly<Record<string, string>>
}

export const isAnonymous = (volume: Volume): boolean =>
  volume.Labels !== null && Object.hasOwn(volume.Labels, ANONYMOUS)

const codeOf = (e: unknown): string | undefined => (e as NodeJS.ErrnoException).code

/** Errors: DockError, with Docker's words. */
export function checkVolumeName(name: string): void {
  if (name.length === 1) {
    throw new DockError('volume name is too short, names should be at least two alphanumeric characters')
  }
  if (!namePattern.test(name)) {
    throw new DockError(
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    )
  }
  if (Buffer.byteLength(name) > 255) throw new DockError(`create ${name}: the name is longer than 255 bytes`)
}

interface Stored {
  readonly CreatedAt: string
  readonly Labels: Readonly<Record<string, string>> | null
  readonly Options: Readonly<Record<string, string>> | null
}

export class Volumes {
  readonly directory: string
  readonly #containers: ContainerStore

  constructor(storage: string, containers: ContainerStore) {
    this.directory = join(storage, 'volumes')
    this.#containers = containers
  }

  path(name: string, ...parts: readonly string[]): string {
    checkVolumeName(name)
    return join(this.directory, name, ...parts)
  }

  /** Held by whoever makes or removes volumes, or says that a container has one. */
  async #exclusive<T>(job: () => Promise<T>): Promise<T> {
    await mkdir(this.directory, { recursive: true, mode: 0o711 })
    const held = await lock(join(this.directory, '.lock'), 'exclusive')
    try {
      return await job()
    } finally {
      await held.release()
    }
  }

  /** Held by whoever fills a volume, or mounts what it stands for. */
  lock(name: string): Promise<{ release(): Promise<void> }> {
    return lock(this.path(name, 'lock'), 'exclusive')
  }

  /**
   * Makes a volume; one that is there is taken as it is. user: the id of a container that is to have it.
   * Errors: DockError.
   */
  async create(request: VolumeRequest, user?: string): Promise<{ readonly volume: Volume; readonly made: boolean }> {
    const driver = request.driver ?? ''
    const name = request.name === '' ? randomBytes(32).toString('hex') : request.name
    checkDriver(driver === '' ? 'local' : driver, request.options ?? {})
    const path = this.path(name)
    return this.#exclusive(async () => {
      const there = await this.find(name)
      if (there === undefined) {
        await this.#make(path, request)
        await this.#tell('create', name)
      }
      if (user !== undefined) await writeFile(join(path, 'users', user), '', { mode: 0o600 })
      return { volume: await this.inspect(name), made: there === undefined }
    })
  }

  async #make(path: string, { name, labels, options }: VolumeRequest): Promise<void> {
    const all = { ...labels, ...(name === '' ? { [ANONYMOUS]: '' } : {}) }
    const stored: Stored = {
      CreatedAt: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      Labels: Object.keys(all).length === 0 ? null : all,
      Options: options === undefined || Object.keys(options).length === 0 ? null : options,
    }
    const scratch = await makeScratch(this.directory)
    try {
      await Promise.all([mkdir(join(scratch, '_data'), { mode: 0o755 }), mkdir(join(scratch, 'users'))])
      await writeFile(join(scratch, 'volume.json'), `${JSON.stringify(stored)}\n`, { mode: 0o600 })
      // What has the name and is no volume is what a removal left that was cut off.
      await remove(path)
      await rename(scratch, path)
    } catch (e: unknown) {
      await remove(scratch).catch(() => undefined)
      throw e
    }
  }

  /** Undefined: there is none. */
  async find(name: string): Promise<Volume | undefined> {
    if (!namePattern.test(name)) return undefined
    const path = join(this.directory, name)
    let stored: Stored
    try {
      stored = JSON.parse(await readFile(join(path, 'volume.json'), 'utf8')) as Stored
    } catch (e: unknown) {
      if (codeOf(e) === 'ENOENT' || codeOf(e) === 'ENOTDIR') return undefined
      if (e instanceof SyntaxError) throw new DockError(`${join(path, 'volume.json')}: it is damaged: ${e.message}`)
      throw e
    }
    return {
      CreatedAt: stored.CreatedAt,
      Driver: 'local',
      Labels: stored.Labels,
      Mountpoint: join(path, '_data'),
      Name: name,
      Options: stored.Options,
      Scope: 'local',
    }
  }

  /** Errors: DockError, with Docker's words, when there is none. */
  async inspect(name: string): Promise<Volume> {
    const volume = await this.find(name)
    if (volume === undefined) throw new DockError(`get ${name}: no such volume`)
    return volume
  }

  /** All, in the order of their names. */
  async list(): Promise<readonly Volume[]> {
    const names = await readdir(this.directory).catch(() => [] as string[])
    const found = await Promise.all(names.sort().map((name) => this.find(name)))
    return found.filter((one) => one !== undefined)
  }

  /** Ids of the containers that have each volume: by their records, or since they are being made. */
  async users(): Promise<ReadonlyMap<string, readonly string[]>> {
    const users = new Map<string, Set<string>>()
    const add = (name: string, id: string): void => {
      const known = users.get(name)
      if (known === undefined) users.set(name, new Set([id]))
      else known.add(id)
    }
    for (const { record } of await this.#containers.list()) {
      for (const { Type, Name } of record.mounts) if (Type === 'volume' && Name !== undefined) add(Name, record.id)
    }
    for (const name of await readdir(this.directory).catch(() => [] as string[])) {
      for (const id of await readdir(join(this.directory, name, 'users')).catch(() => [] as string[])) {
        // Written before there is a record. Without the directory, it is what a container that has gone left.
        if (await isThere(this.#containers.path(id))) add(name, id)
      }
    }
    return new Map([...users].map(([name, ids]) => [name, [...ids].sort()]))
  }

  async usedBy(name: string): Promise<readonly string[]> {
    return (await this.users()).get(name) ?? []
  }

  /** Errors: DockError, with Docker's words, when there is none, or a container has it. */
  async remove(name: string): Promise<void> {
    await this.#exclusive(async () => {
      await this.inspect(name)
      const users = await this.usedBy(name)
      if (users.length > 0) throw new DockError(`remove ${name}: volume is in use - [${users.join(', ')}]`)
      // Without it, it is no volume: a removal that is cut off can be taken up again.
      await rm(this.path(name, 'volume.json'), { force: true })
      await remove(this.path(name))
      await this.#tell('destroy', name)
    })
  }

  #tell(action: string, name: string): Promise<void> {
    const actor = { ID: name, Attributes: { driver: 'local' } }
    return appendEvent({ directory: dirname(this.directory) }, { Type: 'volume', Action: action, Actor: actor })
  }

  /** A container has it no more. */
  async release(name: string, user: string): Promise<void> {
    await rm(this.path(name, 'users', user), { force: true })
  }

  /** What killed processes left: nothing of it is a volume. */
  async removeLeftovers(): Promise<readonly string[]> {
    return this.#exclusive(async () => {
      const removed: string[] = []
      for (const name of await readdir(this.directory)) {
        const path = join(this.directory, name)
        if (name === '.lock' || (await isThere(join(path, 'volume.json')))) continue
        await remove(path)
        removed.push(path)
      }
      return removed
    })
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
