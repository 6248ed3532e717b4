// SPDX-License-Identifier: Apache-2.0
import type { LinuxBlockIO } from '../../../spec/runtime/resources.ts'
import { type CgroupWrite, toDecimal } from '../cgroup-write.ts'

const base = '/linux/resources/blockIO'

const throttles = [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device'],
] as const

/**
 * Limits of the v1 blkio controller. A weight of zero means "not set".
 * Weights are those of BFQ: the CFQ scheduler and its plain `blkio.weight` left with Linux 5.0. The leaf
 * weights left with it, so the write fails and names them. Spec: config-linux.md#block-io
 */
export function compileBlkioV1(io: LinuxBlockIO): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  const add = (field: string, file: string, value: string) =>
    writes.push({ controller: 'blkio', file, value, pointer: `${base}/${field}` })
  if (io.weight) add('weight', 'blkio.bfq.weight', String(io.weight))
  if (io.leafWeight) add('leafWeight', 'blkio.leaf_weight', String(io.leafWeight))
  for (const [index, device] of (io.weightDevice ?? []).entries()) {
    const field = `weightDevice/${index}`
    const which = `${device.major}:${device.minor}`
    if (device.weight) {
      add(`${field}/weight`, 'blkio.bfq.weight_device', `${which} ${device.weight}`)
    }
    if (device.leafWeight) {
      add(`${field}/leafWeight`, 'blkio.leaf_weight_device', `${which} ${device.leafWeight}`)
    }
  }
  for (const [field, file] of throttles) {
    for (const [index, device] of (io[field] ?? []).entries()) {
      add(`${field}/${index}`, file, `${device.major}:${device.minor} ${toDecimal(device, 'rate', 'uint64')}`)
    }
  }
  return writes
}
