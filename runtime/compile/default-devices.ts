// SPDX-License-Identifier: Apache-2.0
import type { LinuxDevice } from '../../spec/runtime/devices.ts'
import { type CompileContext, cleanPath } from './context.ts'
import { parseMountOptions } from './mount-options.ts'

/** Devices of every container. Spec: config-linux.md#default-devices */
export const DEFAULT_DEVICES: readonly Required<LinuxDevice>[] = (
  [
    ['null', 1, 3],
    ['zero', 1, 5],
    ['full', 1, 7],
    ['random', 1, 8],
    ['urandom', 1, 9],
    ['tty', 5, 0],
  ] as const
).map(([name, major, minor]) => ({ path: `/dev/${name}`, type: 'c', major, minor, fileMode: 0o666, uid: 0, gid: 0 }))

/** False when a bind mount brings a /dev along: it is left as it is, devices, links and all. */
export function makesDevices({ spec }: Pick<CompileContext, 'spec'>): boolean {
  return !spec.mounts?.some(
    ({ destination, options }) => cleanPath(destination) === '/dev' && parseMountOptions(options ?? []).bind,
  )
}
