// SPDX-License-Identifier: Apache-2.0
import { InternalError, TsrunError } from '../../spec/error.ts'
import { OPS, type Op, SECTIONS, TOLERATED } from './ops.ts'
import type { Plan, Spawn } from './plan.ts'
import { HEADER_WORDS, NO_SLOT, PLAN_MAGIC, PLAN_VERSION, SPAWN_FLAG } from './wire.ts'

const encoder = new TextEncoder()

/** Strings and raw bytes, each text once. */
class Pool {
  #bytes = new Uint8Array(1 << 16)
  #length = 1
  readonly #known = new Map<string, number>([['', 0]])

  get length(): number {
    return this.#length
  }

  string(text: string): number {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    if (text.includes('\0'))
      throw new TsrunError('invalid-config', `config: the text ${JSON.stringify(text)} has a NUL byte in it`)
    this.#reserve(text.length * 3 + 1)
    const offset = this.#length
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(offset))
    this.#length += written + 1
    this.#known.set(text, offset)
    return offset
  }

  /** A NUL follows, so that handlers may read the bytes as text. */
  bytes(data: Uint8Array): readonly [offset: number, length: number] {
    if (data.length === 0) return [0, 0]
    this.#reserve(data.length + 1)
    const offset = this.#length
    this.#bytes.set(data, offset)
    this.#length += data.length + 1
    return [offset, data.length]
  }

  copyTo(target: Uint8Array, at: number): void {
    target.set(this.#bytes.subarray(0, this.#length), at)
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#bytes.length) return
    const larger = new Uint8Array((this.#length + length) * 2)
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

/** Lists come right behind the header, so that their offsets are known while ops are written. */
class Lists {
  readonly words: number[] = []
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  add(items: readonly string[]): readonly [offset: number, count: number] {
    if (items.length === 0) return [0, 0]
    const offset = (HEADER_WORDS + this.words.length) * 4
    for (const item of items) this.words.push(this.#pool.string(item))
    return [offset, items.length]
  }

  addWords(words: readonly number[]): number {
    const offset = (HEADER_WORDS + this.words.length) * 4
    this.words.push(...words)
    return offset
  }
}

/** Plan -> the bytes that the executor reads. Spec: csrc/README.md, "Plan". */
export function encodePlan(plan: Plan): Uint8Array {
  const pool = new Pool()
  const lists = new Lists(pool)
  const sections = SECTIONS.map((name) => {
    const words: number[] = []
    for (const op of plan.sections[name]) encodeOp(op, words, pool, lists)
    return { words, count: plan.sections[name].length }
  })
  const warnings = lists.add(plan.warnings)
  const fields = encodeFields(plan, pool)
  const spawn = encodeSpawn(plan.spawn, pool, lists)

  let at = HEADER_WORDS + lists.words.length
  const places = sections.flatMap(({ words, count }) => {
    const place = [count === 0 ? 0 : at * 4, count]
    at += words.length
    return place
  })
  const poolAt = at * 4
  const length = (poolAt + pool.length + 3) & ~3
  const words = [
    ...[PLAN_MAGIC, PLAN_VERSION, length, plan.slots, poolAt, length - poolAt, ...warnings],
    ...places,
    ...fields,
    ...spawn,
  ]
  const bytes = new Uint8Array(length)
  const target = new Uint32Array(bytes.buffer)
  target.set(words, 0)
  target.set(lists.words, HEADER_WORDS)
  let section = HEADER_WORDS + lists.words.length
  for (const { words } of sections) {
    target.set(words, section)
    section += words.length
  }
  pool.copyTo(bytes, poolAt)
  return bytes
}

function encodeOp(op: Op, words: number[], pool: Pool, lists: Lists): void {
  const { code, signature, args } = OPS[op.kind]
  const head = words.length
  words.push(0, pool.string(op.label), tolerance(op))
  const values = op as unknown as Readonly<Record<string, unknown>>
  for (let index = 0; index < args.length; index++) {
    const value = values[args[index] as string]
    switch (signature[index]) {
      case 'u':
      case 'P':
      case 'T':
      case 'F':
        words.push((value as number) >>> 0)
        break
      case 'O':
        words.push(value === null ? NO_SLOT : (value as number))
        break
      case 'q': {
        const number = BigInt.asUintN(64, value as bigint)
        words.push(Number(number & 0xffffffffn), Number(number >> 32n))
        break
      }
      case 's':
      case 'r':
        words.push(pool.string(value as string))
        break
      case 'b':
        words.push(...pool.bytes(typeof value === 'string' ? encoder.encode(value) : (value as Uint8Array)))
        break
      case 'v':
        words.push(...lists.add(value as readonly string[]))
        break
      default:
        throw new InternalError(`internal error: op ${op.kind} has the unknown signature ${signature}`)
    }
  }
  words[head] = code | ((words.length - head - 3) << 16)
}

function tolerance(op: Op): number {
  let mask = 0
  for (const name of op.tolerate ?? []) mask |= TOLERATED[name]
  return mask
}

function encodeFields({ fields }: Plan, pool: Pool): number[] {
  return [
    fields.id,
    fields.stateJson,
    fields.stateOutput,
    fields.freezerFile,
    fields.killDir,
    fields.sharesPidNamespace ? '1' : '',
    fields.bundle,
    fields.rootfs,
    fields.created,
    fields.procsDirs.join(':'),
    '',
    '',
  ].map((text) => pool.string(text))
}

function encodeSpawn(spawn: Spawn, pool: Pool, lists: Lists): number[] {
  const joins = spawn.joins.flatMap(({ slot, type }) => [slot, type])
  let flags = 0
  for (const [name, bit] of Object.entries(SPAWN_FLAG)) if (spawn[name as keyof typeof SPAWN_FLAG]) flags |= bit
  return [
    ...[spawn.cloneFlags >>> 0, 0, joins.length === 0 ? 0 : lists.addWords(joins), spawn.joins.length],
    ...[pool.string(spawn.timeOffsets), spawn.cgroupSlot ?? NO_SLOT, flags, 0, 0, 0, 0, 0],
  ]
}

/** The answer that says why there is no plan. Spec: csrc/README.md, "Answer". */
export function encodeError(message: string, exitCode: number): Uint8Array {
  const text = encoder.encode(message)
  const bytes = new Uint8Array(16 + text.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x52455354, true) // TSER
  view.setUint32(4, 1, true)
  view.setUint32(8, bytes.length, true)
  view.setUint32(12, exitCode, true)
  bytes.set(text, 16)
  return bytes
}
