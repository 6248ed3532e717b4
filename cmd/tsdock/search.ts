// SPDX-License-Identifier: Apache-2.0
import { DockError, printable } from '../../bundles/error.ts'
import { familiarText, parseReference, type Reference } from '../../bundles/images/reference.ts'
import { readRegistrySettings } from '../../bundles/registry/registry.ts'
import { tagsOf } from '../../bundles/registry/search.ts'
import { type FoundRepository, searchNames } from '../../bundles/registry/search-names.ts'
import { type CommandInvocation, CommandUsageError } from './command.ts'
import { compileFilters, isTrue } from './filters.ts'
import { printRows } from './template/rows.ts'

const tagHeadings = { Name: 'NAME', Tag: 'TAG', Digest: 'DIGEST', Platform: 'PLATFORM' } as const
const nameHeadings = {
  Name: 'NAME',
  Description: 'DESCRIPTION',
  StarCount: 'STARS',
  IsOfficial: 'OFFICIAL',
} as const

async function searchTags({ text, isSet }: CommandInvocation, reference: Reference, digest: string): Promise<number> {
  const { digest: _digest, ...repository } = reference
  const found = await tagsOf(repository, digest, { settings: await readRegistrySettings() })
  const { tag: _, ...untagged } = repository
  const rows = found.map((one) => ({
    Name: familiarText(untagged),
    Tag: one.tag,
    Digest: one.digest,
    Platform: one.platform ?? '',
  }))
  if (isSet('quiet')) process.stdout.write(rows.map(({ Name, Tag }) => `${Name}:${Tag}\n`).join(''))
  else printRows(text('format'), { headings: tagHeadings, columns: ['Name', 'Tag', 'Digest', 'Platform'], rows })
  return found.length > 0 ? 0 : 1
}

const DEFAULT_LIMIT = 25
const MAX_LIMIT = 100

/** Errors: DockError: there are not so many to be had. */
function limitOf({ number }: CommandInvocation): number {
  const limit = number('limit') ?? 0
  if (limit === 0) return DEFAULT_LIMIT
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new DockError(`limit ${limit} is outside the range of [1, ${MAX_LIMIT}]`)
  return limit
}

/** Errors: DockError, for a filter that there is not, or its value. */
function filterOf(filters: readonly string[]): (one: FoundRepository) => boolean {
  for (const filter of filters) {
    const [key = '', value = ''] = filter.split(/=(.*)/s)
    if (key === 'is-official') isTrue(key, value)
    if (key === 'stars' && !/^\d+$/.test(value)) throw new DockError(`invalid filter 'stars=${value}'`)
  }
  return compileFilters<FoundRepository>(filters, {
    'stars': ({ stars }, value) => stars >= Number(value),
    'is-official': ({ official }, value) => official === isTrue('is-official', value),
  })
}

const LONGEST = 45

/** In one line; a registry's words are not to move a terminal's cursor. */
function descriptionOf(text: string, whole: boolean): string {
  const line = printable(text.replace(/[\r\n]/g, ' '))
  return whole || [...line].length <= LONGEST ? line : `${[...line].slice(0, LONGEST - 1).join('')}…`
}

async function searchTerm(invocation: CommandInvocation, term: string): Promise<number> {
  const { text, list, isSet } = invocation
  const accepts = filterOf(list('filter'))
  const found = await searchNames(term, limitOf(invocation), { settings: await readRegistrySettings() })
  const json = text('format') === 'json'
  const rows = found.filter(accepts).map((one) => ({
    Name: printable(one.name),
    Description: descriptionOf(one.description, isSet('no-trunc')),
    StarCount: String(one.stars),
    IsOfficial: json ? String(one.official) : one.official ? '[OK]' : '',
  }))
  if (isSet('quiet')) process.stdout.write(rows.map(({ Name }) => `${Name}\n`).join(''))
  else printRows(text('format'), { headings: nameHeadings, columns: Object.keys(nameHeadings), rows })
  return 0
}

/** `tsdock search` */
export async function runSearch(invocation: CommandInvocation): Promise<number> {
  const [term = ''] = invocation.positionals
  if (!term.includes('@')) return searchTerm(invocation, term)
  const reference = parseReference(term)
  const other = ['filter', 'limit', 'no-trunc'].find(invocation.isGiven)
  if (other !== undefined) throw new CommandUsageError(`--${other} does not go with NAME@DIGEST`, undefined)
  return searchTags(invocation, reference, reference.digest ?? '')
}
