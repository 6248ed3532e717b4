// SPDX-License-Identifier: Apache-2.0
// Our schemas and the official ones of runtime-spec 1.3.0 judge alike, but for the differences that are listed.
//
// What the official schemas say of each mutation stands in test/data/runtime-spec-verdicts.json, so that this test
// needs no copy of them. With OCI_RUNTIME_SPEC_SCHEMA=<folder> they are asked again, also about their own examples;
// with RECORD=1 besides, the verdicts are written anew.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { configSchema } from '../../../spec/generated/config-validator.ts'
import { featuresSchema, stateSchema } from '../../../spec/generated/document-validator.ts'
import { pointerKeys } from '../../../spec/pointer.ts'
import { DIFFERENCES, type Difference } from '../../../spec/schema/differences.ts'
import * as configs from './configs.ts'
import * as documents from './documents.ts'
import { type Mutation, mutate, mutateAll, sequence, withValue } from './mutate.ts'
import { type DocumentKind, loadOfficial } from './official.ts'

const FILE = new URL('../../data/runtime-spec-verdicts.json', import.meta.url)

/** Documents, how often each is mutated at random, and whether every field of it is besides. */
const BASES: readonly { name: string; kind: DocumentKind; document: configs.Json; mutations: number; all?: true }[] = [
  { name: 'spec', kind: 'config', document: configs.specConfig(), mutations: 200 },
  { name: 'rootless', kind: 'config', document: configs.rootlessConfig(), mutations: 100 },
  { name: 'docker', kind: 'config', document: configs.dockerConfig(), mutations: 300 },
  { name: 'pod', kind: 'config', document: configs.podConfig(), mutations: 100 },
  { name: 'full', kind: 'config', document: configs.fullConfig(), mutations: 1500, all: true },
  { name: 'foreign', kind: 'config', document: documents.foreignConfig(), mutations: 400, all: true },
  { name: 'state', kind: 'state', document: documents.fullState(), mutations: 100, all: true },
  { name: 'features', kind: 'features', document: documents.fullFeatures(), mutations: 200, all: true },
]

interface Verdicts {
  readonly source: string
  /** Of all mutations, so that a changed generator is told from a changed schema. */
  readonly digest: string
  /** One bit a mutation, four to the hexadecimal digit: 1 accepted, 0 refused. */
  readonly mutations: Readonly<Record<string, string>>
  /** One letter each, of the unchanged documents and of the examples in the list of differences, in order. */
  readonly bases: string
  readonly differences: string
}

const ours: Readonly<Record<DocumentKind, (value: unknown) => boolean>> = {
  config: configSchema,
  state: stateSchema,
  features: featuresSchema,
}

const mutations = new Map<string, readonly Mutation[]>(
  BASES.map((base, index) => {
    const random = sequence(20260 + index)
    const some = Array.from({ length: base.mutations }, () => mutate(base.document, random))
    return [base.name, base.all ? [...some, ...mutateAll(base.document)] : some]
  }),
)

/** A document that is good but for what the difference's example puts at its pointer. */
function example(difference: Difference): configs.Json {
  const good = { state: documents.fullState(), features: documents.fullFeatures(), config: configs.fullConfig() }
  const foreign = /^\/(windows|vm|freebsd)/.test(difference.pointer)
  const document = foreign ? documents.foreignConfig() : good[difference.document]
  return withValue(document, difference.pointer.replaceAll('*', '0'), difference.example)
}

const letter = (accepted: boolean): string => (accepted ? '1' : '0')

function packed(bits: string): string {
  return bits.replace(/.{1,4}/g, (four) => Number.parseInt(four.padEnd(4, '0'), 2).toString(16))
}

function unpacked(digits: string): string {
  return [...digits].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0')).join('')
}

const digest = createHash('sha256')
for (const [name, list] of mutations)
  digest.update(name).update(list.map((one) => JSON.stringify(one.document)).join('\n'))
const digestOfMutations = digest.digest('hex')
const official = loadOfficial()

function ask(): Verdicts | undefined {
  if (official === undefined) return undefined
  const verdicts = BASES.map((base): [string, string] => [
    base.name,
    (mutations.get(base.name) ?? []).map((one) => letter(official.accepts(base.kind, one.document))).join(''),
  ]).map(([name, bits]): [string, string] => [name, packed(bits)])
  return {
    source: 'verdicts of the JSON schemas of github.com/opencontainers/runtime-spec, tag v1.3.0',
    digest: digestOfMutations,
    mutations: Object.fromEntries(verdicts),
    bases: BASES.map((base) => letter(official.accepts(base.kind, base.document))).join(''),
    differences: DIFFERENCES.map((one) => letter(official.accepts(one.document, example(one)))).join(''),
  }
}

const asked = ask()
if (asked !== undefined && process.env['RECORD'] === '1') writeFileSync(FILE, `${JSON.stringify(asked, null, 2)}\n`)
const recorded = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Verdicts) : undefined

/** Whether a difference speaks of what was changed at a pointer: at its place, below it, or right above it. */
function covers(difference: Difference, pointer: string): boolean {
  const wanted = pointerKeys(difference.pointer)
  const changed = pointerKeys(pointer)
  if (changed.length < wanted.length - 1) return false
  return wanted.slice(0, changed.length).every((key, index) => key === '*' || key === changed[index])
}

test('the recorded verdicts are of these mutations', () => {
  assert.ok(recorded, 'test/data/runtime-spec-verdicts.json is missing')
  assert.is(
    recorded.digest,
    digestOfMutations,
    'the mutations changed: record the verdicts again (see the head of this file)',
  )
})

if (asked === undefined) {
  const title = 'the official schemas still give the recorded verdicts, and judge their own examples as ours do'
  process.stdout.write(`SKIP spec: ${title}: OCI_RUNTIME_SPEC_SCHEMA does not name the schema folder of runtime-spec\n`)
  test.skip(title, () => undefined)
} else {
  test('the recorded verdicts are those of the official schemas', () => {
    assert.equal(recorded, asked)
  })
  test('the official examples are all there', () => {
    assert.ok((official?.examples.length ?? 0) >= 19, `${official?.examples.length} examples`)
  })
}

test('both accept the documents that are mutated', () => {
  assert.is(recorded?.bases, '1'.repeat(BASES.length))
  for (const base of BASES) assert.ok(ours[base.kind](base.document), `${base.name} is refused`)
})

for (const base of BASES) {
  test(`both judge ${mutations.get(base.name)?.length} mutations of the document "${base.name}" alike`, () => {
    const verdicts = unpacked(recorded?.mutations[base.name] ?? '')
    const disagreements = (mutations.get(base.name) ?? []).flatMap((mutation, index) => {
      const accepted = ours[base.kind](mutation.document)
      if (letter(accepted) === verdicts[index]) return []
      const listed = DIFFERENCES.some(
        (one) => one.document === base.kind && (one.ours === 'accept') === accepted && covers(one, mutation.pointer),
      )
      return listed ? [] : [`${accepted ? 'accepts' : 'refuses'} ${mutation.pointer} ${mutation.what}`]
    })
    assert.equal(disagreements, [])
  })
}

test('the mutations are neither all good nor all bad', () => {
  const all = unpacked(Object.values(recorded?.mutations ?? {}).join(''))
  const good = all.replaceAll('0', '').length
  assert.ok(all.length >= 500, `${all.length} mutations`)
  assert.ok(good > all.length / 10 && good < (all.length * 9) / 10, `${good} of ${all.length} are good`)
})

DIFFERENCES.forEach((difference, index) => {
  test(`the difference at ${difference.document} ${difference.pointer} is there: ${difference.reason}`, () => {
    const accepted = ours[difference.document](example(difference))
    assert.is(accepted, difference.ours === 'accept')
    assert.is(recorded?.differences[index], letter(!accepted))
  })
})

for (const one of official?.examples ?? []) {
  test(`judges ${one.name} as the official schema does`, () => {
    let value: unknown
    try {
      value = JSON.parse(one.text)
    } catch {
      assert.not(one.good)
      return
    }
    assert.is(official?.accepts(one.kind, value), one.good)
    assert.is(ours[one.kind](value), one.good)
  })
}

test.run()
