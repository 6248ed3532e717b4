// SPDX-License-Identifier: Apache-2.0
// Makes a container of an image: its record, its directories, its files. Nothing runs yet.

import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Healthcheck, ImageRunConfig } from '../../spec/image/documents.ts'
import type { User } from '../../spec/runtime/user.ts'
import { stateOf } from '../build/image-state.ts'
import { initLayerOf, lowerOf } from '../build/snapshot.ts'
import { DockError } from '../error.ts'
import { read, remove } from '../host/files.ts'
import { platformText } from '../images/platform.ts'
import type { OpenImage } from '../images/store.ts'
import { makeScratch } from '../layers/unpacked.ts'
import type { Storage } from '../storage.ts'
import type { MountRequest } from '../volumes/mount-request.ts'
import { forgetMounts, resolveMounts } from '../volumes/resolve.ts'
import { parseVolumesFrom } from '../volumes/volume-flag.ts'
import { mergeEnv } from './container-spec.ts'
import { generatedName } from './names.ts'
import type { ContainerConfig, ContainerRecord, EndpointRequest, HostConfig } from './record.ts'
import { optionalFile, resolveGroups, resolveUser } from './users.ts'

/** What a user asks for; undefined: what the image says. */
export interface CreateOptions {
  readonly name: string | undefined
  /** As the user wrote it. */
  readonly image: string
  /** In the place of CMD, when there is any. */
  readonly command: readonly string[]
  /** In the place of ENTRYPOINT, and of CMD; empty: neither. */
  readonly entrypoint: readonly string[] | undefined
  readonly env: readonly string[]
  readonly user: string | undefined
  readonly workdir: string | undefined
  readonly hostname: string | undefined
  readonly domainname: string
  readonly labels: Readonly<Record<string, string>>
  /** `80/tcp` */
  readonly exposed: readonly string[]
  readonly tty: boolean
  readonly openStdin: boolean
  readonly AttachStdin: boolean
  readonly AttachStdout: boolean
  readonly AttachStderr: boolean
  readonly healthcheck: Healthcheck | undefined
  readonly stopSignal: string | undefined
  readonly stopTimeout: number | undefined
  readonly hostConfig: HostConfig
  readonly networks: Readonly<Record<string, EndpointRequest>>
  readonly mounts: readonly MountRequest[]
  /** A new file that gets the id. */
  readonly cidfile: string | undefined
}

/** Only what differs from the image's check is said; the rest stays. */
function mergeHealth(image: Healthcheck | undefined, asked: Healthcheck | undefined): Healthcheck | undefined {
  if (asked?.Test?.[0] === 'NONE') return asked
  return image === undefined ? asked : { ...image, ...asked }
}

/** Program and arguments. Errors: there are none. */
function argsOf(image: ImageRunConfig, options: CreateOptions) {
  const entrypoint = options.entrypoint ?? image.Entrypoint ?? []
  const inherited = options.entrypoint === undefined ? (image.Cmd ?? []) : []
  const command = options.command.length > 0 ? options.command : inherited
  const args = [...entrypoint, ...command]
  if (args.length === 0) {
    throw new DockError('no command specified: the image has neither ENTRYPOINT nor CMD', { exitCode: 125 })
  }
  return { entrypoint, command, args }
}

function configOf(image: ImageRunConfig, options: CreateOptions, id: string) {
  const { entrypoint, command, args } = argsOf(image, options)
  const ports = [
    ...Object.keys(image.ExposedPorts ?? {}),
    ...options.exposed,
    ...Object.keys(options.hostConfig.PortBindings),
  ]
  const health = mergeHealth(image.Healthcheck, options.healthcheck)
  const { ArgsEscaped: _, OnBuild: __, Shell: ___, ...kept } = image
  const config: ContainerConfig = {
    ...kept,
    Hostname: options.hostname ?? id.slice(0, 12),
    Domainname: options.domainname,
    User: options.user ?? image.User ?? '',
    AttachStdin: options.AttachStdin,
    AttachStdout: options.AttachStdout,
    AttachStderr: options.AttachStderr,
    ...(ports.length === 0 ? {} : { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
    Tty: options.tty,
    OpenStdin: options.openStdin,
    StdinOnce: options.openStdin && options.AttachStdin,
    Env: mergeEnv(image.Env ?? [], options.env),
    Cmd: command,
    Entrypoint: entrypoint.length === 0 ? null : entrypoint,
    Image: options.image,
    WorkingDir: options.workdir ?? image.WorkingDir ?? '',
    Labels: { ...image.Labels, ...options.labels },
    ...(health === undefined ? {} : { Healthcheck: health }),
    ...(options.stopSignal === undefined ? {} : { StopSignal: options.stopSignal }),
    ...(options.stopTimeout === undefined ? {} : { StopTimeout: options.stopTimeout }),
  }
  return { config, args }
}

interface Accounts {
  readonly passwd: string | null
  readonly group: string | null
}

/** /etc/passwd and /etc/group of an image, read once for each: they are kept beside its init layer. */
async function accountsOf(storage: Storage, lower: readonly string[]): Promise<Accounts> {
  const kept = join(lower[0] ?? '', '../../accounts.json')
  const known = await readFile(kept, 'utf8').catch(() => undefined)
  if (known !== undefined) return JSON.parse(known) as Accounts
  const target = await makeScratch(storage.stores.scratch)
  try {
    const files = { ...storage.stores.files, overlays: [{ target, lower }] }
    const one = optionalFile((path) => read(target, path, files))
    const [passwd = null, group = null] = await Promise.all([one('etc/passwd'), one('etc/group')])
    const scratch = `${kept}.${randomBytes(6).toString('hex')}`
    await writeFile(scratch, JSON.stringify({ passwd, group }), { mode: 0o600 })
    await rename(scratch, kept)
    return { passwd, group }
  } finally {
    await rmdir(target)
  }
}

/** Ids of the program, by the files of the image. */
async function userOf(storage: Storage, lower: readonly string[], text: string, groups: readonly string[]) {
  const accounts = await accountsOf(storage, lower)
  const one = async (path: string): Promise<string | undefined> =>
    (path === 'etc/passwd' ? accounts.passwd : accounts.group) ?? undefined
  const { user } = await resolveUser(text, one)
  const all = [...new Set([...(user.additionalGids ?? []), ...(await resolveGroups(groups, one))])]
  return { ...user, ...(all.length === 0 ? {} : { additionalGids: all }) } as User
}

async function takeSomeName(storage: Storage, wanted: string | undefined, id: string): Promise<string> {
  if (wanted !== undefined) {
    await storage.containers.takeName(wanted, id)
    return wanted
  }
  for (let attempt = 0; ; attempt++) {
    const name = generatedName(attempt)
    try {
      await storage.containers.takeName(name, id)
      return name
    } catch (e: unknown) {
      if (attempt > 100) throw e
    }
  }
}

async function fill(
  storage: Storage,
  options: CreateOptions,
  image: OpenImage,
  identity: { readonly id: string; readonly name: string },
  publish: boolean,
): Promise<ContainerRecord> {
  const { id, name } = identity
  const run = image.config.config ?? {}
  const layers = await lowerOf(storage.stores, stateOf(image.manifest, image.config, undefined))
  const init = await initLayerOf(storage.stores, layers)
  const lower = [init, ...layers]
  const { config, args } = configOf(run, options, id)
  const user = await userOf(storage, lower, config.User ?? '', options.hostConfig.GroupAdd)
  const mounts = await resolveMounts(storage, {
    id,
    requests: options.mounts,
    imageVolumes: Object.keys(run.Volumes ?? {}),
    volumesFrom: options.hostConfig.VolumesFrom.map(parseVolumesFrom),
    lower,
  })
  const record: ContainerRecord = {
    id,
    name,
    created: new Date().toISOString(),
    image: { id: image.id, manifest: image.descriptor, platform: platformText(image.config) },
    args,
    config,
    hostConfig: options.hostConfig,
    user,
    lower,
    mounts: mounts.mountPoints,
    networks: options.networks,
  }
  try {
    await makeFiles(storage, id)
    if (options.cidfile !== undefined) await writeFile(options.cidfile, id, { flag: 'wx' })
    if (publish) await storage.containers.write(record)
  } catch (e: unknown) {
    await forgetMounts(storage, id, mounts.mountPoints, mounts.created)
    throw e
  }
  return record
}

/** Directories of the overlay, and files that are mounted on those of /etc. */
async function makeFiles(storage: Storage, id: string): Promise<void> {
  const path = (part: string): string => storage.containers.path(id, part)
  await Promise.all([
    ...['diff', 'merged'].map((part) => mkdir(path(part), { mode: 0o755 })),
    mkdir(path('work'), { mode: 0o700 }),
    ...['hosts', 'hostname', 'resolv.conf'].map((part) => writeFile(path(part), '', { mode: 0o644 })),
  ])
}

/**
 * publish: false: nobody finds it until its record is written, so that it can be got ready without a lock. Errors: DockError;
 * nothing of the container stays.
 */
export async function createContainer(
  storage: Storage,
  options: CreateOptions,
  image: OpenImage,
  { publish }: { readonly publish: boolean },
): Promise<ContainerRecord> {
  argsOf(image.config.config ?? {}, options)
  const id = await storage.containers.open()
  let name = ''
  try {
    name = await takeSomeName(storage, options.name, id)
    return await fill(storage, options, image, { id, name }, publish)
  } catch (e: unknown) {
    await remove(storage.containers.path(id))
    if (name !== '') await storage.containers.giveName(name)
    throw e
  }
}
