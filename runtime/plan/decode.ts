// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import { type FdSlot, OPS, type Op, type OpKind, SECTIONS, type SectionName, TOLERATED, type Tolerated } from './ops.ts'
import type { Plan, PlanFields, Spawn } from './plan.ts'
import { MAX_SLOTS } from './slots.ts'
import {
  FIELDS_AT,
  HEADER_WORDS,
  NO_SLOT,
  PLAN_MAGIC,
  PLAN_VERSION,
  SECTIONS_AT,
  SPAWN_AT,
  SPAWN_FLAG,
} from './wire.ts'

const MAX_PLAN = 64 << 20
const MAX_JOINS = 8

const kinds: ReadonlyMap<number, OpKind> = new Map(
  (Object.keys(OPS) as readonly OpKind[]).map((kind) => [OPS[kind].code, kind]),
)
/** Sections that init runs; the others are of the front. */
const initSections: ReadonlySet<SectionName> = new Set(['setup', 'drop', 'start'])

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const strictUtf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

function damaged(what: string, at: number): TsrunError {
  return new TsrunError('plan', `the plan is damaged: ${what} (at ${at})`)
}

/** Reads words and the pool; every access is checked. */
class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #poolAt: number
  readonly #poolLength: number

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#poolAt = this.word(4)
    this.#poolLength = this.word(5)
    const { length } = bytes
    if (this.#poolLength === 0 || this.#poolAt < HEADER_WORDS * 4 || this.#poolAt + this.#poolLength > length) {
      throw damaged('the pool lies outside', this.#poolAt)
    }
    if (bytes[this.#poolAt] !== 0 || bytes[this.#poolAt + this.#poolLength - 1] !== 0) {
      throw damaged('the pool is not terminated', this.#poolLength)
    }
  }

  /** The word at an index from the start of the plan. */
  word(index: number): number {
    if ((index + 1) * 4 > this.#bytes.length) throw damaged('a word lies outside', index)
    return this.#view.getUint32(index * 4, true)
  }

  /** Index of the first word of `count` that start at a byte offset. */
  wordsAt(offset: number, count: number, what: string): number {
    if (offset % 4 !== 0 || offset < HEADER_WORDS * 4 || offset + count * 4 > this.#bytes.length) {
      throw damaged(`${what} outside`, offset)
    }
    return offset / 4
  }

  string(offset: number): string {
    if (offset >= this.#poolLength) throw damaged('a string lies outside the pool', offset)
    const start = this.#poolAt + offset
    return utf8.decode(this.#bytes.subarray(start, this.#bytes.indexOf(0, start)))
  }

  /** Text where it is text, because people read that. */
  bytes(offset: number, length: number): string | Uint8Array {
    if (offset >= this.#poolLength || length > this.#poolLength - offset) {
      throw damaged('bytes lie outside the pool', offset)
    }
    const data = this.#bytes.slice(this.#poolAt + offset, this.#poolAt + offset + length)
    // The low control bytes are the placeholders of templates, tab and newline.
    if (data.some((byte) => byte === 0 || (byte < 0x20 && byte > 0x0a) || byte === 0x7f)) return data
    try {
      return strictUtf8.decode(data)
    } catch {
      return data
    }
  }

  list(offset: number, count: number): readonly string[] {
    if (count === 0) return []
    const at = this.wordsAt(offset, count, 'a list lies')
    return Array.from({ length: count }, (_, index) => this.string(this.word(at + index)))
  }
}

/**
 * The bytes that the executor reads -> plan, checked as csrc/plan/decode.c does. The wire format keeps labels, but not
 * which pointer a label was made from: `cause` is '' in all ops. Spec: csrc/README.md, "Plan". Errors: plan, protocol.
 */
export function decodePlan(bytes: Uint8Array): Plan {
  if (bytes.length < HEADER_WORDS * 4 || bytes.length > MAX_PLAN) {
    throw damaged('its size is out of range', bytes.length)
  }
  const reader = new Reader(checkHeader(bytes))
  const slots = reader.word(3)
  if (slots > MAX_SLOTS) throw damaged('it has too many slots', slots)
  const sections = SECTIONS.map((name, index) => [name, decodeSection(reader, name, index, slots)] as const)
  return {
    sections: Object.fromEntries(sections) as Record<SectionName, readonly Op[]>,
    fields: decodeFields(reader),
    spawn: decodeSpawn(reader, slots),
    slots,
    warnings: reader.list(reader.word(6), reader.word(7)),
  }
}

function checkHeader(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== PLAN_MAGIC) throw damaged('it does not start as a plan', view.getUint32(0, true))
  const version = view.getUint32(4, true)
  if (version !== PLAN_VERSION) {
    throw new TsrunError('protocol', `the plan has version ${version}, this tsrun understands ${PLAN_VERSION}`)
  }
  if (view.getUint32(8, true) !== bytes.length) throw damaged('its length is wrong', view.getUint32(8, true))
  return bytes
}

function decodeSection(reader: Reader, name: SectionName, index: number, slots: number): readonly Op[] {
  const count = reader.word(SECTIONS_AT + 2 * index + 1)
  if (count === 0) return []
  let at = reader.wordsAt(reader.word(SECTIONS_AT + 2 * index), 3 * count, 'a section lies')
  const ops: Op[] = []
  for (let n = 0; n < count; n++) {
    const head = reader.word(at)
    const kind = kinds.get(head & 0xffff)
    if (kind === undefined) throw damaged('an op is unknown', head & 0xffff)
    const { side } = OPS[kind]
    if (side !== 'B' && (side === 'I') !== initSections.has(name)) {
      throw damaged(`${name}[${n}] (${kind}) stands in a section of the other side`, at)
    }
    ops.push({
      kind,
      cause: '',
      label: reader.string(reader.word(at + 1)),
      ...decodeTolerated(reader.word(at + 2)),
      ...decodeArguments(reader, kind, at + 3, head >>> 16, slots),
    } as Op)
    at += 3 + (head >>> 16)
  }
  return ops
}

function decodeTolerated(mask: number): { readonly tolerate?: readonly Tolerated[] } {
  if (mask === 0) return {}
  const names = Object.keys(TOLERATED) as readonly Tolerated[]
  return { tolerate: names.filter((name) => (mask & TOLERATED[name]) !== 0) }
}

function decodeArguments(
  reader: Reader,
  kind: OpKind,
  start: number,
  have: number,
  slots: number,
): Readonly<Record<string, unknown>> {
  const { signature, args } = OPS[kind]
  const sizes = Array.from(signature, (letter) => ('qbv'.includes(letter) ? 2 : 1))
  if (sizes.reduce((sum, size) => sum + size, 0) !== have) {
    throw damaged(`an op has the wrong number of arguments (${kind})`, start)
  }
  const values: Record<string, unknown> = {}
  let at = start
  for (const [index, name] of args.entries()) {
    const letter = signature[index] ?? ''
    values[name] = decodeArgument(reader, letter, at, slots)
    at += sizes[index] ?? 0
  }
  return values
}

function decodeArgument(reader: Reader, letter: string, at: number, slots: number): unknown {
  const word = reader.word(at)
  switch (letter) {
    case 'u':
      return word
    case 'q':
      return (BigInt(reader.word(at + 1)) << 32n) | BigInt(word)
    case 's':
      return reader.string(word)
    case 'r': {
      const path = reader.string(word)
      if (!path.startsWith('/')) throw damaged('a container path is not absolute', at)
      return path
    }
    case 'b':
      return reader.bytes(word, reader.word(at + 1))
    case 'v':
      return reader.list(word, reader.word(at + 1))
    default:
      if (letter === 'O' && word === NO_SLOT) return null
      return toSlot(word, slots, at)
  }
}

function toSlot(word: number, slots: number, at: number): FdSlot {
  if (word >= slots) throw damaged('a slot is out of range', at)
  return word as FdSlot
}

function decodeFields(reader: Reader): PlanFields {
  const field = (index: number): string => reader.string(reader.word(FIELDS_AT + index))
  return {
    id: field(0),
    stateJson: field(1),
    stateOutput: field(2),
    freezerFile: field(3),
    killDir: field(4),
    sharesPidNamespace: field(5) === '1',
    bundle: field(6),
    rootfs: field(7),
    created: field(8),
    procsDirs: field(9)
      .split(':')
      .filter((dir) => dir !== ''),
  }
}

function decodeSpawn(reader: Reader, slots: number): Spawn {
  const word = (index: number): number => reader.word(SPAWN_AT + index)
  const count = word(3)
  if (count > MAX_JOINS) throw damaged('it joins too many namespaces', count)
  const at = count === 0 ? 0 : reader.wordsAt(word(2), count * 2, 'the joins lie')
  const flags = word(6)
  return {
    cloneFlags: word(0),
    joins: Array.from({ length: count }, (_, index) => ({
      slot: toSlot(reader.word(at + 2 * index), slots, at + 2 * index),
      type: reader.word(at + 2 * index + 1),
    })),
    timeOffsets: reader.string(word(4)),
    cgroupSlot: word(5) === NO_SLOT ? null : toSlot(word(5), slots, SPAWN_AT + 5),
    terminal: (flags & SPAWN_FLAG.terminal) !== 0,
    stage: (flags & SPAWN_FLAG.stage) !== 0,
    exec: (flags & SPAWN_FLAG.exec) !== 0,
    dumpable: (flags & SPAWN_FLAG.dumpable) !== 0,
  }
}
