// SPDX-License-Identifier: Apache-2.0
// The stream of entries that tsdock-files reads (`apply`) and writes (`walk`): twin of csrc/files/frame.h.

/**
 * One entry of a tree. Names are byte strings: each character is one byte (latin1), as names on disk need not be UTF-8.
 * Paths are relative to the tree's top, without `.`, `..` or a slash at either end; '' is the top.
 */
export interface Entry {
  readonly type: EntryType
  readonly path: string
  /** Symlink: its text. Hard link: path of another entry. Copy: path in the source tree. */
  readonly link?: string
  /** 07777 at most. */
  readonly mode?: number
  /** Undefined: nobody says, so the caller's, or the source's. */
  readonly uid?: number
  readonly gid?: number
  /** Seconds since 1970; may be negative. */
  readonly seconds?: number
  readonly nanoseconds?: number
  readonly major?: number
  readonly minor?: number
  /** Bytes of contents that follow a `file`. */
  readonly size?: number
  /** What tells names of one file from copies of it; 0: it has one name. */
  readonly inode?: bigint
  readonly xattrs?: ReadonlyMap<string, Uint8Array>
  /** Copy: mode and times are those of the source. */
  readonly keepMode?: boolean
  readonly keepTime?: boolean
  /** Copy: `link` may be a symlink to what is meant. */
  readonly follow?: boolean
  /** What is there already stays. */
  readonly ifAbsent?: boolean
  /** File: its contents follow as pieces (`encodePiece`, `encodeHole`). */
  readonly pieces?: boolean
}

/** Letters of entries, by type. */
export const types = {
  file: 'f',
  directory: 'd',
  symlink: 'l',
  hardLink: 'h',
  char: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
  whiteout: 'w',
  opaque: 'o',
  copy: 'F',
} as const

export type EntryType = keyof typeof types

const typeOfCode = new Map(Object.entries(types).map(([name, letter]) => [letter.charCodeAt(0), name as EntryType]))

export const HEADER = 64
export const NO_ID = 0xffffffff
const END = 'e'.charCodeAt(0)

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

function encodeXattrs(xattrs: ReadonlyMap<string, Uint8Array> | undefined): Buffer {
  if (xattrs === undefined || xattrs.size === 0) return Buffer.alloc(0)
  const parts: Uint8Array[] = []
  for (const [name, value] of xattrs) {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(value.length)
    parts.push(latin1(`${name}\0`), size, value)
  }
  return Buffer.concat(parts)
}

export const flags = { keepMode: 1, keepTime: 2, ifAbsent: 4, follow: 8, pieces: 16 } as const
export const HOLE = 1n << 63n

const flagsOf = (entry: Entry): number =>
  Object.entries(flags).reduce((sum, [name, bit]) => sum | (entry[name as keyof typeof flags] === true ? bit : 0), 0)

/** The bytes of an entry; the contents of a file are to follow. */
export function encodeEntry(entry: Entry): Buffer {
  const path = latin1(entry.path)
  const link = latin1(entry.link ?? '')
  const xattrs = encodeXattrs(entry.xattrs)
  const header = Buffer.alloc(HEADER)
  header[0] = types[entry.type].charCodeAt(0)
  header[1] = flagsOf(entry)
  header.writeUInt32LE(entry.mode ?? 0, 4)
  header.writeUInt32LE(entry.uid ?? NO_ID, 8)
  header.writeUInt32LE(entry.gid ?? NO_ID, 12)
  header.writeBigInt64LE(BigInt(entry.seconds ?? 0), 16)
  header.writeUInt32LE(entry.nanoseconds ?? 0, 24)
  header.writeUInt32LE(path.length, 28)
  header.writeUInt32LE(link.length, 32)
  header.writeUInt32LE(xattrs.length, 36)
  header.writeUInt32LE(entry.major ?? 0, 40)
  header.writeUInt32LE(entry.minor ?? 0, 44)
  header.writeBigUInt64LE(BigInt(entry.size ?? 0), 48)
  return Buffer.concat([header, path, link, xattrs])
}

function encodeLength(length: bigint): Buffer {
  const word = Buffer.alloc(8)
  word.writeBigUInt64LE(length)
  return word
}

/** What precedes a piece of contents, of at least one byte. */
export const encodePiece = (length: number): Buffer => encodeLength(BigInt(length))
/** A piece of contents that is a hole, of at least one byte. */
export const encodeHole = (length: number): Buffer => encodeLength(BigInt(length) | HOLE)

/** What ends a stream; without it, tsdock-files takes the stream for cut off. */
export function encodeEnd(): Buffer {
  const header = Buffer.alloc(HEADER)
  header[0] = END
  return header
}

function decodeXattrs(bytes: Buffer): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>()
  for (let at = 0; at < bytes.length; ) {
    const zero = bytes.indexOf(0, at)
    const size = bytes.readUInt32LE(zero + 1)
    xattrs.set(bytes.toString('latin1', at, zero), bytes.subarray(zero + 5, zero + 5 + size))
    at = zero + 5 + size
  }
  return xattrs
}

/** The entries of a whole stream that `walk` wrote. Errors: the stream was cut off. */
export function decodeEntries(bytes: Buffer): readonly Entry[] {
  const entries: Entry[] = []
  for (let at = 0; ; ) {
    if (bytes.length - at < HEADER) throw new Error('tsdock-files walk: its output ended early')
    if (bytes[at] === END) return entries
    const type = typeOfCode.get(bytes[at] ?? 0)
    if (type === undefined) throw new Error(`tsdock-files walk: an entry of kind ${bytes[at]}`)
    const lengths = [bytes.readUInt32LE(at + 28), bytes.readUInt32LE(at + 32), bytes.readUInt32LE(at + 36)] as const
    const pathAt = at + HEADER
    const linkAt = pathAt + lengths[0]
    const xattrsAt = linkAt + lengths[1]
    const end = xattrsAt + lengths[2]
    if (end > bytes.length) throw new Error('tsdock-files walk: its output ended early')
    entries.push({
      type,
      path: bytes.toString('latin1', pathAt, linkAt),
      link: bytes.toString('latin1', linkAt, xattrsAt),
      mode: bytes.readUInt32LE(at + 4),
      uid: bytes.readUInt32LE(at + 8),
      gid: bytes.readUInt32LE(at + 12),
      seconds: Number(bytes.readBigInt64LE(at + 16)),
      nanoseconds: bytes.readUInt32LE(at + 24),
      major: bytes.readUInt32LE(at + 40),
      minor: bytes.readUInt32LE(at + 44),
      size: Number(bytes.readBigUInt64LE(at + 48)),
      inode: bytes.readBigUInt64LE(at + 56),
      xattrs: decodeXattrs(bytes.subarray(xattrsAt, end)),
    })
    at = end
  }
}
