// SPDX-License-Identifier: Apache-2.0
// What TypeScript encodes, C decodes to the same; and no bytes whatsoever make the decoder, or what reads a plan that it
// accepted, touch memory that is not the plan's.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeError, encodePlan } from '../../runtime/plan/encode.ts'
import type { Op } from '../../runtime/plan/ops.ts'
import type { Plan } from '../../runtime/plan/plan.ts'
import { FIELDS_AT, SECTIONS_AT, SPAWN_AT } from '../../runtime/plan/wire.ts'
import { newPath } from '../helpers/work-dir.ts'
import { sequence } from '../unit/spec/mutate.ts'
import { type Build, compileProgram } from './compile.ts'
import { corrupt } from './corrupt.ts'
import { expectedPrint } from './expected-print.ts'
import { randomPlan } from './random-plan.ts'

const MUTATIONS = 2000

/** Registers a test that needs the decoder. */
function testWith(build: Build, title: string, body: (decoder: string) => void): void {
  const decoder = compileProgram('decode', build)
  if ('path' in decoder) test(title, () => body(decoder.path))
  else {
    process.stdout.write(`SKIP wire: ${title}: ${decoder.reason}\n`)
    test.skip(title, () => undefined)
  }
}

/** What the decoder says of each plan of a stream, in order. */
function judge(decoder: string, plans: readonly Uint8Array[]): readonly string[] {
  const parts = plans.flatMap((plan) => [Uint8Array.from(new Uint8Array(Uint32Array.of(plan.length).buffer)), plan])
  const result = spawnSync(decoder, ['--stream'], {
    input: Buffer.concat(parts),
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  const lines = result.stdout.split('\n').slice(0, -1)
  const told = `plan ${lines.length} ends the decoder\n${result.stderr.slice(0, 4000)}`
  assert.is(result.signal, null, told)
  assert.is(result.status, 0, told)
  assert.is(lines.length, plans.length, told)
  return lines
}

testWith('static', 'C decodes what TypeScript encodes', (decoder) => {
  const random = sequence(1)
  for (let count = 0; count < 20; count++) {
    const plan = randomPlan(random)
    const file = newPath('plan')
    writeFileSync(file, encodePlan(plan))
    const result = spawnSync(decoder, [file], { encoding: 'utf8', maxBuffer: 64 << 20 })
    assert.is(result.status, 0, result.stdout.slice(0, 1000) + result.stderr)
    assert.is(result.stdout, expectedPrint(plan))
  }
})

const EMPTY: Plan = { ...randomPlan(sequence(2)), warnings: [], slots: 2 }
const SPAWN: Plan['spawn'] = { ...EMPTY.spawn, joins: [], cgroupSlot: null, timeOffsets: '' }

/** A plan with these ops in a section, and nothing else. */
function planWith(section: keyof Plan['sections'], ...ops: readonly object[]): Plan {
  const none = Object.fromEntries(Object.keys(EMPTY.sections).map((name) => [name, []]))
  const list = ops.map((op) => ({ cause: '', label: 'label', ...op }) as unknown as Op)
  return { ...EMPTY, spawn: SPAWN, sections: { ...none, [section]: list } as unknown as Plan['sections'] }
}

/** Encodes a plan and changes words: index -> value. */
function forged(plan: Plan, words: Readonly<Record<number, number>>, length?: number): Uint8Array {
  const bytes = encodePlan(plan)
  const view = new DataView(bytes.buffer)
  for (const [index, value] of Object.entries(words)) view.setUint32(Number(index) * 4, value, true)
  return bytes.subarray(0, length)
}

const HOOK = { kind: 'hook', path: '/bin/true', args: ['a', 'b'], env: [], timeoutMs: 0, state: 'xy', flags: 0 }
const PREPARE_AT = SECTIONS_AT
const SETUP_AT = SECTIONS_AT + 2 * 3

/** Word index of the first op of a plan that has one list of two items, or none. */
function firstOp(lists: number): number {
  return 56 + lists
}

const HOSTILE: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['nothing', new Uint8Array(0), /size is out of range/],
  ['a header cut short', forged(EMPTY, {}, 56 * 4 - 1), /size is out of range/],
  ['an error answer', Buffer.concat([encodeError('x'.repeat(300), 1)]), /does not start as a plan/],
  ['another version', forged(EMPTY, { 1: 2 }), /version 2.*same release/],
  ['a wrong length', forged(EMPTY, { 2: 300 }), /length is wrong/],
  ['spawn flags of the future', forged(planWith('setup'), { [SPAWN_AT + 6]: 16 }), /spawn flags are unknown/],
  ['a reserved word', forged(planWith('setup'), { [SPAWN_AT + 11]: 1 }), /reserved word is set/],
  ['too many slots', forged(EMPTY, { 3: 257 }), /too many slots/],
  ['a pool inside the header', forged(EMPTY, { 4: 8 }), /pool lies outside/],
  ['a pool past the end', forged(EMPTY, { 5: 0xffffffff }), /pool lies outside/],
  ['an empty pool', forged(EMPTY, { 5: 0 }), /pool lies outside/],
  ['a pool that starts with a text', forged(planWith('setup'), { 4: 56 * 4 + 1, 5: 3 }), /pool is not terminated/],
  ['warnings past the end', forged(EMPTY, { 6: 0xfffffffc, 7: 1 }), /list lies outside/],
  ['more warnings than fit', forged(EMPTY, { 6: 56 * 4, 7: 0x40000001 }), /list lies outside/],
  ['an unaligned list', forged(EMPTY, { 6: 56 * 4 + 2, 7: 1 }), /list lies outside/],
  ['a section past the end', forged(EMPTY, { [PREPARE_AT]: 0x7ffffffc }), /section lies outside/],
  ['a section in the header', forged(EMPTY, { [PREPARE_AT]: 8 }), /section lies outside/],
  ['so many ops that their size wraps', forged(EMPTY, { [PREPARE_AT + 1]: 0x55555556 }), /section lies outside/],
  ['an op more than there is', forged(planWith('setup', { kind: 'session' }), { [SETUP_AT + 1]: 40 }), /setup|section/],
  ['an unknown op', forged(planWith('setup', { kind: 'session' }), { [firstOp(0)]: 0x7fff }), /op is unknown/],
  ['a gap between the codes', forged(planWith('setup', { kind: 'session' }), { [firstOp(0)]: 7 }), /op is unknown/],
  ['an op without arguments', forged(planWith('prepare', HOOK), { [firstOp(2)]: 30 }), /too few arguments/],
  [
    'an op with more arguments',
    forged(planWith('setup', { kind: 'session' }), { [firstOp(0)]: 80 | (1 << 16) }),
    /too many arguments/,
  ],
  ['an op of the other side', encodePlan(planWith('prepare', { kind: 'session' })), /section of the other side/],
  [
    'a front op in init',
    encodePlan(planWith('setup', { kind: 'remove-dir', path: '/x' })),
    /section of the other side/,
  ],
  [
    'a label outside the pool',
    forged(planWith('prepare', HOOK), { [firstOp(2) + 1]: 0x7fffffff }),
    /label lies outside/,
  ],
  [
    'a string outside the pool',
    forged(planWith('prepare', HOOK), { [firstOp(2) + 3]: 0xffffffff }),
    /string lies outside/,
  ],
  ['a list outside the plan', forged(planWith('prepare', HOOK), { [firstOp(2) + 4]: 0xfffffff0 }), /list lies outside/],
  ['a list item outside the pool', forged(planWith('prepare', HOOK), { 56: 0x10000000 }), /list item lies outside/],
  [
    'bytes longer than the pool',
    forged(planWith('prepare', HOOK), { [firstOp(2) + 10]: 0xffffffff }),
    /bytes lie outside/,
  ],
  [
    'a container path that is relative',
    encodePlan(planWith('setup', { kind: 'readonly-path', path: 'proc/sys' })),
    /container path is not absolute/,
  ],
  ['a slot that is too high', encodePlan(planWith('setup', { kind: 'join-cgroup', slot: 2 })), /slot is out of range/],
  [
    'no slot where one is needed',
    encodePlan(planWith('setup', { kind: 'join-cgroup', slot: -1 })),
    /slot is out of range/,
  ],
  ['a field outside the pool', forged(planWith('setup'), { [FIELDS_AT + 11]: 0x7fffffff }), /field lies outside/],
  ['too many joins', forged(planWith('setup'), { [SPAWN_AT + 2]: 224, [SPAWN_AT + 3]: 9 }), /joins lie outside/],
  ['joins past the end', forged(planWith('setup'), { [SPAWN_AT + 2]: 0xfffffff8, [SPAWN_AT + 3]: 1 }), /joins lie/],
  ['time offsets outside the pool', forged(planWith('setup'), { [SPAWN_AT + 4]: 0x7fffffff }), /time offsets lie/],
  ['a cgroup slot that is too high', forged(planWith('setup'), { [SPAWN_AT + 5]: 2 }), /cgroup slot is out of range/],
]

for (const [title, plan, message] of HOSTILE) {
  testWith('static', `refuses ${title}`, (decoder) => {
    const [line = ''] = judge(decoder, [plan])
    assert.match(line, /^refused: /)
    assert.match(line, message)
  })
}

testWith('sanitized', `the sanitizers find nothing in ${HOSTILE.length} forged plans`, (decoder) => {
  const lines = judge(
    decoder,
    HOSTILE.map(([, plan]) => plan),
  )
  for (const line of lines) assert.match(line, /^refused: /)
})

testWith('sanitized', `the sanitizers find nothing in ${MUTATIONS} corrupted plans`, (decoder) => {
  const random = sequence(3)
  const good = Array.from({ length: 20 }, () => encodePlan(randomPlan(random)))
  for (const line of judge(decoder, good)) assert.is(line, 'accepted')
  const lines = judge(
    decoder,
    Array.from({ length: MUTATIONS }, (_, index) => corrupt(good[index % good.length] as Uint8Array, random)),
  )
  const refused = lines.filter((line) => /^refused: .*the plan (is damaged|has version)/.test(line)).length
  const accepted = lines.filter((line) => line === 'accepted').length
  assert.is(
    refused + accepted,
    MUTATIONS,
    lines.find((line) => !/^(accepted|refused: )/.test(line)),
  )
  // Both happen: the mutations reach behind the first checks, and not all of them are without effect.
  assert.ok(refused > MUTATIONS / 4 && accepted > MUTATIONS / 50, `${refused} refused, ${accepted} accepted`)
  const reasons = new Set(lines.map((line) => line.replace(/^.*damaged: /, '').replace(/ \(at \d+\)/, '')))
  assert.ok(reasons.size > 12, [...reasons].join('\n'))
})

test.run()
