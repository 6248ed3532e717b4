// SPDX-License-Identifier: Apache-2.0
import { sectionOf } from '../../spec/section.ts'
import { type Exercised, SUITE } from '../helpers/coverage.ts'
import { MOUNT_OPTIONS } from './mount-options.ts'
import { SECTIONS } from './sections.ts'

/** What one test was seen to exercise; or, after the word of a suite, all of its tests. */
export type Record = readonly [test: string, ...fields: readonly string[]]

const MOST_TESTS = 2
const OPTION = 'mounts[].options[]='

/** Suites have the names of their files, with spaces. */
export function fileOf(test: string): string {
  return test.slice(0, test.indexOf(': ')).replaceAll(' ', '-')
}

/** The section of a field, and with it where its tests are looked for. */
export function filesOf(field: string): readonly string[] {
  return SECTIONS[sectionOf(toPointer(field))] ?? []
}

/** `linux.devices[].path` -> `/linux/devices/0/path` */
export function toPointer(field: string): string {
  const [path = ''] = field.split('=')
  return `/${path.replaceAll('[]', '.0').replaceAll('{}', '.x').replaceAll('.', '/')}`
}

/** The way back. */
export function toFieldName(pointer: string): string {
  return pointer.slice(1).replaceAll(/\/\d+/g, '[]').replaceAll('/', '.')
}

/**
 * The list with what tests were seen to do: what is said of those tests is forgotten, all else stays. For a field the tests
 * of its section count first, then those that have the least besides: they are about it.
 */
export function mergeRecords(old: Exercised, lines: readonly Record[]): Exercised {
  const records = latest(lines.filter(([test]) => test !== SUITE))
  const all = new Set(lines.filter(([test]) => test === SUITE).flatMap(([, ...tests]) => tests))
  const whole = new Set([...all].map(fileOf))
  const isGone = (test: string): boolean => whole.has(fileOf(test)) && !all.has(test)
  const seen = new Map(records.map(([test, ...fields]) => [test, new Set(fields)]))
  const common = commonFields(records)
  const weight = (test: string): number => [...(seen.get(test) ?? [])].filter((field) => !common.has(field)).length
  const fields = new Set([...Object.keys(old), ...records.flatMap(([, ...names]) => names)])
  const merged: { [field: string]: readonly string[] } = {}
  for (const field of [...fields].filter(isListed).sort()) {
    const kept = (old[field] ?? []).filter((test) => !isGone(test) && (!seen.has(test) || seen.get(test)?.has(field)))
    const found = records.filter(([, ...names]) => names.includes(field)).map(([test]) => test)
    const wanted = filesOf(field)
    const tests = [...new Set([...kept, ...found])]
    const inSection = tests.filter((test) => wanted.includes(fileOf(test)))
    const others = tests.filter((test) => !wanted.includes(fileOf(test)))
    const order = (a: string, b: string): number => weight(a) - weight(b) || (a < b ? -1 : 1)
    const chosen = [...inSection.sort(order), ...others.sort(order)].slice(0, MOST_TESTS)
    if (chosen.length > 0) merged[field] = chosen
  }
  return merged
}

/** Options that are data for one file system are not. */
function isListed(field: string): boolean {
  const option = field.startsWith(OPTION) ? field.slice(OPTION.length) : undefined
  return option === undefined || Object.values(MOUNT_OPTIONS).flat().includes(option)
}

/** Of a test that ran twice, on two hosts or again, what both saw. */
function latest(records: readonly Record[]): readonly Record[] {
  const found = new Map<string, Set<string>>()
  for (const [test, ...fields] of records) {
    const known = found.get(test)
    found.set(test, new Set(known === undefined ? fields : fields.filter((field) => known.has(field))))
  }
  return [...found].map(([test, fields]) => [test, ...fields])
}

/** What more than half of the tests have. */
function commonFields(records: readonly Record[]): ReadonlySet<string> {
  const counts = new Map<string, number>()
  for (const [, ...fields] of records) for (const field of fields) counts.set(field, (counts.get(field) ?? 0) + 1)
  return new Set([...counts].filter(([, count]) => count * 2 > records.length).map(([field]) => field))
}
