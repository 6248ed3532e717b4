// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../../spec/runtime/config.ts'

/** What may stand in a hole: csrc/front/template.c checks the same, byte by byte. */
export const HOLE_CLASS = { path: 0, word: 1, text: 2 } as const
export type HoleClass = keyof typeof HOLE_CLASS

const patterns: Readonly<Record<HoleClass, RegExp>> = {
  // Absolute, and spelled in the one clean way: what cleanPath() leaves as it is.
  path: /^(?=.{2,200}$)(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.,:@+=%~-]+)+$/,
  word: /^(?!\.{1,2}$)[A-Za-z0-9_.+-]{1,64}$/,
  // Nothing that JSON would escape.
  text: /^(?:(?!["\\])[ -~]){1,4096}$/,
}

/** True when a text is of the class. */
export function isOfClass(text: string, hole: HoleClass): boolean {
  return patterns[hole].test(text)
}

/** A text of config.json that another config of the same shape may have another of. */
export interface Hole {
  readonly hole: HoleClass
  /** Indexes into the text of config.json, without the quotes. */
  readonly start: number
  readonly end: number
}

/** Variables that have a meaning for a runtime. */
const known: ReadonlySet<string> = new Set(['HOME', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'NOTIFY_SOCKET'])
/** Places where the kind of the source matters. */
const special: ReadonlySet<string> = new Set(['/', '/dev', '/proc', '/sys', '/sys/fs/cgroup'])

interface Found {
  readonly keys: readonly string[]
  readonly start: number
  readonly end: number
}

/** Every text value of a JSON document with its place. The document is known to be JSON. */
function* findTexts(json: string): Generator<Found> {
  const stack: { readonly array: boolean; key: string; index: number }[] = []
  let isKey = false
  for (const match of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    const [token] = match
    const top = stack.at(-1)
    if (token === '{' || token === '[') {
      stack.push({ array: token === '[', key: '', index: 0 })
      isKey = token === '{'
    } else if (token === '}' || token === ']') {
      stack.pop()
      isKey = false
    } else if (token === ',') {
      if (top?.array) top.index++
      isKey = top?.array === false
    } else if (token === ':') {
      isKey = false
    } else if (isKey && top !== undefined) {
      top.key = JSON.parse(token) as string
    } else {
      const keys = stack.map(({ array, key, index }) => (array ? String(index) : key))
      const start = match.index + 1
      yield { keys, start, end: start + token.length - 2 }
    }
  }
}

/** `NAME=VALUE`: only the value may differ. */
function envHole(text: string, start: number, end: number): Hole | undefined {
  const equals = text.indexOf('=')
  const hole: Hole = { hole: 'text', start: start + equals + 1, end }
  return equals > 0 && !known.has(text.slice(0, equals)) && isOfClass(text.slice(equals + 1), 'text') ? hole : undefined
}

/** On cgroup v2 every directory on the way counts, so that a path may differ in its names and not in their number. */
function componentHoles(text: string, start: number): readonly Hole[] {
  if (!isOfClass(text, 'path')) return []
  const names = [...text.matchAll(/[^/]+/g)]
  if (!names.every(([name]) => isOfClass(name, 'word'))) return []
  return names.map(({ 0: name, index }) => ({ hole: 'word', start: start + index, end: start + index + name.length }))
}

/** Class of a field that the compiler passes on as it is, whatever it says; undefined for all others. */
function classOf(
  [first, second, third, fourth]: readonly string[],
  spec: Spec,
): HoleClass | 'env' | 'components' | undefined {
  switch (first) {
    case 'root':
      return second === 'path' ? 'path' : undefined
    case 'hostname':
      return 'word'
    case 'annotations':
      return /^(org\.systemd|org\.criu|run\.oci)\./.test(second ?? '') ? undefined : 'text'
    case 'process':
      if (third === undefined) return undefined
      return second === 'args' ? 'text' : second === 'env' ? 'env' : undefined
    case 'hooks':
      return fourth === 'args' ? 'text' : fourth === 'env' ? 'env' : undefined
    case 'mounts': {
      const mount = spec.mounts?.[Number(second)]
      const bind = mount?.options?.some((option) => option === 'bind' || option === 'rbind')
      return third === 'source' && bind && !special.has(mount?.destination ?? '/') ? 'path' : undefined
    }
    case 'linux':
      if (second === 'cgroupsPath' && third === undefined) return 'components'
      return second === 'namespaces' && fourth === 'path' ? 'path' : undefined
    default:
      return undefined
  }
}

/** The holes of a config.json, in the order of its text. */
export function findHoles(json: string, spec: Spec): readonly Hole[] {
  const holes: Hole[] = []
  for (const { keys, start, end } of findTexts(json)) {
    const hole = classOf(keys, spec)
    if (hole === undefined) continue
    const text = json.slice(start, end)
    if (hole === 'env') {
      const value = envHole(text, start, end)
      if (value !== undefined) holes.push(value)
    } else if (hole === 'components') holes.push(...componentHoles(text, start))
    else if (isOfClass(text, hole)) holes.push({ hole, start, end })
  }
  return holes
}
