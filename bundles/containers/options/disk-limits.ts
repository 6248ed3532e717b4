// SPDX-License-Identifier: Apache-2.0
// Limits of single disks: `/dev/sda:10mb`. Pure.

import { DockError } from '../../error.ts'
import type { HostConfig } from '../record.ts'
import { parseBytes } from './sizes.ts'

function split(text: string, flag: string): readonly [path: string, value: string] {
  const at = text.lastIndexOf(':')
  const [path, value] = [text.slice(0, at), text.slice(at + 1)]
  if (at < 1 || value === '' || !path.startsWith('/dev/')) {
    throw new DockError(`invalid argument "${text}" for --${flag}: it is /dev/DISK:VALUE`, { exitCode: 125 })
  }
  return [path, value]
}

function count(value: string, text: string, flag: string): number {
  if (!/^\d+$/.test(value)) {
    throw new DockError(`invalid argument "${text}" for --${flag}: "${value}" is no whole number`, { exitCode: 125 })
  }
  return Number(value)
}

type DiskLimits = Required<
  Pick<
    HostConfig,
    'BlkioWeightDevice' | 'BlkioDeviceReadBps' | 'BlkioDeviceWriteBps' | 'BlkioDeviceReadIOps' | 'BlkioDeviceWriteIOps'
  >
>

/** list: what was given for an option. Errors: DockError. */
export function diskLimits(list: (name: string) => readonly string[]): DiskLimits {
  const rates = (flag: string, parse: (value: string, text: string) => number) =>
    list(flag).map((text) => {
      const [Path, value] = split(text, flag)
      return { Path, Rate: parse(value, text) }
    })
  const bytes = (flag: string) => rates(flag, (value) => parseBytes(value, flag))
  const operations = (flag: string) => rates(flag, (value, text) => count(value, text, flag))
  return {
    BlkioWeightDevice: list('blkio-weight-device').map((text) => {
      const [Path, value] = split(text, 'blkio-weight-device')
      const Weight = count(value, text, 'blkio-weight-device')
      if (Weight !== 0 && (Weight < 10 || Weight > 1000)) {
        throw new DockError(`invalid argument "${text}" for --blkio-weight-device: a weight is 10 to 1000`, {
          exitCode: 125,
        })
      }
      return { Path, Weight }
    }),
    BlkioDeviceReadBps: bytes('device-read-bps'),
    BlkioDeviceWriteBps: bytes('device-write-bps'),
    BlkioDeviceReadIOps: operations('device-read-iops'),
    BlkioDeviceWriteIOps: operations('device-write-iops'),
  }
}
