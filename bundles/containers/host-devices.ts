// SPDX-License-Identifier: Apache-2.0
// Devices of the host that a container gets.

import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DockError } from '../error.ts'
import type { LinuxBlockIO } from '../../spec/runtime/resources.ts'
import type { DeviceMapping, DiskRate, HostConfig } from './record.ts'
import type { Device } from './run-spec.ts'

/** Of a device number (makedev(3)). */
export function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  const number = BigInt(rdev)
  return {
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n)),
    minor: Number((number & 0xffn) | ((number >> 12n) & 0xffffff00n)),
  }
}

async function deviceAt(host: string, inside: string, access: string): Promise<Device | undefined> {
  const found = await stat(host)
  const type = found.isBlockDevice() ? 'b' : found.isCharacterDevice() ? 'c' : undefined
  if (type === undefined) return undefined
  return {
    device: {
      path: inside,
      type,
      ...deviceNumbers(found.rdev),
      fileMode: found.mode & 0o777,
      uid: found.uid,
      gid: found.gid,
    },
    access,
  }
}

/** All devices below a directory; links and what is not a device are passed over. */
async function devicesBelow(
  host: string,
  inside: string,
  access: string,
  skip: ReadonlySet<string>,
): Promise<readonly Device[]> {
  const found: Device[] = []
  for (const name of (await readdir(host)).sort()) {
    const [path, target] = [join(host, name), join(inside, name)]
    if (skip.has(path)) continue
    // A device may go while we look.
    const info = await lstat(path).catch(() => undefined)
    if (info === undefined || info.isSymbolicLink()) continue
    if (info.isDirectory()) found.push(...(await devicesBelow(path, target, access, skip)))
    else {
      const one = await deviceAt(path, target, access).catch(() => undefined)
      if (one !== undefined) found.push(one)
    }
  }
  return found
}

/** What runtimes make themselves, and what is not the container's. */
const ownDevices = new Set(
  ['console', 'fd', 'full', 'mqueue', 'null', 'ptmx', 'pts', 'random', 'shm', 'tty', 'urandom', 'zero'].map(
    (name) => `/dev/${name}`,
  ),
)

/** Errors: DockError when there is no such device. */
export async function mappedDevices(mappings: readonly DeviceMapping[]): Promise<readonly Device[]> {
  const lists = await Promise.all(
    mappings.map(async ({ PathOnHost, PathInContainer, CgroupPermissions }) => {
      try {
        if ((await stat(PathOnHost)).isDirectory()) {
          return await devicesBelow(PathOnHost, PathInContainer, CgroupPermissions, new Set())
        }
        const one = await deviceAt(PathOnHost, PathInContainer, CgroupPermissions)
        if (one !== undefined) return [one]
      } catch (e: unknown) {
        const code = (e as NodeJS.ErrnoException).code
        throw new DockError(`error gathering device information while adding custom device "${PathOnHost}": ${code}`, {
          exitCode: 125,
        })
      }
      throw new DockError(
        `error gathering device information while adding custom device "${PathOnHost}": not a device node`,
        {
          exitCode: 125,
        },
      )
    }),
  )
  return lists.flat()
}

/** --privileged: what the host has. */
export const allDevices = (): Promise<readonly Device[]> => devicesBelow('/dev', '/dev', 'rwm', ownDevices)

async function disk(path: string): Promise<{ readonly major: number; readonly minor: number }> {
  const found = await stat(path).catch((e: NodeJS.ErrnoException) => {
    throw new DockError(`a limit of ${path}: ${e.code}: there is no such disk`, { exitCode: 125 })
  })
  if (!found.isBlockDevice()) throw new DockError(`a limit of ${path}: it is no disk`, { exitCode: 125 })
  return deviceNumbers(found.rdev)
}

/** Limits of single disks, as the runtime takes them: by number. Errors: DockError when there is no such disk. */
export async function diskResources(config: HostConfig): Promise<LinuxBlockIO> {
  const rates = async (key: keyof LinuxBlockIO, limits: readonly DiskRate[] = []): Promise<LinuxBlockIO> =>
    limits.length === 0
      ? {}
      : { [key]: await Promise.all(limits.map(async ({ Path, Rate }) => ({ ...(await disk(Path)), rate: Rate }))) }
  const weights = config.BlkioWeightDevice ?? []
  const all = await Promise.all([
    rates('throttleReadBpsDevice', config.BlkioDeviceReadBps),
    rates('throttleWriteBpsDevice', config.BlkioDeviceWriteBps),
    rates('throttleReadIOPSDevice', config.BlkioDeviceReadIOps),
    rates('throttleWriteIOPSDevice', config.BlkioDeviceWriteIOps),
  ])
  const weightDevice = await Promise.all(
    weights.map(async ({ Path, Weight }) => ({ ...(await disk(Path)), weight: Weight })),
  )
  return Object.assign({}, ...all, weightDevice.length === 0 ? {} : { weightDevice }) as LinuxBlockIO
}
