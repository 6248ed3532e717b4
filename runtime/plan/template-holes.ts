// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../../spec/runtime/config.ts'

/** What may stand in a hole: csrc/front/template.c checks the same, byte by byte. */
export const HOLE_CLASS = { path: 0, word: 1, text: 2, number: 3, unit: 4 } as const
export type HoleClass = keyof typeof HOLE_CLASS

const patterns: Readonly<Record<HoleClass, RegExp>> = {
  // Absolute, and spelled in the one clean way: what cleanPath() leaves as it is.
  path: /^(?=.{2,200}$)(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.,:@+=%~-]+)+$/,
  word: /^(?!\.{1,2}$)[A-Za-z0-9_.+-]{1,64}$/,
  // Nothing that JSON would escape.
  text: /^(?:(?!["\\])[ -~]){1,4096}$/,
  // For what no plan depends on.
  number: /^[0-9]{1,20}$/,
  // A part of the name of a systemd unit, without what ends a part or says what kind of unit it is.
  unit: /^[A-Za-z0-9_]{1,64}$/,
}

/** True when a text is of the class. */
export function isOfClass(text: string, hole: HoleClass): boolean {
  return patterns[hole].test(text)
}

/** A text of a document that another one of the same shape may have another of. */
export interface Hole {
  readonly hole: HoleClass
  /** Indexes into the text of the document, without the quotes. */
  readonly start: number
  readonly end: number
  /** Compared with others of the kind: equal ones must be equal in every document, and different ones different. */
  readonly linked?: true
}

/** Variables that have a meaning for a runtime. */
const known: ReadonlySet<string> = new Set(['HOME', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'NOTIFY_SOCKET'])
/** Places where the kind of the source matters. */
const special: ReadonlySet<string> = new Set(['/', '/dev', '/proc', '/sys', '/sys/fs/cgroup'])

/** Together with a name as long as can be, it makes a name that systemd takes. */
const MOST_PREFIX = 128

interface Found {
  readonly keys: readonly string[]
  /** Not a number. */
  readonly text: boolean
  readonly start: number
  readonly end: number
}

/** Every text and natural number of a JSON document with its place. The document is known to be JSON. */
function* findValues(json: string): Generator<Found> {
  const stack: { readonly array: boolean; key: string; index: number }[] = []
  let isKey = false
  for (const match of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[-+.\w]+/g)) {
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
      const text = token.startsWith('"')
      if (!text && !isOfClass(token, 'number')) continue
      const keys = stack.map(({ array, key, index }) => (array ? String(index) : key))
      const start = match.index + (text ? 1 : 0)
      yield { keys, text, start, end: match.index + token.length - (text ? 1 : 0) }
    }
  }
}

/** `NAME=VALUE`: only the value may differ. */
function envHole(text: string, start: number, end: number): Hole | undefined {
  const equals = text.indexOf('=')
  const hole: Hole = { hole: 'text', start: start + equals + 1, end }
  return equals > 0 && !known.has(text.slice(0, equals)) && isOfClass(text.slice(equals + 1), 'text') ? hole : undefined
}

/** A path that may differ in its names and not in their number. What is no word is in all of them the same. */
export function pathHoles(text: string, start: number): readonly Hole[] {
  if (!isOfClass(text, 'path')) return []
  const names = [...text.matchAll(/[^/]+/g)].filter(([name]) => isOfClass(name, 'word'))
  return names.map(({ 0: name, index }) => ({ hole: 'word', start: start + index, end: start + index + name.length }))
}

/** A cgroupsPath, which may count from the caller's cgroup. */
function cgroupHoles(text: string, start: number): readonly Hole[] {
  return text.startsWith('/') ? pathHoles(text, start) : pathHoles(`/${text}`, start - 1)
}

/** slice:prefix:name of the systemd driver: the name, and the last part of a nested slice, as engines make them for each pod. */
function unitHoles(text: string, start: number): readonly Hole[] {
  const [, slice = '', part, prefix = '', name = ''] = /^((?:[^:]*-([^:-]+))?[^:]*):([^:]+):([^:]+)$/.exec(text) ?? []
  const at = (found: string, from: number): readonly Hole[] =>
    isOfClass(found, 'unit') ? [{ hole: 'unit', start: start + from, end: start + from + found.length }] : []
  if (name === '' || prefix.length > MOST_PREFIX) return []
  const last = part?.endsWith('.slice') ? part.slice(0, -'.slice'.length) : ''
  return [...at(last, slice.length - '.slice'.length - last.length), ...at(name, text.length - name.length)]
}

/** How a value becomes holes: whole, or in parts. */
type Kind = HoleClass | 'env' | 'cgroup' | 'units' | 'linked'

/** Class of a field that the compiler passes on as it is, whatever it says; undefined for all others. */
function classOf([first, second, third, fourth]: readonly string[], spec: Spec, systemd: boolean): Kind | undefined {
  switch (first) {
    case 'root':
      return second === 'path' ? 'path' : undefined
    case 'hostname':
      return 'word'
    case 'annotations':
      return /^(org\.systemd|org\.criu|run\.oci)\./.test(second ?? '') ? undefined : 'text'
    case 'process':
      return classOfProcess(second, third)
    case 'hooks':
      return fourth === 'args' ? 'text' : fourth === 'env' ? 'env' : undefined
    case 'mounts': {
      const mount = spec.mounts?.[Number(second)]
      const bind = mount?.options?.some((option) => option === 'bind' || option === 'rbind')
      return third === 'source' && bind && !special.has(mount?.destination ?? '/') ? 'path' : undefined
    }
    case 'linux':
      // On cgroup v2 every directory on the way counts.
      if (second === 'cgroupsPath' && third === undefined) return systemd ? 'units' : 'cgroup'
      return second === 'namespaces' && fourth === 'path' ? 'path' : undefined
    default:
      return undefined
  }
}

function classOfProcess(field: string | undefined, item: string | undefined): Kind | undefined {
  if (item === undefined) return field === 'cwd' ? 'path' : undefined
  return field === 'args' ? 'text' : field === 'env' ? 'env' : undefined
}

/** The holes of a document, in the order of its text. */
function holesOf(json: string, kindOf: (keys: readonly string[]) => Kind | undefined): readonly Hole[] {
  const holes: Hole[] = []
  for (const { keys, text: isText, start, end } of findValues(json)) {
    const hole = kindOf(keys)
    if (hole === undefined || isText === (hole === 'number')) continue
    const text = json.slice(start, end)
    if (hole === 'env') {
      const value = envHole(text, start, end)
      if (value !== undefined) holes.push(value)
    } else if (hole === 'cgroup') holes.push(...cgroupHoles(text, start))
    else if (hole === 'units') holes.push(...unitHoles(text, start))
    else if (hole === 'linked') for (const name of pathHoles(text, start)) holes.push({ ...name, linked: true })
    else if (isOfClass(text, hole)) holes.push({ hole, start, end })
  }
  return holes
}

/** The holes of a config.json. `systemd`: it makes the cgroups. */
export function findHoles(json: string, spec: Spec, systemd = false): readonly Hole[] {
  return holesOf(json, (keys) => classOf(keys, spec, systemd))
}

/** The holes of a --process file. */
export function findProcessHoles(json: string): readonly Hole[] {
  return holesOf(json, ([field, item]) => classOfProcess(field, item))
}

/** What `exec` looks at in a state.json are cgroups alone: a directory that several controllers share is joined once. */
export function findStateHoles(json: string): readonly Hole[] {
  return holesOf(json, ([first]) => {
    switch (first) {
      case 'id':
        return 'word'
      case 'init_process_pid':
      case 'init_process_start':
        return 'number'
      case 'created':
      case 'config':
        return 'text'
      case 'cgroup_paths':
        return 'linked'
      case 'namespace_paths':
        return 'path'
      default:
        return undefined
    }
  })
}
