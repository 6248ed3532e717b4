// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodePlan } from '../../../../runtime/plan/decode.ts'
import { encodePlan } from '../../../../runtime/plan/encode.ts'
import { type FdSlot, OPS, type Op, type OpKind, SECTIONS, type SectionName } from '../../../../runtime/plan/ops.ts'
import type { Plan } from '../../../../runtime/plan/plan.ts'
import { makePlan } from '../state/plans.ts'

const test = suite('decode')

const samples: Readonly<Record<string, unknown>> = {
  u: 0xfffffffe,
  q: 0xfedcba9876543210n,
  s: 'text \u00fc',
  r: '/in/the/container',
  b: new Uint8Array([0, 255, 7]),
  v: ['one', '', 'two'],
  P: 3 as FdSlot,
  T: 2 as FdSlot,
  F: 1 as FdSlot,
  O: null,
}

/** One op of every kind that there is, in a section of its side. */
function everyOp(): Partial<Record<SectionName, readonly Op[]>> {
  const sections: Record<string, Op[]> = { prepare: [], setup: [] }
  for (const kind of Object.keys(OPS) as readonly OpKind[]) {
    const { signature, args, side } = OPS[kind]
    const values = Object.fromEntries(args.map((name, index) => [name, samples[signature[index] ?? '']]))
    const op = { kind, cause: '', label: `label of ${kind}`, tolerate: ['ENOENT'], ...values }
    sections[side === 'I' ? 'setup' : 'prepare']?.push(op as unknown as Op)
  }
  return sections
}

function fullPlan(): Plan {
  return {
    ...makePlan({ procsDirs: ['/a', '/b'], sharesPidNamespace: true }, everyOp()),
    spawn: {
      cloneFlags: 0x7e020080,
      joins: [{ slot: 0 as FdSlot, type: 0x20000 }],
      timeOffsets: 'monotonic 1 2\n',
      cgroupSlot: 2 as FdSlot,
      terminal: true,
      stage: true,
      exec: false,
      dumpable: true,
    },
    warnings: ['first', 'second'],
  }
}

test('what was encoded comes back, every op with every argument', () => {
  assert.equal(decodePlan(encodePlan(fullPlan())), fullPlan())
  assert.equal(decodePlan(encodePlan(makePlan())), makePlan())
})

test('encoding what was decoded gives the same bytes', () => {
  const bytes = encodePlan(fullPlan())
  assert.equal(encodePlan(decodePlan(bytes)), bytes)
})

test('bytes that are text come back as text', () => {
  const write = (data: string | Uint8Array): Op =>
    ({ kind: 'write-file', cause: '', label: 'x', path: '/f', data }) as unknown as Op
  const decode = (data: string | Uint8Array): unknown => {
    const op = decodePlan(encodePlan(makePlan({}, { prepare: [write(data)] }))).sections.prepare[0]
    return op !== undefined && 'data' in op ? op.data : undefined
  }
  for (const text of ['', 'max 100\n', 'a\tb', '{"pid":\x01}', '\u00fc']) assert.is(decode(text), text)
  for (const bytes of [[0], [0xff], [0x1b, 0x5b], [0xc3]])
    assert.equal(decode(new Uint8Array(bytes)), new Uint8Array(bytes))
})

test('a plan inside a larger buffer is read at its place', () => {
  const bytes = encodePlan(fullPlan())
  const larger = new Uint8Array(bytes.length + 7)
  larger.set(bytes, 5)
  assert.equal(decodePlan(larger.subarray(5, 5 + bytes.length)), fullPlan())
})

test('a plan of another version, or that is cut, is refused', () => {
  const bytes = encodePlan(fullPlan())
  assert.throws(() => decodePlan(bytes.subarray(0, 100)), /damaged/)
  assert.throws(() => decodePlan(bytes.subarray(0, bytes.length - 4)), /its length is wrong/)
  const other = bytes.slice()
  other[4] = 2
  assert.throws(() => decodePlan(other), /version 2/)
  other[0] = 0
  assert.throws(() => decodePlan(other), /does not start as a plan/)
})

test('every word that is damaged either decodes or is refused with a reason', () => {
  const bytes = encodePlan(fullPlan())
  const poolAt = new DataView(bytes.buffer).getUint32(16, true)
  for (let at = 0; at < poolAt; at += 4) {
    for (const value of [0, 1, 3, 0x7fffffff, 0xffffffff, bytes.length]) {
      const damaged = bytes.slice()
      new DataView(damaged.buffer).setUint32(at, value, true)
      try {
        const plan = decodePlan(damaged)
        assert.is(Object.keys(plan.sections).length, SECTIONS.length)
      } catch (e: unknown) {
        assert.match(e instanceof Error ? `${e.name}: ${e.message}` : '', /^TsrunError: the plan /)
      }
    }
  }
})

test('an op in a section of the other side is refused', () => {
  const op = { kind: 'pivot', cause: '', label: 'x', flags: 0 } as unknown as Op
  assert.throws(() => decodePlan(encodePlan(makePlan({}, { undo: [op] }))), /undo\[0\] \(pivot\).*other side/)
})

test.run()
