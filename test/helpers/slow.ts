// SPDX-License-Identifier: Apache-2.0

/** `TSRUN_TEST_SLOW`: how many times slower than a usual machine this one is, such as one with an emulated processor. */
const slowness = Math.max(1, Number(process.env['TSRUN_TEST_SLOW'] ?? '1') || 1)

/** A time limit, or a time by which something has surely begun, for this machine. */
export function scaled(ms: number): number {
  return ms * slowness
}
