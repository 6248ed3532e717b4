// SPDX-License-Identifier: Apache-2.0
// Reads tar as it arrives. No library: those at hand decode names as UTF-8 and know no sparse files, and both occur in images.
// Formats: v7, ustar, GNU (long names, base-256 numbers, sparse), pax (global and per entry, sparse 0.0, 0.1 and 1.0).
// Where readers do not agree on what an archive means, it is refused.

import { MapLines, type Segment, SparseFile, segments } from './sparse-file.ts'
import {
  checkSum,
  makeHeader,
  numberField,
  type Pax,
  parsePax,
  paxNumber,
  TarError,
  type TarHeader,
  textField,
} from './tar-header.ts'

export { TarError, type TarHeader } from './tar-header.ts'

const BLOCK = 512
/** A name or a set of pax records that is longer is an attack. */
const MAX_META = 1 << 20
/** A map with more parts is one, too. */
const MAX_MAP = 1 << 20

/** Who wants to know. `data` and `hole` get `size` bytes in all for each file. */
export interface TarHandler {
  header(header: TarHeader): void
  data(chunk: Uint8Array): void
  /** So many zeros of a sparse file, maybe more than memory holds. Without it, they come as data. */
  hole?(length: number): void
}

const zeros = Buffer.alloc(65536)

type State = 'header' | 'meta' | 'sparseMap' | 'paxSparseMap' | 'data' | 'padding' | 'lastBlock' | 'end'

/** Entries that are nothing but a header, whatever size they claim. */
const HEADER_ONLY = '123456'

/** Feed it chunks of any size with push(), then call finish(). Errors: TarError. */
export class TarReader {
  readonly #handler: TarHandler
  #state: State = 'header'
  /** What is still to come of the state's bytes. */
  #left = BLOCK
  #padding = 0
  #parts: Buffer[] = []
  #metaType = ''
  readonly #global = new Map<string, string>()
  #pax = new Map<string, string>()
  #paxSparse: string[] = []
  #longName: string | undefined
  #longLink: string | undefined
  #sparse: SparseFile | undefined
  #header: Buffer = Buffer.alloc(0)
  #numbers: number[] = []
  #mapLines = new MapLines()
  #mapBytes = 0

  constructor(handler: TarHandler) {
    this.#handler = handler
  }

  push(chunk: Uint8Array): void {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    while (rest.length > 0 && this.#state !== 'end') {
      const part = rest.subarray(0, this.#left)
      rest = rest.subarray(part.length)
      this.#left -= part.length
      if (this.#state === 'data') {
        if (this.#sparse === undefined) this.#handler.data(part)
        else this.#sparse.data(part)
      } else if (this.#state !== 'padding') this.#parts.push(part)
      if (this.#left === 0) this.#complete()
    }
  }

  /** Errors: the archive ended in the middle of an entry. */
  finish(): void {
    const between = this.#left === BLOCK && this.#parts.length === 0
    // Some writers leave out the two blocks of zeros, or one of them.
    const whole = this.#state === 'end' || (between && (this.#state === 'header' || this.#state === 'lastBlock'))
    if (!whole || this.#pax.size > 0 || this.#longName !== undefined || this.#longLink !== undefined)
      throw new TarError('the tar archive ends in the middle of an entry')
  }

  #enter(state: State, length: number): void {
    this.#state = state
    this.#left = length
    if (length === 0) this.#complete()
  }

  /** Copied, as the chunks are the caller's. */
  #collected(): Buffer {
    const bytes = Buffer.concat(this.#parts)
    this.#parts = []
    return bytes
  }

  #complete(): void {
    switch (this.#state) {
      case 'header':
        this.#takeHeader(this.#collected())
        return
      case 'lastBlock':
        if (!isZero(this.#collected())) throw new TarError('something stands behind the end of the tar archive')
        this.#state = 'end'
        return
      case 'meta':
        this.#takeMeta(this.#collected())
        this.#enter('padding', this.#padding)
        return
      case 'sparseMap':
        this.#takeSparseMap(this.#collected())
        return
      case 'paxSparseMap':
        this.#takePaxSparseMap(this.#collected())
        return
      case 'data':
        this.#sparse?.end()
        this.#sparse = undefined
        this.#enter('padding', this.#padding)
        return
      default:
        this.#state = 'header'
        this.#left = BLOCK
    }
  }

  #takeHeader(block: Buffer): void {
    if (isZero(block)) {
      this.#enter('lastBlock', BLOCK)
      return
    }
    checkSum(block)
    const type = String.fromCharCode(block[156] ?? 0)
    const size = numberField(block, 124, 12, 'size')
    if (size < 0) throw new TarError('a negative size')
    if ('xgLK'.includes(type)) {
      if (size > MAX_META) throw new TarError(`an extended header of ${size} bytes`)
      this.#metaType = type
      this.#padding = paddingOf(size)
      this.#enter('meta', size)
      return
    }
    this.#header = block
    if (type === 'S') {
      this.#numbers = []
      this.#addNumbers(block, 386, 4)
      this.#endOfMap(block[482])
      return
    }
    const pax = this.#merged()
    if (pax.get('GNU.sparse.major') === '1') {
      this.#mapLines = new MapLines()
      this.#mapBytes = 0
      this.#enter('paxSparseMap', BLOCK)
      return
    }
    const realSize = paxNumber(pax, 'GNU.sparse.size') ?? paxNumber(pax, 'GNU.sparse.realsize')
    const map = pax.get('GNU.sparse.map')?.split(',') ?? this.#paxSparse
    this.#beginEntry(realSize === undefined ? undefined : segments(map), realSize)
  }

  #addNumbers(block: Buffer, at: number, count: number): void {
    for (let i = 0; i < count; i++) {
      if (block[at + 24 * i] === 0) return
      this.#numbers.push(
        numberField(block, at + 24 * i, 12, 'offset'),
        numberField(block, at + 24 * i + 12, 12, 'length'),
      )
    }
    if (this.#numbers.length > MAX_MAP) throw new TarError('a sparse map without end')
  }

  #endOfMap(more: number | undefined): void {
    if (more === 1) this.#enter('sparseMap', BLOCK)
    else this.#beginEntry(segments(this.#numbers), numberField(this.#header, 483, 12, 'real size'))
  }

  #takeSparseMap(block: Buffer): void {
    this.#addNumbers(block, 0, 21)
    this.#endOfMap(block[504])
  }

  #takePaxSparseMap(block: Buffer): void {
    this.#mapBytes += block.length
    if (this.#mapBytes > this.#stored()) throw new TarError('a sparse map that is longer than its file')
    const map = this.#mapLines.push(block)
    if (map !== undefined) this.#beginEntry(map, paxNumber(this.#merged(), 'GNU.sparse.realsize') ?? 0, this.#mapBytes)
    else if (this.#mapBytes > 4 * MAX_MAP) throw new TarError('a sparse map without end')
    else this.#enter('paxSparseMap', BLOCK)
  }

  #takeMeta(bytes: Buffer): void {
    if (this.#metaType === 'x') {
      if (this.#pax.size > 0) throw new TarError('two extended headers for one entry')
      parsePax(bytes, this.#pax, this.#paxSparse)
    } else if (this.#metaType === 'g') parsePax(bytes, this.#global, [])
    else if (this.#metaType === 'L') this.#longName = textField(bytes, 0, bytes.length)
    else this.#longLink = textField(bytes, 0, bytes.length)
  }

  /** What holds for this entry; an empty value takes a global one back. */
  #merged(): Pax {
    return this.#global.size === 0 ? this.#pax : new Map([...this.#global, ...this.#pax])
  }

  /** Bytes of the entry in the archive. */
  #stored(): number {
    return paxNumber(this.#merged(), 'size') ?? numberField(this.#header, 124, 12, 'size')
  }

  #beginEntry(map: readonly Segment[] | undefined, realSize: number | undefined, used = 0): void {
    const letter = String.fromCharCode(this.#header[156] ?? 0)
    const stored = HEADER_ONLY.includes(letter) ? 0 : this.#stored() - used
    const size = map === undefined ? stored : (realSize ?? 0)
    const long = { name: this.#longName, link: this.#longLink }
    const header = makeHeader(this.#header, this.#merged(), long, size, map !== undefined)
    this.#sparse = header.sparse && map !== undefined ? new SparseFile(map, size, stored, this.#sink) : undefined
    this.#pax = new Map()
    this.#paxSparse = []
    this.#longName = undefined
    this.#longLink = undefined
    this.#handler.header(header)
    this.#padding = paddingOf(stored)
    this.#enter('data', stored)
  }

  readonly #sink = {
    data: (chunk: Uint8Array): void => this.#handler.data(chunk),
    hole: (length: number): void => {
      if (this.#handler.hole !== undefined) {
        this.#handler.hole(length)
        return
      }
      for (let left = length; left > 0; left -= zeros.length)
        this.#handler.data(left < zeros.length ? zeros.subarray(0, left) : zeros)
    },
  }
}

const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK

const isZero = (block: Buffer): boolean => block.equals(zeros.subarray(0, block.length))
