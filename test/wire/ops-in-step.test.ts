// SPDX-License-Identifier: Apache-2.0
// csrc/plan and runtime/plan say the same: ops, sections, fields, flags and the numbers of the wire format.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { OPS, SECTIONS, TOLERATED } from '../../runtime/plan/ops.ts'
import { MAX_SLOTS } from '../../runtime/plan/slots.ts'
import {
  FIELDS_AT,
  HEADER_WORDS,
  NO_SLOT,
  PLAN_MAGIC,
  SECTIONS_AT,
  SPAWN_AT,
  SPAWN_FLAG,
} from '../../runtime/plan/wire.ts'
import { projectDir } from '../helpers/work-dir.ts'

const read = (file: string): string => readFileSync(join(projectDir, file), 'utf8')
const opsDef = read('csrc/plan/ops.def').replace(/\/\*[\s\S]*?\*\//g, '')
const planH = read('csrc/plan/plan.h')
const decodeC = read('csrc/plan/decode.c')

interface OpLine {
  readonly name: string
  readonly code: number
  readonly side: string
  readonly signature: string
  readonly syscall: string
  readonly args: readonly string[]
}

const OP = /^OP\((\w+), (\d+), ([HIB]), "(\w*)", "(\w+)", "([\w ]*)", "[^"]+"\)$/

function parseOps(text: string): readonly OpLine[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', code, side = '', signature = '', syscall = '', args = ''] = OP.exec(line) ?? []
      if (code === undefined) throw new Error(`csrc/plan/ops.def: not an op: ${line}`)
      return { name, code: Number(code), side, signature, syscall, args: args === '' ? [] : args.split(' ') }
    })
}

const cOps = parseOps(opsDef)

/** The value of a macro, in decimal, hexadecimal or as `1u << n`. */
function macro(text: string, name: string): number {
  const value = new RegExp(`#define ${name}\\s+\\(?(0x[0-9a-f]+|\\d+)u?(?: << (\\d+))?`).exec(text)
  assert.ok(value, `#define ${name} is missing`)
  return Number(value[1]) * 2 ** Number(value[2] ?? 0)
}

/** Names of an enum's values without their prefix and the count at the end. */
function enumNames(name: string, prefix: string): readonly string[] {
  const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(planH)?.[1] ?? ''
  return [...body.matchAll(new RegExp(`\\b${prefix}_(\\w+)`, 'g'))].map((match) => match[1] ?? '').slice(0, -1)
}

test('both lists have the same ops in the same order, told alike', () => {
  const tsOps = Object.entries(OPS).map(([kind, op]) => ({
    name: kind.toUpperCase().replaceAll('-', '_'),
    code: op.code,
    side: op.side,
    signature: op.signature,
    syscall: op.syscall,
    args: [...op.args],
  }))
  assert.ok(cOps.length > 50, `${cOps.length} ops`)
  assert.equal(tsOps, cOps)
})

test('codes are unique and fit their half word', () => {
  assert.is(new Set(cOps.map((op) => op.code)).size, cOps.length)
  for (const { name, code } of cOps) assert.ok(code > 0 && code < 0x10000, name)
})

test('every argument has a letter and a name of its own', () => {
  for (const { name, signature, args } of cOps) {
    assert.match(signature, /^[uqsrbvPTFO]*$/, name)
    assert.is(signature.length, args.length, name)
    assert.is(new Set(args).size, args.length, name)
    for (const reserved of ['kind', 'cause', 'label', 'tolerate']) assert.not(args.includes(reserved), name)
  }
})

test('sections come in the same order, and C runs them on the side that the compiler fills', () => {
  assert.equal(
    enumNames('section', 'SECTION'),
    SECTIONS.map((name) => name.toUpperCase()),
  )
  const names = /static const char \*const names\[SECTION_COUNT\] = \{([^}]*)\}/.exec(decodeC)?.[1] ?? ''
  assert.equal(
    [...names.matchAll(/"(\w+)"/g)].map((match) => match[1]),
    [...SECTIONS],
  )
  for (const name of SECTIONS) {
    const side = ['setup', 'drop', 'start'].includes(name) ? 'I' : 'H'
    assert.match(decodeC, new RegExp(`\\[SECTION_${name.toUpperCase()}\\] = ${side}\\b`))
  }
})

test('tolerated errors have the same bits', () => {
  const inC = [...planH.matchAll(/#define TOLERATE_(\w+)/g)].map((match) => match[1] ?? '')
  assert.equal(inC.toSorted(), Object.keys(TOLERATED).toSorted())
  for (const [name, bit] of Object.entries(TOLERATED)) assert.is(macro(planH, `TOLERATE_${name}`), bit)
})

test('spawn flags have the same bits', () => {
  const inC = [...planH.matchAll(/#define SPAWN_(\w+)/g)].map((match) => (match[1] ?? '').toLowerCase())
  assert.equal(inC.toSorted(), Object.keys(SPAWN_FLAG).toSorted())
  for (const [name, bit] of Object.entries(SPAWN_FLAG)) {
    assert.is(macro(planH, `SPAWN_${name.toUpperCase()}`), bit)
  }
})

test('the wire format has the same numbers', () => {
  assert.is(macro(decodeC, 'MAGIC'), PLAN_MAGIC)
  for (const [name, value] of Object.entries({ HEADER_WORDS, SECTIONS_AT, FIELDS_AT, SPAWN_AT })) {
    assert.is(macro(decodeC, name), value, name)
  }
  assert.is(macro(planH, 'NO_SLOT'), NO_SLOT)
  assert.is(macro(planH, 'MAX_SLOTS'), MAX_SLOTS)
  assert.is(SECTIONS_AT + 2 * SECTIONS.length, FIELDS_AT)
  assert.is(FIELDS_AT + enumNames('field', 'FIELD').length, SPAWN_AT)
})

test('a difference is found', () => {
  const [line = ''] = opsDef.split('\n').filter((one) => one.startsWith('OP('))
  assert.equal(parseOps(line), cOps.slice(0, 1))
  assert.not.equal(parseOps(line.replace(', 1, ', ', 2, ')), cOps.slice(0, 1))
  assert.throws(() => parseOps(`${line}x`))
})

test.run()
