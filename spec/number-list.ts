// SPDX-License-Identifier: Apache-2.0

const ITEM = /^(\d+)(?:-(\d+)(?::(\d+)\/(\d+))?)?$/

/** Says what is wrong with a list like '0-3,7' (CPUs, memory nodes); undefined where it is good. Empty is good. */
export function numberListFault(list: string): string | undefined {
  if (list.trim() === '') return undefined
  for (const item of list.split(',')) {
    const match = ITEM.exec(item.trim())
    if (match === null) return `${JSON.stringify(list)} is not a list like "0-3,7"`
    if (match[2] !== undefined && Number(match[1]) > Number(match[2])) {
      return `${JSON.stringify(list)} has the range ${item.trim()} backwards`
    }
  }
  return undefined
}

/** How many numbers a good list names, repeated ones as often as they stand there. */
export function countNumbers(list: string): number {
  let count = 0
  for (const item of list.split(',')) {
    const match = ITEM.exec(item.trim())
    if (match === null) continue
    const length = Number(match[2] ?? match[1]) - Number(match[1]) + 1
    const [used, group] = [Number(match[3] ?? 1), Number(match[4] ?? 1)]
    count += Math.floor(length / group) * used + Math.min(length % group, used)
  }
  return count
}
