// SPDX-License-Identifier: Apache-2.0
// What a new container has mounted: requests, volumes of other containers, and those that its image asks for.

import { mkdir, readFile, realpath, stat } from 'node:fs/promises'
import type { ContainerRecord, MountPoint } from '../containers/record.ts'
import { cleanPath } from '../dockerfile/go-path.ts'
import { DockError, messageOf } from '../error.ts'
import type { Storage } from '../storage.ts'
import {
  checkDuplicates,
  checkTarget,
  type MountRequest,
  plainRequest,
  type VolumesFrom,
  wrongMount,
} from './mount-request.ts'
import { mountOf, parseMountTable } from './mount-table.ts'
import { populate } from './populate.ts'

export interface MountsWanted {
  /** Of the container; its directory is there. */
  readonly id: string
  /** Of `-v`, `--mount` and `--tmpfs`. */
  readonly requests: readonly MountRequest[]
  /** Paths of VOLUME. */
  readonly imageVolumes: readonly string[]
  readonly volumesFrom: readonly VolumesFrom[]
  /** The container's layers, the highest first: new volumes are filled from them. */
  readonly lower: readonly string[]
}

export interface ResolvedMounts {
  readonly mountPoints: readonly MountPoint[]
  /** Names of the volumes that were made. */
  readonly created: readonly string[]
}

/** Errors: DockError, with Docker's words, when the host has no such path, and it is not to be made. */
export async function checkBindSource(source: string, create: boolean): Promise<void> {
  try {
    await stat(source)
    return
  } catch (e: unknown) {
    const { code } = e as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw wrongMount(`invalid mount config for type "bind": stat ${source}: ${code}`)
  }
  if (!create) throw wrongMount(`invalid mount config for type "bind": bind source path does not exist: ${source}`)
  await mkdir(source, { recursive: true, mode: 0o755 }).catch((e: NodeJS.ErrnoException) => {
    throw wrongMount(`error while creating mount source path '${source}': mkdir ${source}: ${e.code}`)
  })
}

/** What is to be seen on both sides must lie on a mount that is shared. Errors: DockError, with Docker's words. */
export async function checkPropagation({ Source, Propagation }: MountPoint): Promise<void> {
  const shared = /^r?shared$/.test(Propagation)
  if (!shared && !/^r?slave$/.test(Propagation)) return
  const mount = mountOf(parseMountTable(await readFile('/proc/self/mountinfo', 'utf8')), await realpath(Source))
  if (mount?.shared === true || (!shared && mount?.slave === true)) return
  const kind = shared ? 'a shared' : 'a shared or slave'
  throw wrongMount(`path ${Source} is mounted on ${mount?.path ?? '?'} but it is not ${kind} mount`)
}

const detailsOf = ({ details }: MountRequest): Pick<MountPoint, 'Details'> =>
  Object.keys(details).length === 0 ? {} : { Details: details }

async function bindPoint(request: MountRequest): Promise<MountPoint> {
  await checkBindSource(request.source, request.details.CreateSource === true)
  const point: MountPoint = {
    Type: 'bind',
    Source: request.source,
    Destination: request.target,
    Mode: request.mode,
    RW: !request.readonly,
    Propagation: request.propagation === '' ? 'rprivate' : request.propagation,
    ...detailsOf(request),
  }
  await checkPropagation(point)
  return point
}

const tmpfsPoint = (request: MountRequest): MountPoint => ({
  Type: 'tmpfs',
  Source: '',
  Destination: request.target,
  Mode: request.mode,
  RW: !request.readonly,
  Propagation: '',
  ...detailsOf(request),
})

/** Takes care of one container's mounts; what it made can be taken back. */
class Resolver {
  readonly points = new Map<string, MountPoint>()
  readonly created: string[] = []
  readonly #storage: Storage
  readonly #wanted: MountsWanted

  constructor(storage: Storage, wanted: MountsWanted) {
    this.#storage = storage
    this.#wanted = wanted
  }

  async add(request: MountRequest): Promise<void> {
    const { target } = request
    if (request.weak && this.points.has(target)) return
    if (request.type === 'bind') this.points.set(target, await bindPoint(request))
    else if (request.type === 'tmpfs') this.points.set(target, tmpfsPoint(request))
    else this.points.set(target, await this.#volumePoint(request))
  }

  async #volumePoint(request: MountRequest): Promise<MountPoint> {
    const { source, target, labels, driver, driverOptions } = request
    const { volumes, stores } = this.#storage
    const { id, lower } = this.#wanted
    const { volume, made } = await volumes.create({ name: source, driver, labels, options: driverOptions }, id)
    const { Name, Mountpoint } = volume
    if (made) this.created.push(Name)
    // What is mounted for a volume with options is filled when it is there.
    if (request.details.NoCopy !== true && volume.Options === null && (request.details.Subpath ?? '') === '')
      await populate(volumes, Name, target, { lower, scratch: stores.scratch, files: stores.files })
    return {
      Type: 'volume',
      Name,
      Source: Mountpoint,
      Destination: target,
      Driver: volume.Driver,
      Mode: request.mode === '' && source !== '' ? 'z' : request.mode,
      RW: !request.readonly,
      Propagation: '',
      ...(source === '' ? { Anonymous: true } : {}),
      ...detailsOf(request),
    }
  }

  /** The mounts of another container, but for those of `--tmpfs`. Its volumes are not filled again. */
  async addFrom({ container, readonly }: VolumesFrom): Promise<void> {
    const { record } = await this.#storage.containers.find(container).catch((e: unknown) => {
      throw wrongMount(messageOf(e))
    })
    for (const point of record.mounts) {
      if (Object.hasOwn(record.hostConfig.Tmpfs, point.Destination)) continue
      const { Name, Details } = point
      if (Name !== undefined) await this.#storage.volumes.create({ name: Name }, this.#wanted.id)
      this.points.set(point.Destination, {
        ...point,
        Mode: '',
        RW: point.RW && !readonly,
        ...(point.Type === 'volume' ? { Details: { ...Details, NoCopy: true } } : {}),
      })
    }
  }
}

/**
 * Makes volumes and missing host directories, and fills new volumes from the image. Errors: DockError; volumes without a name
 * of the user's that were made for it are gone then.
 */
export async function resolveMounts(storage: Storage, wanted: MountsWanted): Promise<ResolvedMounts> {
  const own = wanted.requests
  checkDuplicates(own)
  // The image is not to be trusted: its paths are those of the container, however they climb.
  const fromImage = wanted.imageVolumes.map(
    (path): MountRequest => ({
      ...plainRequest,
      type: 'volume',
      source: '',
      target: checkTarget(cleanPath(`/${path}`)),
      weak: true,
    }),
  )
  const resolver = new Resolver(storage, wanted)
  try {
    for (const from of wanted.volumesFrom) await resolver.addFrom(from)
    for (const request of [...own.filter(({ weak }) => !weak), ...own.filter(({ weak }) => weak), ...fromImage])
      await resolver.add(request)
  } catch (e: unknown) {
    await forgetMounts(storage, wanted.id, [...resolver.points.values()], resolver.created)
    throw e instanceof DockError && e.exitCode !== 125 ? new DockError(e.message, { exitCode: 125, cause: e }) : e
  }
  return { mountPoints: [...resolver.points.values()], created: resolver.created }
}

/** A container was not made after all: what its mounts needed goes, but for volumes with a name of the user's. */
export async function forgetMounts(
  storage: Storage,
  id: string,
  points: readonly MountPoint[],
  created: readonly string[],
): Promise<void> {
  const names = new Set([...created, ...points.flatMap(({ Name }) => (Name === undefined ? [] : [Name]))])
  for (const name of names) await storage.volumes.release(name, id)
  for (const name of created) {
    if ((await storage.volumes.find(name))?.Labels?.['com.docker.volume.anonymous'] === undefined) continue
    await storage.volumes.remove(name).catch(() => undefined)
  }
}

/** After a container was removed: its volumes are free. anonymous: those that nobody named, and that nobody else has, go. */
export async function releaseVolumes(
  storage: Storage,
  record: ContainerRecord,
  options: { readonly anonymous: boolean },
): Promise<void> {
  for (const { Type, Name, Anonymous } of record.mounts) {
    if (Type !== 'volume' || Name === undefined) continue
    await storage.volumes.release(Name, record.id)
    if (!options.anonymous || Anonymous !== true) continue
    if ((await storage.volumes.usedBy(Name)).length > 0) continue
    // Somebody else may take it, or remove it, at this moment.
    await storage.volumes.remove(Name).catch(() => undefined)
  }
}
