// SPDX-License-Identifier: Apache-2.0
import type { LinuxDevice } from '../../spec/runtime/devices.ts'
import { type CompileContext, cleanPath } from './context.ts'
import { parseMountOptions } from './mount-options.ts'

/** Devices of every container. Spec: config-linux.md#default-devices */
export const DEFAULT_DEVICES: readonly Required<LinuxDevice>[] = [
  device('null', 1, 3),
  device('zero', 1, 5),
  device('full', 1, 7),
  device('random', 1, 8),
  device('urandom', 1, 9),
  device('tty', 5, 0),
]

function device(name: string, major: number, minor: number): Required<LinuxDevice> {
  return { path: `/dev/${name}`, type: 'c', major, minor, fileMode: 0o666, uid: 0, gid: 0 }
}

/** False when a bind mount brings a /dev along: it is left as it is, devices, links and all. */
export function makesDevices({ spec }: Pick<CompileContext, 'spec'>): boolean {
  for (const { destination, options = [] } of spec.mounts ?? []) {
    if (cleanPath(destination) === '/dev' && parseMountOptions(options).bind) return false
  }
  return true
}
