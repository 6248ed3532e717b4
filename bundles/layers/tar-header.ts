// SPDX-License-Identifier: Apache-2.0
// The fields of a tar header, and pax records: numbers and names as archives have them. Names are byte strings (latin1).

export class TarError extends Error {}

/** What a header says. Names are untrusted. */
export interface TarHeader {
  readonly name: string
  readonly link: string
  /** As in ustar: '0' file, '1' hard link, '2' symlink, '3' char, '4' block, '5' directory, '6' fifo. */
  readonly type: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Of a file as it will be, holes included; 0 for all others. */
  readonly size: number
  /** Whole seconds, maybe negative; and what comes on top. */
  readonly time: number
  readonly nanoseconds: number
  readonly major: number
  readonly minor: number
  readonly xattrs: ReadonlyMap<string, Uint8Array>
  /** It has holes. */
  readonly sparse: boolean
}

/** Records by key; '' is one that is taken back. */
export type Pax = ReadonlyMap<string, string>

/** (uid_t)-1 means "leave it" to the kernel: nobody has it. */
const MAX_ID = 0xfffffffe

export function textField(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at)
  return block.toString('latin1', at, end < 0 || end > at + length ? at + length : end)
}

/** Octal, or base-256 when the first bit is set. */
export function numberField(block: Buffer, at: number, length: number, what: string): number {
  const first = block[at] ?? 0
  if ((first & 0x80) === 0) {
    const digits = textField(block, at, length).trim()
    if (digits === '') return 0
    if (!/^[0-7]+$/.test(digits)) throw new TarError(`${what} is no number: ${JSON.stringify(digits)}`)
    return Number.parseInt(digits, 8)
  }
  let value = BigInt(first & 0x40 ? first | ~0x7f : first & 0x3f)
  for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(block[at + i] ?? 0)
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new TarError(`${what} is out of range`)
  }
  return Number(value)
}

export function checkSum(block: Buffer): void {
  let unsigned = 8 * 32
  let signed = unsigned
  for (let i = 0; i < block.length; i++) {
    if (i >= 148 && i < 156) continue
    const byte = block[i] ?? 0
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  const stored = numberField(block, 148, 8, 'checksum')
  if (stored !== unsigned && stored !== signed)
    throw new TarError('not a tar archive, or a damaged one: wrong checksum')
}

/** One record of a header: its key, its value, and where the next one begins. */
function parseRecord(
  bytes: Buffer,
  at: number,
): { readonly key: string; readonly value: string; readonly end: number } {
  const space = bytes.indexOf(32, at)
  const digits = space < 0 || space > at + 9 ? '' : bytes.toString('latin1', at, space)
  const end = at + Number(digits)
  const equals = bytes.indexOf(61, space)
  const whole = /^[1-9][0-9]{0,8}$/.test(digits) && end <= bytes.length && bytes[end - 1] === 10
  if (!whole || equals < 0 || equals >= end) throw new TarError('a malformed pax record')
  return { key: bytes.toString('latin1', space + 1, equals), value: bytes.toString('latin1', equals + 1, end - 1), end }
}

/** Reads the records of an extended header. sparse: gets those of sparse format 0.0, which come more than once. */
export function parsePax(bytes: Buffer, into: Map<string, string>, sparse: string[]): void {
  for (let at = 0; at < bytes.length; ) {
    const { key, value, end } = parseRecord(bytes, at)
    at = end
    const place = ['GNU.sparse.offset', 'GNU.sparse.numbytes'].indexOf(key)
    if (place < 0) into.set(key, value)
    else if (sparse.length % 2 !== place) throw new TarError('a malformed sparse map')
    else sparse.push(value)
  }
}

/** A record that stands; undefined: it is missing, or was taken back. */
function record(pax: Pax, key: string): string | undefined {
  const value = pax.get(key)
  return value === '' ? undefined : value
}

export function paxNumber(pax: Pax, key: string): number | undefined {
  const value = record(pax, key)
  if (value === undefined) return undefined
  const result = Number(value)
  if (!/^[0-9]+$/.test(value) || !Number.isSafeInteger(result))
    throw new TarError(`${key} is no number: ${JSON.stringify(value)}`)
  return result
}

function timeOf(block: Buffer, pax: Pax): { readonly time: number; readonly nanoseconds: number } {
  const text = record(pax, 'mtime')
  if (text === undefined) return { time: numberField(block, 136, 12, 'mtime'), nanoseconds: 0 }
  const [, sign = '', whole = '', fraction = ''] = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text) ?? []
  if (whole === '') throw new TarError(`mtime is no number: ${JSON.stringify(text)}`)
  const part = Number(fraction.slice(0, 9).padEnd(9, '0'))
  if (sign === '') return { time: Number(whole), nanoseconds: part }
  return part === 0
    ? { time: 0 - Number(whole), nanoseconds: 0 }
    : { time: -Number(whole) - 1, nanoseconds: 1e9 - part }
}

function idOf(block: Buffer, pax: Pax, key: 'uid' | 'gid', at: number): number {
  const id = paxNumber(pax, key) ?? numberField(block, at, 8, key)
  // An id that is cut to 32 bits may be that of root (CVE-2024-40635).
  if (id < 0 || id > MAX_ID) throw new TarError(`the ${key} ${id} is out of range`)
  return id
}

function nameOf(block: Buffer): string {
  const short = textField(block, 0, 100)
  // GNU's magic is `ustar  `: it has no prefix there. That of star is shorter, and has times behind it.
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return short
  const prefix = textField(block, 345, block.toString('latin1', 508, 512) === 'tar\0' ? 131 : 155)
  return prefix === '' ? short : `${prefix}/${short}`
}

function xattrsOf(pax: Pax): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>()
  for (const [key, value] of pax) {
    if (!key.startsWith('SCHILY.xattr.')) continue
    // GNU tar writes `=`, which would end the key, as %3D, and % as %25.
    const name = key.slice(13).replace(/%(3D|25)/g, (_, code) => (code === '25' ? '%' : '='))
    if (name === '' || name.includes('\0')) throw new TarError(`an attribute named ${JSON.stringify(name)}`)
    xattrs.set(name, Buffer.from(value, 'latin1'))
  }
  return xattrs
}

/** GNU's headers that hold a long name, or a long target of a link. */
export interface LongNames {
  readonly name: string | undefined
  readonly link: string | undefined
}

/** size: of the file as it will be. Errors: TarError. */
export function makeHeader(block: Buffer, pax: Pax, long: LongNames, size: number, sparse: boolean): TarHeader {
  const [path, linkpath] = [record(pax, 'path'), record(pax, 'linkpath')]
  // Readers do not agree on which of them counts: one of them would see another file.
  if ((long.name !== undefined && path !== undefined) || (long.link !== undefined && linkpath !== undefined))
    throw new TarError('an entry with two long names, of GNU and of pax')
  const name = record(pax, 'GNU.sparse.name') ?? path ?? long.name ?? nameOf(block)
  const link = linkpath ?? long.link ?? textField(block, 157, 100)
  if (name.includes('\0') || link.includes('\0')) throw new TarError('a name with a NUL in it')
  const letter = String.fromCharCode(block[156] ?? 0)
  const isFile = '\x0007S'.includes(letter)
  const type = !isFile ? letter : letter !== 'S' && name.endsWith('/') ? '5' : '0'
  const isDevice = type === '3' || type === '4'
  return {
    name,
    link,
    type,
    mode: numberField(block, 100, 8, 'mode') & 0o7777,
    uid: idOf(block, pax, 'uid', 108),
    gid: idOf(block, pax, 'gid', 116),
    size: type === '0' ? size : 0,
    ...timeOf(block, pax),
    major: isDevice ? numberField(block, 329, 8, 'major') : 0,
    minor: isDevice ? numberField(block, 337, 8, 'minor') : 0,
    xattrs: xattrsOf(pax),
    sparse: sparse && type === '0',
  }
}
