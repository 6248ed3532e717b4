// SPDX-License-Identifier: Apache-2.0
import type { LinuxBlockIO } from '../../../spec/runtime/resources.ts'
import { type CgroupWrite, toDecimal } from '../cgroup-write.ts'
import { onlyV1 } from './only-v1.ts'

const base = '/linux/resources/blockIO'

const throttles = [
  ['throttleReadBpsDevice', 'rbps'],
  ['throttleWriteBpsDevice', 'wbps'],
  ['throttleReadIOPSDevice', 'riops'],
  ['throttleWriteIOPSDevice', 'wiops'],
] as const

/** Limits of the v2 io controller. A weight of zero means "not set", a rate of zero "no limit". Spec: config-linux.md#block-io */
export function compileIoV2(io: LinuxBlockIO): CgroupWrite[] {
  if (io.leafWeight) throw onlyV1(`${base}/leafWeight`)
  const writes: CgroupWrite[] = []
  const add = (field: string, file: string, value: string, tolerate?: CgroupWrite['tolerate']) =>
    writes.push({
      controller: 'io',
      file,
      value,
      pointer: `${base}/${field}`,
      ...(tolerate && { tolerate }),
    })
  if (io.weight) {
    // The file of BFQ is there only while a disk uses that scheduler; io.weight is the kernel's own.
    add('weight', 'io.bfq.weight', String(io.weight), ['ENOENT'])
    add('weight', 'io.weight', String(blkioToIoWeight(io.weight)))
  }
  for (const [index, device] of (io.weightDevice ?? []).entries()) {
    const field = `weightDevice/${index}`
    if (device.leafWeight) throw onlyV1(`${base}/${field}/leafWeight`)
    if (!device.weight) continue
    add(`${field}/weight`, 'io.bfq.weight', `${device.major}:${device.minor} ${device.weight}`)
  }
  for (const [field, key] of throttles) {
    for (const [index, device] of (io[field] ?? []).entries()) {
      const rate = device.rate === 0 ? 'max' : toDecimal(device, 'rate', 'uint64')
      add(`${field}/${index}`, 'io.max', `${device.major}:${device.minor} ${key}=${rate}`)
    }
  }
  return writes
}

/** The range 10 to 1000 of v1 stretched over the range 1 to 10000 of v2, as all runtimes do. */
export function blkioToIoWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990)
}
