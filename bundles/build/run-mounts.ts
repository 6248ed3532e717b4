// SPDX-License-Identifier: Apache-2.0
// RUN --mount: what each kind becomes in the config of the step's container.

import { createHash } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mount as SpecMount } from '../../spec/runtime/mounts.ts'
import type { MountPoint } from '../containers/init-layer.ts'
import { cleanPath } from '../dockerfile/go-path.ts'
import type { BindMount, CacheMount, Mount, SecretMount, SshMount } from '../dockerfile/instructions/run-mount.ts'
import { DockError } from '../error.ts'
import { apply, type OverlayMount, remove } from '../host/files.ts'
import { lock } from '../host/lock.ts'
import { encodeEnd, encodeEntry } from '../layers/frame.ts'
import { planCopy, copyEntries } from './copy-plan.ts'
import type { FileTree } from './file-tree.ts'
import type { Stores } from './snapshot.ts'

export interface MountSources {
  readonly stores: Stores
  /** The step's directory. */
  readonly directory: string
  readonly workingDirectory: string
  /** Directory of cache mounts. */
  readonly caches: string
  /** undefined: the context. */
  readonly tree: (from: string | undefined) => Promise<FileTree>
  readonly secret: (id: string) => Promise<Buffer | undefined>
  /** Path of an agent's socket. */
  readonly ssh: (id: string) => string | undefined
}

export interface PreparedMounts {
  readonly mounts: readonly SpecMount[]
  readonly points: readonly MountPoint[]
  readonly env: readonly string[]
  readonly overlays: readonly OverlayMount[]
  /** Gives back locks, and removes what held secrets. */
  readonly release: () => Promise<void>
}

interface Prepared {
  mounts: SpecMount[]
  points: MountPoint[]
  env: string[]
  overlays: OverlayMount[]
  releases: (() => Promise<void>)[]
}

const absolute = (target: string, cwd: string): string =>
  cleanPath(target.startsWith('/') ? target : `${cwd}/${target}`)

const untrusted = ['nosuid', 'nodev']

/** A copy of what a mount shows. What is written there, if it may be, is thrown away with the step. */
async function bindMount(mount: BindMount, prepared: Prepared, sources: MountSources, number: number): Promise<void> {
  const destination = absolute(mount.target, sources.workingDirectory)
  const tree = await sources.tree(mount.from)
  const plan = await planCopy(tree, {
    sources: [mount.source.replace(/^\/+/, '') || '.'],
    destination: 'content',
    intoDirectory: false,
    parents: false,
    exclude: [],
  })
  const isFile = plan[0]?.target === 'content' && plan[0].entry.type !== 'directory'
  const directory = join(sources.directory, `bind-${number}`)
  await mkdir(directory, { mode: 0o755 })
  await apply(
    directory,
    async (write) => {
      const owner = mount.from === undefined ? { uid: 0, gid: 0 } : undefined
      for (const entry of copyEntries(plan, { owner, mode: undefined, seconds: undefined, keepTop: true }))
        await write(encodeEntry(entry))
      await write(encodeEnd())
    },
    { ...sources.stores.files, source: tree.root, overlays: tree.overlays },
  )
  const options = ['rbind', mount.readOnly ? 'ro' : 'rw', ...untrusted]
  prepared.mounts.push({ destination, type: 'bind', source: join(directory, 'content'), options })
  prepared.points.push({ path: destination, kind: isFile ? 'file' : 'directory' })
}

/** Names from a Dockerfile never become names of files: their digest does. */
const cacheName = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 32)

async function fillCache(directory: string, mount: CacheMount, sources: MountSources): Promise<void> {
  await mkdir(directory, { recursive: true, mode: mount.mode ?? 0o755 })
  await chmod(directory, mount.mode ?? 0o755)
  await chown(directory, mount.uid ?? 0, mount.gid ?? 0)
  if (mount.from === undefined) return
  const tree = await sources.tree(mount.from)
  const plan = await planCopy(tree, {
    sources: [mount.source.replace(/^\/+/, '') || '.'],
    destination: '/',
    intoDirectory: true,
    parents: false,
    exclude: [],
  })
  await apply(
    directory,
    async (write) => {
      const attributes = { owner: undefined, mode: undefined, seconds: undefined }
      for (const entry of copyEntries(plan, attributes)) if (entry.path !== '') await write(encodeEntry(entry))
      await write(encodeEnd())
    },
    { ...sources.stores.files, merge: true, source: tree.root, overlays: tree.overlays },
  )
}

async function cacheMount(mount: CacheMount, prepared: Prepared, sources: MountSources): Promise<void> {
  const destination = absolute(mount.target, sources.workingDirectory)
  const id = mount.id === '' ? destination : mount.id
  await mkdir(sources.caches, { recursive: true, mode: 0o700 })
  // `private`: whoever finds the cache in use gets one of their own.
  const place = join(sources.caches, cacheName(`${id}\0${mount.from ?? ''}\0${mount.source}`))
  let directory = join(place, 'data')
  await mkdir(place, { recursive: true, mode: 0o700 })
  const now = new Date()
  await utimes(place, now, now)
  if (mount.sharing === 'locked') {
    const held = await lock(join(place, 'lock'), 'exclusive')
    prepared.releases.push(() => held.release())
  } else if (mount.sharing === 'private') {
    directory = join(place, `data-${process.pid}-${Math.round(performance.now() * 1000)}`)
    prepared.releases.push(() => remove(directory))
  }
  const there = await stat(directory).then(
    () => true,
    () => false,
  )
  if (!there) await fillCache(directory, mount, sources)
  const options = ['rbind', mount.readOnly ? 'ro' : 'rw', ...untrusted]
  prepared.mounts.push({ destination, type: 'bind', source: directory, options })
  prepared.points.push({ path: destination, kind: 'directory' })
}

/** A directory that is in memory, where there is one. */
const secretDirectory = (sources: MountSources): Promise<string> =>
  mkdtemp('/dev/shm/tsdock-secret-').catch(() => mkdtemp(join(sources.directory, 'secret-')))

async function secretMount(mount: SecretMount, prepared: Prepared, sources: MountSources): Promise<void> {
  const value = await sources.secret(mount.id)
  if (value === undefined) {
    if (mount.required)
      throw new DockError(`the secret "${mount.id}" is required, and was not given (--secret id=${mount.id},src=FILE)`)
    return
  }
  if (mount.env !== undefined) prepared.env.push(`${mount.env}=${value.toString('utf8')}`)
  if (mount.target === undefined) return
  const directory = await secretDirectory(sources)
  prepared.releases.push(() => remove(directory))
  const file = join(directory, 'secret')
  await writeFile(file, value, { mode: 0o600 })
  await chown(file, mount.uid ?? 0, mount.gid ?? 0)
  await chmod(file, mount.mode ?? 0o400)
  const destination = absolute(mount.target, sources.workingDirectory)
  prepared.mounts.push({ destination, type: 'bind', source: file, options: ['bind', 'ro', ...untrusted, 'noexec'] })
  prepared.points.push({ path: destination, kind: 'file' })
}

function sshMount(mount: SshMount, prepared: Prepared, sources: MountSources, number: number): void {
  const socket = sources.ssh(mount.id)
  if (socket === undefined) {
    if (mount.required)
      throw new DockError(`the ssh agent "${mount.id}" is required, and was not given (--ssh ${mount.id})`)
    return
  }
  const destination =
    mount.target === undefined ? `/run/buildkit/ssh_agent.${number}` : absolute(mount.target, sources.workingDirectory)
  prepared.mounts.push({ destination, type: 'bind', source: socket, options: ['bind', ...untrusted] })
  prepared.points.push({ path: destination, kind: 'file' })
  prepared.env.push(`SSH_AUTH_SOCK=${destination}`)
}

/** Errors: DockError; what was taken is given back. */
export async function prepareMounts(mounts: readonly Mount[], sources: MountSources): Promise<PreparedMounts> {
  const prepared: Prepared = { mounts: [], points: [], env: [], overlays: [], releases: [] }
  const release = async (): Promise<void> => {
    for (const one of prepared.releases.reverse()) await one()
  }
  try {
    for (const [number, mount] of mounts.entries()) {
      if (mount.type === 'bind') await bindMount(mount, prepared, sources, number)
      else if (mount.type === 'cache') await cacheMount(mount, prepared, sources)
      else if (mount.type === 'secret') await secretMount(mount, prepared, sources)
      else if (mount.type === 'ssh') sshMount(mount, prepared, sources, number)
      else {
        const destination = absolute(mount.target, sources.workingDirectory)
        const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`]
        prepared.mounts.push({
          destination,
          type: 'tmpfs',
          source: 'tmpfs',
          options: [...untrusted, 'mode=1777', ...size, ...(mount.readOnly ? ['ro'] : [])],
        })
        prepared.points.push({ path: destination, kind: 'directory' })
      }
    }
  } catch (e: unknown) {
    await release()
    throw e
  }
  return { ...prepared, release }
}
