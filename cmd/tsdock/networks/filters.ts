// SPDX-License-Identifier: Apache-2.0
import { DockError } from '../../../bundles/error.ts'
import { type NetworkRecord, predefined } from '../../../bundles/networks/network.ts'

type Test = (record: NetworkRecord, value: string) => boolean

function hasLabel({ Labels }: NetworkRecord, text: string): boolean {
  const [key = '', value] = text.split(/=(.*)/s, 2)
  return value === undefined ? Labels[key] !== undefined : Labels[key] === value
}

const duration = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/
const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A time, or a length of time before now: `24h`, `1h30m`. Errors: DockError. */
function moment(text: string): number {
  const parts = text.match(/\d+(?:\.\d+)?(?:ms|s|m|h)/g) ?? []
  if (parts.length > 0 && parts.join('') === text) {
    const length = parts.reduce((sum, part) => {
      const [, number = '0', unit = 's'] = duration.exec(part) ?? []
      return sum + Number(number) * (units[unit] ?? 0)
    }, 0)
    return Date.now() - length
  }
  const time = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (Number.isNaN(time)) throw new DockError(`invalid filter 'until=${text}': it is no time`)
  return time
}

const listTests: Readonly<Record<string, Test>> = {
  driver: ({ Driver }, value) => Driver === value,
  id: ({ Id }, value) => Id.startsWith(value),
  label: hasLabel,
  name: ({ Name }, value) => Name.includes(value),
  scope: (_, value) => value === 'local',
  type: ({ Name }, value) => predefined.includes(Name) === (value === 'builtin'),
}

const pruneTests: Readonly<Record<string, Test>> = {
  'label': hasLabel,
  'label!': (record, value) => !hasLabel(record, value),
  'until': ({ Created }, value) => Date.parse(Created) <= moment(value),
}

/** What all filters allow: of those with the same name, one is enough. Errors: DockError. */
function compile(
  filters: readonly string[],
  tests: Readonly<Record<string, Test>>,
): (record: NetworkRecord) => boolean {
  const groups = new Map<string, string[]>()
  for (const filter of filters) {
    const at = filter.indexOf('=')
    if (at < 0) throw new DockError(`invalid argument ${JSON.stringify(filter)} for --filter: it is KEY=VALUE`)
    const key = filter.slice(0, at)
    if (tests[key] === undefined) throw new DockError(`invalid filter '${key}'`)
    groups.set(key, [...(groups.get(key) ?? []), filter.slice(at + 1)])
  }
  // Each label is a condition of its own.
  return (record) =>
    [...groups].every(([key, values]) => {
      const passes = (value: string): boolean => tests[key]?.(record, value) === true
      return key.startsWith('label') ? values.every(passes) : values.some(passes)
    })
}

export const listFilter = (filters: readonly string[]): ((record: NetworkRecord) => boolean) =>
  compile(filters, listTests)

export const pruneFilter = (filters: readonly string[]): ((record: NetworkRecord) => boolean) =>
  compile(filters, pruneTests)
