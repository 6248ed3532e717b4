// SPDX-License-Identifier: Apache-2.0

import { TarError } from './tar-header.ts'

/** Bytes of a file that are in the archive; all between them are zeros. */
export interface Segment {
  readonly offset: number
  readonly length: number
}

/** A list of offsets and lengths by turns. Errors: TarError. */
export function segments(numbers: readonly (string | number)[]): readonly Segment[] {
  const list: Segment[] = []
  if (numbers.length % 2 !== 0) throw new TarError('a malformed sparse map')
  for (let i = 0; i < numbers.length; i += 2) {
    const [offset, length] = [sparseNumber(numbers[i]), sparseNumber(numbers[i + 1])]
    list.push({ offset, length })
  }
  return list
}

export function sparseNumber(text: string | number | undefined): number {
  const value = Number(text)
  if (!/^[0-9]{1,16}$/.test(String(text)) || !Number.isSafeInteger(value)) throw new TarError('a malformed sparse map')
  return value
}

/** The map of sparse format 1.0, which lies before the data: a line with a count, then so many pairs of lines. */
export class MapLines {
  #text = ''
  #count: number | undefined
  readonly #numbers: number[] = []

  /** Takes a block of it. Returns the map when it is whole. Errors: TarError. */
  push(block: Buffer): readonly Segment[] | undefined {
    const lines = (this.#text + block.toString('latin1')).split('\n')
    this.#text = lines.pop() ?? ''
    for (const line of lines) {
      const value = sparseNumber(line)
      if (this.#count === undefined) this.#count = value
      else this.#numbers.push(value)
      if (this.#count !== undefined && this.#numbers.length === 2 * this.#count) return segments(this.#numbers)
    }
    if (this.#text.length > 16) throw new TarError('a malformed sparse map')
    return undefined
  }
}

/** Where the parts of a sparse file go. */
export interface SparseSink {
  data(chunk: Uint8Array): void
  /** So many zeros. */
  hole(length: number): void
}

/** Puts the parts of a sparse file where they belong. */
export class SparseFile {
  #at = 0
  #part = 0
  readonly #map: readonly Segment[]
  readonly #size: number
  readonly #sink: SparseSink

  /** stored: bytes in the archive. Errors: TarError. */
  constructor(map: readonly Segment[], size: number, stored: number, sink: SparseSink) {
    this.#map = map
    this.#size = size
    this.#sink = sink
    let [end, sum] = [0, 0]
    for (const { offset, length } of map) {
      if (offset < end || offset + length > size) throw new TarError('a sparse map out of order')
      end = offset + length
      sum += length
    }
    if (sum !== stored) throw new TarError(`a sparse map of ${sum} bytes for ${stored}`)
  }

  data(chunk: Uint8Array): void {
    let rest = chunk
    while (rest.length > 0) {
      const segment = this.#map[this.#part]
      if (segment === undefined) throw new TarError('a sparse file with more data than its map says')
      this.#holeTo(segment.offset)
      const part = rest.subarray(0, segment.offset + segment.length - this.#at)
      if (part.length > 0) this.#sink.data(part)
      this.#at += part.length
      rest = rest.subarray(part.length)
      if (this.#at === segment.offset + segment.length) this.#part++
    }
  }

  end(): void {
    this.#holeTo(this.#size)
  }

  #holeTo(offset: number): void {
    if (this.#at < offset) this.#sink.hole(offset - this.#at)
    this.#at = Math.max(this.#at, offset)
  }
}
