// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findVerb, globalFlags, verbs } from '../../../cmd/flags.ts'

const test = suite('flags')
const source = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

/** Lines of csrc/front/flags.def, in the order of cmd/flags.ts, as `VERB name short type`. */
function readDef(): readonly string[] {
  const pattern = /^FLAG\((\w+), "([^"]+)", (?:0|'(\w)'), (\w+)\)$/gm
  return [...source('csrc/front/flags.def').matchAll(pattern)].map(
    ([, verb, name, short, type]) => `${verb} ${name} ${short ?? '-'} ${type}`,
  )
}

function describe(verb: string, flags: typeof globalFlags): readonly string[] {
  return flags.map(({ name, short, type }) => `${verb} ${name} ${short ?? '-'} ${type.toUpperCase()}`)
}

test('csrc/front/flags.def lists the same flags for the verbs of the C program', () => {
  const ours = verbs
    .filter(({ runs }) => runs === 'c')
    .flatMap(({ name, flags }) => describe(name.toUpperCase(), flags))
  assert.equal([...readDef()].sort(), [...describe('ALL', globalFlags), ...ours].sort())
})

test('every line of flags.def that looks like a flag was read', () => {
  const lines = source('csrc/front/flags.def')
    .split('\n')
    .filter((line) => line.startsWith('FLAG('))
  assert.is(readDef().length, lines.length)
})

test('csrc/front/args.c has the same verbs and numbers of arguments', () => {
  const table = [...source('csrc/front/args.c').matchAll(/\{"(\w+)", (\d+), (-?\d+)\}/g)].map(
    ([, name, minimum, maximum]) => `${name} ${minimum} ${maximum === '-1' ? Infinity : maximum}`,
  )
  const ours = verbs.filter(({ runs }) => runs === 'c').map((verb) => `${verb.name} ${verb.minimum} ${verb.maximum}`)
  assert.equal([...table].sort(), [...ours].sort())
})

test('names and letters are unique in each verb, and none takes help away', () => {
  for (const { name, flags } of [{ name: 'global', flags: globalFlags }, ...verbs]) {
    const words = flags.flatMap((flag) => [flag.name, ...(flag.short === undefined ? [] : [flag.short])])
    assert.is(new Set(words).size, words.length, name)
    assert.not.ok(words.includes('h') || words.includes('help'), name)
  }
  assert.is(findVerb('create')?.name, 'create')
  assert.is(findVerb('constructor'), undefined)
})

test.run()
