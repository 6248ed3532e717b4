// SPDX-License-Identifier: Apache-2.0
import type { Random } from './random-plan.ts'

/** Words that are wrong in most places. */
function wrongWord(length: number, random: Random): number {
  const values = [0, 1, 2, 3, 0xff, 0x100, 0xffff, 0x10000, 0x55555556, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff]
  const near = [length, length - 1, length - 4, length + 4, length >>> 2, random(length), random(length) & ~3]
  const all = [...values, ...near]
  return (all[random(all.length)] ?? 0) >>> 0
}

function changeOnce(plan: Uint8Array, random: Random): Uint8Array {
  const copy = plan.slice()
  const view = new DataView(copy.buffer)
  const words = plan.length >>> 2
  // The header and the ops decide more than the pool does.
  const place = (random(3) === 0 ? random(Math.min(56, words)) : random(words)) * 4
  switch (random(6)) {
    case 0:
      copy[random(plan.length)] = random(256)
      break
    case 1:
      view.setUint32(place, view.getUint32(place, true) ^ (1 << random(32)), true)
      break
    case 2:
      view.setUint32(place, view.getUint32(random(words) * 4, true), true)
      break
    case 3: {
      const end = Math.max(4, random(plan.length))
      // With the length word in step, so that later checks are reached too.
      if (end >= 12) view.setUint32(8, end, true)
      return copy.subarray(0, end)
    }
    default:
      view.setUint32(place, wrongWord(plan.length, random), true)
  }
  return copy
}

/** A plan with one to four changes at random. */
export function corrupt(plan: Uint8Array, random: Random): Uint8Array {
  let changed = plan
  for (let count = 1 + random(4); count > 0; count--) changed = changeOnce(changed, random)
  return changed
}
