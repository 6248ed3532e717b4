// SPDX-License-Identifier: Apache-2.0
import { invalid } from './context.ts'

/** More than any kernel can be built for. */
const MAX_NUMBER = 65535

/** What the numbers are of, in errors. */
export type NumberKind = 'number' | 'CPU' | 'memory policy node'

/** '0-3,7' or '0-15:2/8' (two of each eight) -> bits, the lowest number first. Errors: invalid-config for a number beyond reason. */
export function toNumberMask(list: string, pointer: string, kind: NumberKind = 'number'): Uint8Array {
  const numbers: number[] = []
  for (const item of list.split(',')) {
    const match = /^(\d+)(?:-(\d+)(?::(\d+)\/(\d+))?)?$/.exec(item.trim())
    if (match === null) continue
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    if (last > MAX_NUMBER) throw invalid(pointer, list, `invalid ${kind} ${last}: it is too large`)
    const used = Number(match[3] ?? 1)
    const group = Math.max(Number(match[4] ?? 1), 1)
    for (let number = first; number <= last; number++) if ((number - first) % group < used) numbers.push(number)
  }
  const mask = new Uint8Array(numbers.length === 0 ? 0 : (Math.max(...numbers) >> 3) + 1)
  for (const number of numbers) mask[number >> 3] = (mask[number >> 3] ?? 0) | (1 << (number & 7))
  return mask
}

/** The way back: bits -> '0-3,7'. */
export function toNumberList(mask: Uint8Array): string {
  const ranges: string[] = []
  let first = -1
  for (let number = 0; number <= mask.length * 8; number++) {
    const on = ((mask[number >> 3] ?? 0) & (1 << (number & 7))) !== 0
    if (on && first < 0) first = number
    if (on || first < 0) continue
    ranges.push(first === number - 1 ? `${first}` : `${first}-${number - 1}`)
    first = -1
  }
  return ranges.join(',')
}
