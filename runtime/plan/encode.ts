// SPDX-License-Identifier: Apache-2.0
import { InternalError, TsrunError } from '../../spec/error.ts'
import { utf8Length } from '../../spec/utf8-length.ts'
import { OPS, type Op, SECTIONS, TOLERATED } from './ops.ts'
import type { Plan, Spawn } from './plan.ts'
import { HEADER_WORDS, NO_SLOT, PLAN_MAGIC, PLAN_VERSION, SPAWN_FLAG } from './wire.ts'

const encoder = new TextEncoder()

/** Strings and raw bytes, each text once. All of it is encoded in one go: one call of the engine and not hundreds. */
class Pool {
  readonly #measure: (text: string) => number
  readonly #texts: string[] = ['']
  readonly #raw: (readonly [offset: number, data: Uint8Array])[] = []
  readonly #known = new Map<string, number>([['', 0]])
  #length = 1

  constructor(measure: (text: string) => number) {
    this.#measure = measure
  }

  get length(): number {
    return this.#length
  }

  string(text: string): number {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    if (text.includes('\0'))
      throw new TsrunError('invalid-config', `config: the text ${JSON.stringify(text)} has a NUL byte in it`)
    const offset = this.#add(text, this.#measure(text))
    this.#known.set(text, offset)
    return offset
  }

  /** Puts offset and length of the data. A NUL follows it, so that handlers may read it as text. */
  bytes(data: string | Uint8Array, words: number[]): void {
    const isText = typeof data === 'string'
    const length = isText ? this.#measure(data) : data.length
    if (length === 0) {
      words.push(0, 0)
      return
    }
    const offset = this.#add(isText ? data : ' '.repeat(length), length)
    if (!isText) this.#raw.push([offset, data])
    words.push(offset, length)
  }

  /** Return: false when a text took more room than it was measured. */
  encodeInto(target: Uint8Array): boolean {
    const text = `${this.#texts.join('\0')}\0`
    const { read, written } = encoder.encodeInto(text, target)
    if (read !== text.length || written !== this.#length) return false
    for (const [offset, data] of this.#raw) target.set(data, offset)
    return true
  }

  #add(text: string, length: number): number {
    const offset = this.#length
    this.#texts.push(text)
    this.#length += length + 1
    return offset
  }
}

/** Lists come right behind the header, so that their offsets are known while ops are written. */
class Lists {
  readonly words: number[] = []
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Puts offset and count of the items. */
  add(items: readonly string[], words: number[]): void {
    words.push(items.length === 0 ? 0 : this.#end(), items.length)
    for (const item of items) this.words.push(this.#pool.string(item))
  }

  addWords(words: readonly number[]): number {
    const offset = this.#end()
    this.words.push(...words)
    return offset
  }

  #end(): number {
    return (HEADER_WORDS + this.words.length) * 4
  }
}

/** Plan -> the bytes that the executor reads. Spec: csrc/README.md, "Plan". */
export function encodePlan(plan: Plan): Uint8Array {
  // Nearly always all texts are ASCII, and to find out otherwise is cheaper than to look at each of them.
  const bytes = encodeMeasured(plan, (text) => text.length) ?? encodeMeasured(plan, utf8Length)
  if (bytes === undefined) throw new InternalError('internal error: the texts of the plan changed while it was encoded')
  return bytes
}

/** Undefined when a text took more bytes than `measure` told. */
function encodeMeasured(plan: Plan, measure: (text: string) => number): Uint8Array | undefined {
  const pool = new Pool(measure)
  const lists = new Lists(pool)
  const ops: number[] = []
  const places: number[] = []
  for (const name of SECTIONS) {
    places.push(plan.sections[name].length === 0 ? -1 : ops.length, plan.sections[name].length)
    for (const op of plan.sections[name]) encodeOp(op, ops, pool, lists)
  }
  const warnings: number[] = []
  lists.add(plan.warnings, warnings)
  const fields = encodeFields(plan, pool)
  const spawn = encodeSpawn(plan.spawn, pool, lists)

  const opsAt = HEADER_WORDS + lists.words.length
  for (let at = 0; at < places.length; at += 2) places[at] = places[at] === -1 ? 0 : (opsAt + (places[at] ?? 0)) * 4
  const poolAt = (opsAt + ops.length) * 4
  const length = (poolAt + pool.length + 3) & ~3
  const bytes = new Uint8Array(length)
  const target = new Uint32Array(bytes.buffer)
  const head = [PLAN_MAGIC, PLAN_VERSION, length, plan.slots, poolAt, length - poolAt]
  target.set(head.concat(warnings, places, fields, spawn, lists.words, ops))
  return pool.encodeInto(bytes.subarray(poolAt)) ? bytes : undefined
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
        const number = value as bigint
        words.push(Number(BigInt.asUintN(32, number)), Number(BigInt.asUintN(32, number >> 32n)))
        break
      }
      case 's':
      case 'r':
        words.push(pool.string(value as string))
        break
      case 'b':
        pool.bytes(value as string | Uint8Array, words)
        break
      case 'v':
        lists.add(value as readonly string[], words)
        break
      default:
        throw new InternalError(`internal error: op ${op.kind} has the unknown signature ${signature}`)
    }
  }
  words[head] = code | ((words.length - head - 3) << 16)
}

function tolerance({ tolerate }: Op): number {
  if (tolerate === undefined) return 0
  let mask = 0
  for (const name of tolerate) mask |= TOLERATED[name]
  return mask
}

function encodeFields({ fields }: Plan, pool: Pool): number[] {
  const texts = [
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
  ]
  const words: number[] = []
  for (const text of texts) words.push(pool.string(text))
  return words
}

function encodeSpawn(spawn: Spawn, pool: Pool, lists: Lists): number[] {
  const { joins } = spawn
  const joinsAt = joins.length === 0 ? 0 : lists.addWords(joins.flatMap(({ slot, type }) => [slot, type]))
  const flags =
    (spawn.terminal ? SPAWN_FLAG.terminal : 0) |
    (spawn.stage ? SPAWN_FLAG.stage : 0) |
    (spawn.exec ? SPAWN_FLAG.exec : 0) |
    (spawn.dumpable ? SPAWN_FLAG.dumpable : 0)
  const timeOffsets = pool.string(spawn.timeOffsets)
  return [spawn.cloneFlags >>> 0, 0, joinsAt, joins.length, timeOffsets, spawn.cgroupSlot ?? NO_SLOT, flags].concat([
    0, 0, 0, 0, 0,
  ])
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
