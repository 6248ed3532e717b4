// SPDX-License-Identifier: Apache-2.0
// Reads tar as it arrives. No library: those at hand decode names as UTF-8 and know no sparse files, and both occur in images.
// Formats: v7, ustar, GNU (long names, base-256 numbers, sparse), pax (global and per entry, sparse 0.0, 0.1 and 1.0).

const BLOCK = 512
/** A name or a set of pax records that is longer is an attack. */
const MAX_META = 1 << 20

/** What a header says. Names are byte strings (latin1) and untrusted. */
export interface TarHeader {
  readonly name: string
  readonly link: string
  /** As in ustar: '0' file, '1' hard link, '2' symlink, '3' char, '4' block, '5' directory, '6' fifo. */
  readonly type: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** Seconds, maybe with a fraction. */
  readonly time: number
  readonly major: number
  readonly minor: number
  /** Numeric or named owners; names are not used by images. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>
}

/** Who wants to know. `data` gets `size` bytes in all for each file, holes filled with zeros. */
export interface TarHandler {
  header(header: TarHeader): void
  data(chunk: Uint8Array): void
}

export class TarError extends Error {}

type Pax = Map<string, string>
interface Segment {
  readonly offset: number
  readonly length: number
}

function text(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at)
  return block.toString('latin1', at, end < 0 || end > at + length ? at + length : end)
}

/** Octal, or base-256 when the first bit is set. */
function number(block: Buffer, at: number, length: number, what: string): number {
  const first = block[at] ?? 0
  if ((first & 0x80) === 0) {
    const digits = text(block, at, length).trim()
    if (digits === '') return 0
    if (!/^[0-7]+$/.test(digits)) throw new TarError(`${what} is no number: "${digits}"`)
    return Number.parseInt(digits, 8)
  }
  let value = BigInt(first & 0x40 ? first | ~0x7f : first & 0x3f)
  for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(block[at + i] ?? 0)
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new TarError(`${what} is out of range`)
  }
  return Number(value)
}

function checkSum(block: Buffer): void {
  let unsigned = 8 * 32
  let signed = unsigned
  for (let i = 0; i < BLOCK; i++) {
    if (i >= 148 && i < 156) continue
    const byte = block[i] ?? 0
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  const stored = number(block, 148, 8, 'checksum')
  if (stored !== unsigned && stored !== signed)
    throw new TarError('not a tar archive, or a damaged one: wrong checksum')
}

function parsePax(bytes: Buffer, into: Pax, sparse: string[]): void {
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at)
    const digits = space < 0 ? '' : bytes.toString('latin1', at, space)
    const length = Number(digits)
    const end = at + length
    const equals = bytes.indexOf(61, space)
    if (
      !/^[1-9][0-9]{0,8}$/.test(digits) ||
      end > bytes.length ||
      bytes[end - 1] !== 10 ||
      equals < 0 ||
      equals >= end
    ) {
      throw new TarError('a malformed pax record')
    }
    const key = bytes.toString('latin1', space + 1, equals)
    const value = bytes.toString('latin1', equals + 1, end - 1)
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') sparse.push(value)
    else if (value === '' && !key.startsWith('SCHILY.xattr.')) into.delete(key)
    else into.set(key, value)
    at = end
  }
}

function paxNumber(pax: Pax, key: string): number | undefined {
  const value = pax.get(key)
  if (value === undefined) return undefined
  const result = Number(value)
  if (value.trim() === '' || !Number.isFinite(result)) throw new TarError(`${key} is no number: "${value}"`)
  return result
}

function segments(numbers: readonly string[]): readonly Segment[] {
  const list: Segment[] = []
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const [offset, length] = [Number(numbers[i]), Number(numbers[i + 1])]
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
      throw new TarError('a malformed sparse map')
    }
    list.push({ offset, length })
  }
  return list
}

const zeros = Buffer.alloc(65536)

/** Puts the parts of a sparse file where they belong. */
class SparseFile {
  #at = 0
  #part = 0
  readonly #map: readonly Segment[]
  readonly #size: number
  readonly #handler: TarHandler

  constructor(map: readonly Segment[], size: number, handler: TarHandler) {
    this.#map = map
    this.#size = size
    this.#handler = handler
    let end = 0
    for (const segment of map) {
      if (segment.offset < end || segment.offset + segment.length > size)
        throw new TarError('a sparse map out of order')
      end = segment.offset + segment.length
    }
  }

  data(chunk: Uint8Array): void {
    let rest = chunk
    while (rest.length > 0) {
      const segment = this.#map[this.#part]
      if (segment === undefined) throw new TarError('a sparse file with more data than its map says')
      this.#zerosTo(segment.offset)
      const part = rest.subarray(0, segment.offset + segment.length - this.#at)
      if (part.length > 0) this.#handler.data(part)
      this.#at += part.length
      rest = rest.subarray(part.length)
      if (this.#at === segment.offset + segment.length) this.#part++
    }
  }

  end(): void {
    this.#zerosTo(this.#size)
  }

  #zerosTo(offset: number): void {
    while (this.#at < offset) {
      const chunk = zeros.subarray(0, Math.min(zeros.length, offset - this.#at))
      this.#handler.data(chunk)
      this.#at += chunk.length
    }
  }
}

type State = 'header' | 'meta' | 'sparseMap' | 'paxSparseMap' | 'data' | 'padding' | 'end'

/** Feed it chunks of any size with push(), then call finish(). Errors: TarError. */
export class TarReader {
  readonly #handler: TarHandler
  #state: State = 'header'
  /** What is still to come of the state's bytes. */
  #left = BLOCK
  #padding = 0
  #parts: Buffer[] = []
  #metaType = ''
  #global: Pax = new Map()
  #pax: Pax = new Map()
  #paxSparse: string[] = []
  #longName: string | undefined
  #longLink: string | undefined
  #sparse: SparseFile | undefined
  #header: Buffer = Buffer.alloc(0)
  #numbers: string[] = []

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
    // Some writers leave out the two blocks of zeros.
    if (this.#state === 'end' || (this.#state === 'header' && this.#left === BLOCK && this.#parts.length === 0)) return
    throw new TarError('the tar archive ends in the middle of an entry')
  }

  #enter(state: State, length: number): void {
    this.#state = state
    this.#left = length
    if (length === 0) this.#complete()
  }

  #collected(): Buffer {
    const bytes = this.#parts.length === 1 && this.#parts[0] !== undefined ? this.#parts[0] : Buffer.concat(this.#parts)
    this.#parts = []
    return bytes
  }

  #complete(): void {
    switch (this.#state) {
      case 'header':
        this.#takeHeader(Buffer.from(this.#collected()))
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
    if (block.every((byte) => byte === 0)) {
      this.#state = 'end'
      return
    }
    checkSum(block)
    const type = String.fromCharCode(block[156] ?? 0)
    const size = number(block, 124, 12, 'size')
    if (size < 0) throw new TarError('a negative size')
    if ('xgLK'.includes(type)) {
      if (size > MAX_META) throw new TarError(`an extended header of ${size} bytes`)
      this.#metaType = type
      this.#padding = (BLOCK - (size % BLOCK)) % BLOCK
      this.#enter('meta', size)
      return
    }
    this.#header = block
    if (type === 'S') {
      this.#numbers = []
      this.#addNumbers(block, 386, 4)
      if (block[482] === 1) this.#enter('sparseMap', BLOCK)
      else this.#beginEntry(segments(this.#numbers), number(block, 483, 12, 'real size'))
      return
    }
    if (this.#pax.get('GNU.sparse.major') === '1') {
      this.#numbers = []
      this.#enter('paxSparseMap', BLOCK)
      return
    }
    const realSize = paxNumber(this.#pax, 'GNU.sparse.size') ?? paxNumber(this.#pax, 'GNU.sparse.realsize')
    const map = this.#pax.get('GNU.sparse.map')?.split(',') ?? this.#paxSparse
    this.#beginEntry(realSize === undefined ? undefined : segments(map), realSize)
  }

  #addNumbers(block: Buffer, at: number, count: number): void {
    for (let i = 0; i < count; i++) {
      if (block[at + 24 * i] === 0) return
      this.#numbers.push(
        String(number(block, at + 24 * i, 12, 'offset')),
        String(number(block, at + 24 * i + 12, 12, 'length')),
      )
    }
    if (this.#numbers.length > MAX_META) throw new TarError('a sparse map without end')
  }

  #takeSparseMap(block: Buffer): void {
    this.#addNumbers(block, 0, 21)
    if (block[504] === 1) this.#enter('sparseMap', BLOCK)
    else this.#beginEntry(segments(this.#numbers), number(this.#header, 483, 12, 'real size'))
  }

  /** Sparse format 1.0 keeps its map before the data: lines of numbers, the first of which counts the rest. */
  #mapBytes: Buffer = Buffer.alloc(0)
  #takePaxSparseMap(block: Buffer): void {
    this.#mapBytes = Buffer.concat([this.#mapBytes, block])
    if (this.#mapBytes.length > MAX_META) throw new TarError('a sparse map without end')
    const lines = this.#mapBytes.toString('latin1').split('\n')
    const count = Number(lines[0])
    if (lines.length < 2 || lines.length < 2 + 2 * count) {
      this.#enter('paxSparseMap', BLOCK)
      return
    }
    const used = this.#mapBytes.length
    this.#mapBytes = Buffer.alloc(0)
    this.#beginEntry(segments(lines.slice(1, 1 + 2 * count)), paxNumber(this.#pax, 'GNU.sparse.realsize'), used)
  }

  #takeMeta(bytes: Buffer): void {
    if (this.#metaType === 'x') {
      this.#pax = new Map()
      this.#paxSparse = []
      parsePax(bytes, this.#pax, this.#paxSparse)
    } else if (this.#metaType === 'g') parsePax(bytes, this.#global, [])
    else if (this.#metaType === 'L') this.#longName = text(bytes, 0, bytes.length)
    else this.#longLink = text(bytes, 0, bytes.length)
  }

  #beginEntry(map: readonly Segment[] | undefined, realSize: number | undefined, used = 0): void {
    const block = this.#header
    const pax: Pax = new Map([...this.#global, ...this.#pax])
    const stored = (paxNumber(pax, 'size') ?? number(block, 124, 12, 'size')) - used
    const type = entryType(String.fromCharCode(block[156] ?? 0), this.#longName ?? text(block, 0, 100))
    if (!Number.isSafeInteger(stored) || stored < 0) throw new TarError(`a size of ${stored} bytes`)
    const size = map === undefined ? stored : (realSize ?? 0)
    const header = makeHeader(block, pax, type, size, this.#longName, this.#longLink)
    this.#sparse = map === undefined ? undefined : new SparseFile(map, size, this.#handler)
    this.#pax = new Map()
    this.#paxSparse = []
    this.#longName = undefined
    this.#longLink = undefined
    this.#handler.header(header)
    // Links and directories have no contents, whatever their size says; except that old writers gave hard links theirs.
    const length = type === '0' ? stored : type === '1' || type === '2' || type === '5' ? 0 : stored
    this.#padding = (BLOCK - (length % BLOCK)) % BLOCK
    this.#enter('data', length)
  }
}

function entryType(type: string, name: string): string {
  if (type === '\0' || type === '7' || type === 'S' || type === '0')
    return type !== 'S' && name.endsWith('/') ? '5' : '0'
  return type
}

function makeHeader(
  block: Buffer,
  pax: Pax,
  type: string,
  size: number,
  longName: string | undefined,
  longLink: string | undefined,
): TarHeader {
  // GNU's magic is `ustar  `: it has no prefix there.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block, 345, 155) : ''
  const short = text(block, 0, 100)
  const xattrs = new Map<string, Uint8Array>()
  for (const [key, value] of pax) {
    if (key.startsWith('SCHILY.xattr.')) xattrs.set(key.slice(13), Buffer.from(value, 'latin1'))
  }
  return {
    name: pax.get('GNU.sparse.name') ?? pax.get('path') ?? longName ?? (prefix === '' ? short : `${prefix}/${short}`),
    link: pax.get('linkpath') ?? longLink ?? text(block, 157, 100),
    type,
    mode: number(block, 100, 8, 'mode') & 0o7777,
    uid: paxNumber(pax, 'uid') ?? number(block, 108, 8, 'uid'),
    gid: paxNumber(pax, 'gid') ?? number(block, 116, 8, 'gid'),
    size: type === '0' ? size : 0,
    time: paxNumber(pax, 'mtime') ?? number(block, 136, 12, 'mtime'),
    major: type === '3' || type === '4' ? number(block, 329, 8, 'major') : 0,
    minor: type === '3' || type === '4' ? number(block, 337, 8, 'minor') : 0,
    xattrs,
  }
}
