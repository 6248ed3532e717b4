// SPDX-License-Identifier: Apache-2.0
// Writes tar headers as they are asked for, right or wrong, and reads archives with the reader that is tried.

import { type TarHeader, TarReader } from '../../bundles/layers/tar-read.ts'

export interface RawHeader {
  readonly name?: string
  readonly mode?: string
  readonly uid?: string | Buffer
  readonly gid?: string | Buffer
  /** Default: the length of data. */
  readonly size?: string | Buffer
  readonly mtime?: string | Buffer
  readonly type?: string
  readonly link?: string
  readonly magic?: string
  readonly major?: string
  readonly minor?: string
  readonly prefix?: string
  readonly data?: string | Buffer
  /** Bytes at places of the header, set last. */
  readonly bytes?: Readonly<Record<number, string | Buffer>>
}

const octal = (value: number, width: number): string => value.toString(8).padStart(width - 1, '0')

/** One entry: header, data, padding. */
export function rawEntry(raw: RawHeader): Buffer {
  const data = Buffer.isBuffer(raw.data) ? raw.data : Buffer.from(raw.data ?? '', 'latin1')
  const block = Buffer.alloc(512)
  const put = (at: number, value: string | Buffer): void => {
    block.set(Buffer.isBuffer(value) ? value : Buffer.from(value, 'latin1'), at)
  }
  put(0, raw.name ?? '')
  put(100, raw.mode ?? '0000644')
  put(108, raw.uid ?? '0000000')
  put(116, raw.gid ?? '0000000')
  put(124, raw.size ?? octal(data.length, 12))
  put(136, raw.mtime ?? '00000001750')
  put(156, raw.type ?? '0')
  put(157, raw.link ?? '')
  put(257, raw.magic ?? 'ustar\x0000')
  put(329, raw.major ?? '')
  put(337, raw.minor ?? '')
  put(345, raw.prefix ?? '')
  for (const [at, value] of Object.entries(raw.bytes ?? {})) put(Number(at), value)
  put(148, '        ')
  put(
    148,
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    )}\0 `,
  )
  return Buffer.concat([block, data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}

export const record = (key: string, value: string): string => {
  const body = key.length + value.length + 3
  const length = [1, 2, 3, 4, 5, 6, 7].map((digits) => body + digits).find((n) => String(n).length === n - body)
  return `${length} ${key}=${value}\n`
}

/** An extended header: of pax (x, g) with records, or of GNU (L, K) with a name. */
export const paxHeader = (records: Readonly<Record<string, string>>, type = 'x'): Buffer =>
  rawEntry({
    name: 'PaxHeaders/x',
    type,
    data: Object.entries(records)
      .map(([key, value]) => record(key, value))
      .join(''),
  })

export const archive = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, Buffer.alloc(1024)])

/** The only entry. Errors: there are others, or none. */
export function onlyOf<T>(list: readonly T[]): T {
  const [first, ...others] = list
  if (first === undefined || others.length > 0) throw new Error(`${list.length} where one was expected`)
  return first
}

export interface ReadEntry extends TarHeader {
  readonly contents: Buffer
}

/** All entries of an archive, pushed in chunks. Errors: TarError. */
export function readTar(bytes: Buffer, chunkSize = bytes.length): readonly ReadEntry[] {
  const entries: { header: TarHeader; parts: Buffer[] }[] = []
  const reader = new TarReader({
    header: (header) => entries.push({ header, parts: [] }),
    data: (chunk) => entries.at(-1)?.parts.push(Buffer.from(chunk)),
  })
  for (let at = 0; at < bytes.length; at += chunkSize) reader.push(bytes.subarray(at, at + chunkSize))
  reader.finish()
  return entries.map(({ header, parts }) => ({ ...header, contents: Buffer.concat(parts) }))
}
