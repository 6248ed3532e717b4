// SPDX-License-Identifier: Apache-2.0
import { HOLE_CLASS, type Hole, isOfClass } from './template-holes.ts'
import { planWords, visitPoolWords } from './pool-words.ts'

/*
 * A template of plans, as csrc/front/template.c reads it. Words are little-endian u32; a table is { offset in bytes, rows }.
 *
 *   0 'TSTM'   1 version   2 length   3 plan { offset, length }   5 holes { class, chunk before it: offset, length; link }
 *   7 last chunk { offset, length }   9 strings { first piece, pieces }
 *  11 pieces { kind, index of a hole or offset of a literal, length of a literal }   13 fixups { word of the plan, string, kind }
 *
 * Holes with the same link, which is not 0, hold the same; those of different links hold different texts.
 */
const MAGIC = 0x4d545354
const VERSION = 2
const HEADER_WORDS = 15
const POOL_OFFSET_WORD = 4
const PIECE = { literal: 0, hole: 1, id: 2, bundle: 3, time: 4 } as const
const FIXUP = { offset: 0, length: 1 } as const
const MAX_HOLES = 512
const MAX_LINKS = 64

/** What stands for the values of one config while its shape is compiled. */
export interface Markers {
  readonly id: string
  readonly bundle: string
  readonly time: string
  /** One for each hole. */
  readonly holes: readonly string[]
  /** In every marker, and nowhere else. */
  readonly nonce: string
}

/**
 * Markers that occur nowhere in what a plan is made of. Each is of its hole's class, so that nothing can tell it from a real
 * value. A number has none that could be found again: it is another number, which may not come through.
 */
export function makeMarkers(all: string, holes: readonly Hole[], values: readonly string[]): Markers | undefined {
  if (holes.length > MAX_HOLES) return undefined
  let number = 7
  while (all.includes(`hole${number}q`)) number++
  const nonce = `hole${number}q`
  return {
    nonce,
    id: `${nonce}ie`,
    bundle: `/${nonce}be`,
    time: `${nonce}te`,
    holes: holes.map(({ hole, linked }, index) => {
      if (hole === 'number') return values[index] === '1' ? '2' : '1'
      const first = linked ? holes.findIndex((other, at) => other.linked && values[at] === values[index]) : index
      return `${hole === 'path' ? '/' : ''}${nonce}${first}e`
    }),
  }
}

/** The text with values in its holes. */
export function fillHoles(text: string, holes: readonly Hole[], values: readonly string[]): string {
  let filled = ''
  let at = 0
  holes.forEach(({ start, end }, index) => {
    filled += text.slice(at, start) + (values[index] ?? '')
    at = end
  })
  return filled + text.slice(at)
}

type Piece = readonly [kind: number, value: number | string]

/** Splits a text at its markers; undefined when something of a marker is left, which then was not passed on as it is. */
function toPieces(text: string, markers: Markers): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  let at = 0
  for (const match of text.matchAll(new RegExp(`/?${markers.nonce}(\\d+|[ibt])e`, 'g'))) {
    const name = match[1] ?? ''
    const whole = wholeMarker(name, markers)
    // A word may well follow a slash; a path is nothing without its own.
    const start = whole.startsWith('/') ? match.index : match.index + match[0].length - whole.length
    if (text.slice(start, match.index + match[0].length) !== whole) return undefined
    if (start > at) pieces.push([PIECE.literal, text.slice(at, start)])
    pieces.push(toPiece(name))
    at = match.index + match[0].length
  }
  if (at < text.length) pieces.push([PIECE.literal, text.slice(at)])
  const clean = pieces.every(([, value]) => typeof value !== 'string' || !value.includes(markers.nonce))
  return clean ? pieces : undefined
}

function wholeMarker(name: string, { id, bundle, time, holes }: Markers): string {
  if (name === 'i') return id
  if (name === 'b') return bundle
  return name === 't' ? time : (holes[Number(name)] ?? '')
}

function toPiece(name: string): Piece {
  if (name === 'i') return [PIECE.id, 0]
  if (name === 'b') return [PIECE.bundle, 0]
  return name === 't' ? [PIECE.time, 0] : [PIECE.hole, Number(name)]
}

/** Collects bytes behind the header. */
class Blob {
  readonly words: number[] = new Array<number>(HEADER_WORDS).fill(0)
  readonly #parts: Uint8Array[] = []
  #length = HEADER_WORDS * 4

  /** Offset and length. Everything is 4-byte aligned. */
  add(bytes: Uint8Array): readonly [number, number] {
    const offset = this.#length
    const padded = (bytes.length + 3) & ~3
    const part = new Uint8Array(padded)
    part.set(bytes)
    this.#parts.push(part)
    this.#length += padded
    return [offset, bytes.length]
  }

  addTable(at: number, rows: readonly (readonly number[])[]): void {
    const [offset] = this.add(new Uint8Array(new Uint32Array(rows.flat()).buffer))
    this.words[at] = offset
    this.words[at + 1] = rows.length
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#length)
    this.words[0] = MAGIC
    this.words[1] = VERSION
    this.words[2] = this.#length
    new Uint32Array(bytes.buffer).set(this.words)
    let at = HEADER_WORDS * 4
    for (const part of this.#parts) {
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }
}

/** A byte as a character, so that indexes count bytes. */
const fromBytes = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
const toBytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

/**
 * Makes the template of a text from the encoded plan of the same text with markers in its holes.
 * Undefined when a value was not passed on as it is: then no template says what the compiler would.
 */
export function encodeTemplate(
  text: string,
  holes: readonly Hole[],
  markers: Markers,
  plan: Uint8Array,
): Uint8Array | undefined {
  const blob = new Blob()
  const encoder = new TextEncoder()
  const links = new Map<string, number>()
  const [planOffset, planLength] = blob.add(plan)
  blob.words[3] = planOffset
  blob.words[4] = planLength
  let at = 0
  const holeRows = holes.map(({ hole, start, end, linked }) => {
    const chunk = blob.add(encoder.encode(text.slice(at, start)))
    at = end
    if (linked === undefined) return [HOLE_CLASS[hole], ...chunk, 0]
    const value = text.slice(start, end)
    if (!links.has(value)) links.set(value, links.size + 1)
    return [HOLE_CLASS[hole], ...chunk, links.get(value) ?? 0]
  })
  if (links.size > MAX_LINKS) return undefined
  const [tailOffset, tailLength] = blob.add(encoder.encode(text.slice(at)))
  blob.words[7] = tailOffset
  blob.words[8] = tailLength
  blob.addTable(5, holeRows)

  const strings = collectStrings(plan, markers)
  if (strings === undefined) return undefined
  const pieceRows: number[][] = []
  const stringRows = strings.texts.map((pieces) => {
    const first = pieceRows.length
    for (const [kind, value] of pieces) {
      pieceRows.push(typeof value === 'string' ? [kind, ...blob.add(toBytes(value))] : [kind, value, 0])
    }
    return [first, pieces.length]
  })
  blob.addTable(9, stringRows)
  blob.addTable(11, pieceRows)
  blob.addTable(13, strings.fixups)
  return blob.finish()
}

interface Strings {
  readonly texts: readonly (readonly Piece[])[]
  readonly fixups: readonly (readonly [word: number, string: number, kind: number])[]
}

/** The strings of a plan that have markers in them, and the words that point to them. */
function collectStrings(plan: Uint8Array, markers: Markers): Strings | undefined {
  const words = planWords(plan)
  const pool = fromBytes(plan.subarray(words[POOL_OFFSET_WORD] ?? 0))
  const texts: (readonly Piece[])[] = []
  const fixups: [number, number, number][] = []
  const known = new Map<string, number>()
  let whole = true
  visitPoolWords(words, (word, length) => {
    const offset = words[word] ?? 0
    const end = length === undefined ? pool.indexOf('\0', offset) : offset + (words[length] ?? 0)
    const text = pool.slice(offset, end)
    if (!text.includes(markers.nonce)) return
    let index = known.get(text)
    if (index === undefined) {
      const pieces = toPieces(text, markers)
      if (pieces === undefined) {
        whole = false
        return
      }
      index = texts.push(pieces) - 1
      known.set(text, index)
    }
    fixups.push([word, index, FIXUP.offset])
    if (length !== undefined) fixups.push([length, index, FIXUP.length])
  })
  return whole ? { texts, fixups } : undefined
}

/** Real values in place of the markers, anywhere in a value made of plain data: what a filled-in template amounts to. */
export function unmark(value: unknown, markers: Markers, real: Omit<Markers, 'nonce'>): unknown {
  if (typeof value === 'string') {
    if (!value.includes(markers.nonce)) return value
    const pieces = toPieces(value, markers)
    return pieces?.map(([kind, part]) => pieceText(kind, part, real)).join('')
  }
  if (Array.isArray(value)) return value.map((item) => unmark(item, markers, real))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unmark(item, markers, real)]))
}

function pieceText(kind: number, part: number | string, { id, bundle, time, holes }: Omit<Markers, 'nonce'>): string {
  if (typeof part === 'string') return part
  if (kind === PIECE.hole) return holes[part] ?? ''
  if (kind === PIECE.id) return id
  return kind === PIECE.bundle ? bundle : time
}

/** True when a request's own values are such as a template may be filled with. */
export function isPlain(id: string, bundle: string): boolean {
  return /^[A-Za-z0-9_.+-]+$/.test(id) && isOfClass(bundle, 'path')
}
