// SPDX-License-Identifier: Apache-2.0
// Addresses and subnets as numbers. Pure. No package: those for it bring a tenfold of what is needed here.

import { isIP } from 'node:net'

export interface Subnet {
  readonly family: 4 | 6
  /** The first address. */
  readonly base: bigint
  readonly prefix: number
}

const bits = { 4: 32, 6: 128 } as const

function parse4(text: string): bigint {
  return text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
}

function parse6(text: string): bigint {
  // An IPv4 address may end it.
  const dotted = text.match(/^(.*:)(\d+\.\d+\.\d+\.\d+)$/)
  if (dotted !== null) {
    const low = parse4(dotted[2] ?? '')
    return parse6(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`)
  }
  const [head = '', tail] = text.split('::')
  const words = (part: string): readonly string[] => (part === '' ? [] : part.split(':'))
  const [before, after] = [words(head), words(tail ?? '')]
  const gap = tail === undefined ? 0 : 8 - before.length - after.length
  const all = [...before, ...Array.from({ length: gap }, () => '0'), ...after]
  return all.reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n)
}

/** Undefined: it is no address. */
export function parseAddress(text: string): { readonly family: 4 | 6; readonly value: bigint } | undefined {
  const family = text.includes('%') ? 0 : isIP(text)
  if (family === 4) return { family: 4, value: parse4(text) }
  if (family === 6) return { family: 6, value: parse6(text) }
  return undefined
}

export function addressText(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.')
  const words = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':')
  // The longest run of zeros is left out, the first of several, and never a single one (RFC 5952).
  const runs = [...words.matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)].sort((a, b) => b[0].length - a[0].length)
  const [run] = runs
  if (run === undefined) return words
  const before = words.slice(0, run.index).replace(/:$/, '')
  const after = words.slice(run.index + run[0].length).replace(/^:/, '')
  return `${before}::${after}`
}

const mask = (family: 4 | 6, prefix: number): bigint => (1n << BigInt(bits[family] - prefix)) - 1n

/** `10.0.0.0/8`; host bits are dropped. Undefined: it is none. */
export function parseSubnet(text: string): Subnet | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
  const address = parseAddress(match?.[1] ?? '')
  const prefix = Number(match?.[2])
  if (address === undefined || !(prefix <= bits[address.family])) return undefined
  return { family: address.family, base: address.value & ~mask(address.family, prefix), prefix }
}

export const subnetText = ({ family, base, prefix }: Subnet): string => `${addressText(family, base)}/${prefix}`

export const lastAddress = ({ family, base, prefix }: Subnet): bigint => base | mask(family, prefix)

export const overlap = (a: Subnet, b: Subnet): boolean =>
  a.family === b.family && a.base <= lastAddress(b) && b.base <= lastAddress(a)

export function contains(subnet: Subnet, text: string): boolean {
  const address = parseAddress(text)
  return (
    address !== undefined &&
    address.family === subnet.family &&
    address.value >= subnet.base &&
    address.value <= lastAddress(subnet)
  )
}

/** The address that stands at a place of the subnet. */
export const addressAt = (subnet: Subnet, place: number): string =>
  addressText(subnet.family, subnet.base + BigInt(place))

/** Blocks of a size, in a larger one. */
export function* blocks(subnet: Subnet, prefix: number): Generator<Subnet> {
  const step = mask(subnet.family, prefix) + 1n
  for (let base = subnet.base; base <= lastAddress(subnet); base += step) {
    yield { family: subnet.family, base, prefix }
  }
}
