// SPDX-License-Identifier: Apache-2.0

const ITEM = /^(\d+)(?:-(\d+)(?::\d+\/\d+)?)?$/

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
