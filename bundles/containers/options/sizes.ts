// SPDX-License-Identifier: Apache-2.0
// Amounts as people write them. Pure.

import { DockError } from '../../error.ts'

const factors: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
}

/** `512m`, `1.5g`, `64kb`, `1GiB`: bytes. `-1` only where `unlimited` is allowed. Errors: DockError. */
export function parseBytes(text: string, flag: string, options: { readonly unlimited?: boolean } = {}): number {
  if (options.unlimited === true && text === '-1') return -1
  const match = /^(\d+(?:\.\d+)?)\s?([kmgtp]?)i?b?$/i.exec(text)
  const factor = factors[(match?.[2] ?? '').toLowerCase()]
  if (match?.[1] === undefined || factor === undefined) {
    throw new DockError(`invalid argument "${text}" for --${flag}: it is a number with b, k, m or g: 512m`, {
      exitCode: 125,
    })
  }
  return Math.floor(Number(match[1]) * factor)
}

/** `1.5` cpus in billionths. */
export function parseCpus(text: string): number {
  const value = Number(text)
  if (!/^\d*\.?\d+$/.test(text) || !(value >= 0)) {
    throw new DockError(`invalid argument "${text}" for --cpus: it is a number of cpus: 1.5`, { exitCode: 125 })
  }
  if (!/^\d*\.?\d{1,9}$/.test(text)) {
    throw new DockError(`invalid argument "${text}" for --cpus: value is too precise`, { exitCode: 125 })
  }
  return Math.round(value * 1e9)
}

const units: Readonly<Record<string, number>> = { ns: 1, us: 1e3, 'µs': 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }

/** Nanoseconds of what Go writes: `1m30s`, `500ms`; undefined: it is no duration. */
export function durationOf(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) return undefined
  return Math.round(parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0))
}

/** A duration of an option. Errors: DockError. */
export function parseDuration(text: string, flag: string): number {
  const duration = text === '0' ? 0 : durationOf(text)
  if (duration !== undefined) return duration
  throw new DockError(`invalid argument "${text}" for --${flag}: it is a duration: 30s, 1m30s, 500ms`, {
    exitCode: 125,
  })
}

const limits = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]

/** `nofile=1024:2048` */
export function parseUlimit(text: string): { readonly Name: string; readonly Soft: number; readonly Hard: number } {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text)
  const wrong = (why: string): never => {
    throw new DockError(`invalid argument "${text}" for --ulimit: ${why}`, { exitCode: 125 })
  }
  if (match?.[1] === undefined) return wrong('it is NAME=SOFT[:HARD]: nofile=1024:2048')
  if (!limits.includes(match[1])) return wrong(`there is no limit "${match[1]}" (there are: ${limits.join(', ')})`)
  const soft = Number(match[2])
  const hard = match[3] === undefined ? soft : Number(match[3])
  if (hard !== -1 && (soft > hard || soft === -1))
    return wrong(`the soft limit ${soft} is above the hard limit ${hard}`)
  return { Name: match[1], Soft: soft, Hard: hard }
}
