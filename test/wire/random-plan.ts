// SPDX-License-Identifier: Apache-2.0
import {
  type FdSlot,
  OPS,
  type Op,
  type OpKind,
  SECTIONS,
  type SectionName,
  TOLERATED,
} from '../../runtime/plan/ops.ts'
import type { Plan } from '../../runtime/plan/plan.ts'

/** A number from 0 to below `below`, excluded. */
export type Random = (below: number) => number

const SLOTS = 24
const KINDS = Object.keys(OPS) as readonly OpKind[]
const INIT: ReadonlySet<SectionName> = new Set(['setup', 'drop', 'start'])
const TEXTS = ['', 'x', '/proc', 'ä € 𐍈', 'rw,nosuid', '/a b\nc', 'x'.repeat(300)]
const WORDS = [0, 1, 2, 0o755, 0x7fffffff, 0x80000000, 0xffffffff]
const BIG = [0n, 1n, 0xffffffffn, 0x100000000n, (1n << 63n) - 1n, (1n << 64n) - 1n]

function pick<T>(list: readonly T[], random: Random): T {
  return list[random(list.length)] as T
}

function bytes(random: Random): Uint8Array {
  return Uint8Array.from({ length: pick([0, 1, 3, 8, 300], random) }, () => random(256))
}

function argument(letter: string, random: Random): unknown {
  switch (letter) {
    case 'u':
      return pick(WORDS, random)
    case 'q':
      return pick(BIG, random)
    case 's':
      return pick(TEXTS, random)
    case 'r':
      return `/${pick(TEXTS, random)}`
    case 'b':
      return random(2) === 0 ? pick(TEXTS, random) : bytes(random)
    case 'v':
      return Array.from({ length: random(5) }, () => pick(TEXTS, random))
    case 'O':
      return random(2) === 0 ? null : (random(SLOTS) as FdSlot)
    default:
      return random(SLOTS) as FdSlot
  }
}

/** An op of a kind with arguments at random. */
export function randomOp(kind: OpKind, random: Random): Op {
  const { signature, args } = OPS[kind]
  const names = Object.keys(TOLERATED) as readonly (keyof typeof TOLERATED)[]
  return {
    kind,
    cause: '/x',
    label: pick(TEXTS, random),
    tolerate: names.filter(() => random(4) === 0),
    ...Object.fromEntries(args.map((name, index) => [name, argument(signature[index] ?? '', random)])),
  } as unknown as Op
}

/** Kinds of ops that may stand in a section. */
export function kindsOf(section: SectionName): readonly OpKind[] {
  const side = INIT.has(section) ? 'I' : 'H'
  return KINDS.filter((kind) => OPS[kind].side === 'B' || OPS[kind].side === side)
}

/** A plan that says all there is to say: every kind of op at least once where it may stand, arguments at random. */
export function randomPlan(random: Random): Plan {
  const sections = SECTIONS.map((name): [SectionName, readonly Op[]] => {
    const kinds = kindsOf(name)
    const all = name === 'prepare' || name === 'setup'
    const chosen = all ? kinds : Array.from({ length: random(4) }, () => pick(kinds, random))
    return [name, chosen.map((kind) => randomOp(kind, random))]
  })
  return {
    sections: Object.fromEntries(sections) as Record<SectionName, readonly Op[]>,
    fields: {
      id: 'id',
      stateJson: '{"pid":\x01}',
      stateOutput: pick(TEXTS, random),
      freezerFile: pick(TEXTS, random),
      killDir: '/sys/fs/cgroup/x',
      sharesPidNamespace: random(2) === 0,
      bundle: '/bundle',
      rootfs: pick(TEXTS, random),
      created: '2026-01-01T00:00:00.000000000Z',
      procsDirs: Array.from({ length: random(3) }, () => '/sys/fs/cgroup/y'),
    },
    spawn: {
      cloneFlags: pick(WORDS, random),
      joins: Array.from({ length: random(9) }, () => ({ slot: random(SLOTS) as FdSlot, type: pick(WORDS, random) })),
      timeOffsets: pick(TEXTS, random),
      cgroupSlot: random(2) === 0 ? null : (random(SLOTS) as FdSlot),
      terminal: random(2) === 0,
      stage: random(2) === 0,
      exec: random(2) === 0,
      dumpable: random(2) === 0,
    },
    slots: SLOTS,
    warnings: Array.from({ length: random(3) }, () => pick(TEXTS, random)),
  }
}
