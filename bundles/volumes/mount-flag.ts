// SPDX-License-Identifier: Apache-2.0
// `--mount type=bind|volume|tmpfs,...`. Pure.

import { cleanPath } from '../dockerfile/go-path.ts'
import { messageOf } from '../error.ts'
import { parseCsvLine } from './csv.ts'
import {
  checkTarget,
  fromHere,
  isPropagation,
  type MountDetails,
  type MountRequest,
  plainRequest,
  wrongMount,
} from './mount-request.ts'
import { tmpfsSize } from './tmpfs-options.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

interface Draft {
  type: string
  source: string
  target: string
  readonly: boolean
  propagation: string
  details: Writable<MountDetails>
  labels: Record<string, string>
  driver: string
  driverOptions: Record<string, string>
  tmpfs: string[]
  /** Kinds of mount that an option is for. */
  kinds: Set<'bind' | 'volume' | 'tmpfs'>
}

const badValue = (key: string, value: string, more = ''): Error =>
  wrongMount(`invalid value for ${key}: ${value}${more}`)

/** As Go reads them; without a value it is yes. */
function flagValue(key: string, value: string | undefined): boolean {
  if (value === undefined) return true
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true
  if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false
  throw badValue(key, value)
}

/** `1m`, `1.5g`, `10kb`: binary units. Errors: DockError. */
function byteCount(key: string, value: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i.exec(value)
  if (match === null) throw badValue(key, value)
  const power = match[2] === undefined ? 0 : 'kmgtp'.indexOf(match[2].toLowerCase()) + 1
  return Math.floor(Number(match[1]) * 1024 ** power)
}

function octal(key: string, value: string): string {
  if (!/^[0-7]+$/.test(value) || Number.parseInt(value, 8) > 0xffffffff) throw badValue(key, value)
  return Number.parseInt(value, 8).toString(8)
}

function setRecursion(draft: Draft, key: string, value: string): void {
  draft.kinds.add('bind')
  switch (
    /^(1|t|T|TRUE|true|True)$/.test(value) ? 'enabled' : /^(0|f|F|FALSE|false|False)$/.test(value) ? 'disabled' : value
  ) {
    case 'enabled':
      // What is without the option: it asks for nothing of a bind.
      draft.kinds.delete('bind')
      return
    case 'disabled':
      draft.details.NonRecursive = true
      return
    case 'writable':
      draft.details.ReadOnlyNonRecursive = true
      return
    case 'readonly':
      draft.details.ReadOnlyForceRecursive = true
      return
    default:
      throw badValue(key, value, ' (must be "enabled", "disabled", "writable", or "readonly")')
  }
}

function setPair(record: Record<string, string>, text: string): void {
  const equals = text.indexOf('=')
  const key = equals < 0 ? text : text.slice(0, equals)
  if (key !== '') record[key] = equals < 0 ? '' : text.slice(equals + 1)
}

type Setter = (draft: Draft, value: string, key: string, cwd: string) => void

const setters: Readonly<Record<string, Setter>> = {
  type: (draft, value) => {
    draft.type = value.toLowerCase()
  },
  source: (draft, value, _, cwd) => {
    draft.source = fromHere(value, cwd)
  },
  target: (draft, value) => {
    draft.target = value
  },
  readonly: (draft, value, key) => {
    draft.readonly = flagValue(key, value)
  },
  // Of file systems that are shared with virtual machines of other systems: here all are consistent.
  consistency: (_, value, key) => {
    if (!/^(default|consistent|cached|delegated)$/i.test(value)) throw badValue(key, value)
  },
  'bind-propagation': (draft, value) => {
    draft.kinds.add('bind')
    draft.propagation = value.toLowerCase()
  },
  'bind-nonrecursive': (draft, value, key) => {
    draft.kinds.add('bind')
    draft.details.NonRecursive = flagValue(key, value)
  },
  'bind-recursive': (draft, value, key) => setRecursion(draft, key, value),
  'volume-nocopy': (draft, value, key) => {
    draft.kinds.add('volume')
    draft.details.NoCopy = flagValue(key, value)
  },
  'volume-label': (draft, value) => {
    draft.kinds.add('volume')
    setPair(draft.labels, value)
  },
  'volume-driver': (draft, value) => {
    draft.kinds.add('volume')
    draft.driver = value
  },
  'volume-opt': (draft, value) => {
    draft.kinds.add('volume')
    setPair(draft.driverOptions, value)
  },
  'volume-subpath': (draft, value) => {
    draft.kinds.add('volume')
    draft.details.Subpath = value
  },
  'tmpfs-size': (draft, value, key) => {
    draft.kinds.add('tmpfs')
    draft.tmpfs.push(`size=${tmpfsSize(byteCount(key, value))}`)
  },
  'tmpfs-mode': (draft, value, key) => {
    draft.kinds.add('tmpfs')
    draft.tmpfs.push(`mode=${octal(key, value)}`)
  },
}

const aliases: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
}
/** Those that need no value. */
const switches: ReadonlySet<string> = new Set(['readonly', 'volume-nocopy', 'bind-nonrecursive'])

function readFields(text: string, cwd: string): Draft {
  const draft: Draft = {
    type: 'volume',
    source: '',
    target: '',
    readonly: false,
    propagation: '',
    details: {},
    labels: {},
    driver: '',
    driverOptions: {},
    tmpfs: [],
    kinds: new Set(),
  }
  for (const field of parseCsvLine(text)) {
    const equals = field.indexOf('=')
    const key = equals < 0 ? field : field.slice(0, equals)
    const name = Object.hasOwn(aliases, key) ? (aliases[key] ?? key) : key
    if (equals < 0 && !switches.has(name)) throw wrongMount(`invalid field '${field}' must be a key=value pair`)
    const set = Object.hasOwn(setters, name) ? setters[name] : undefined
    if (set === undefined) throw wrongMount(`unexpected key '${key}' in '${field}'`)
    set(draft, equals < 0 ? 'true' : field.slice(equals + 1), key, cwd)
  }
  return draft
}

/** What one option demands of another. Errors: DockError. */
function checkOptions(draft: Draft): void {
  if (draft.type === '') throw wrongMount('type is required')
  if (draft.target === '') throw wrongMount('target is required')
  for (const kind of ['bind', 'volume', 'tmpfs'] as const) {
    if (draft.kinds.has(kind) && draft.type !== kind)
      throw wrongMount(`cannot mix '${kind}-*' options with mount type '${draft.type}'`)
  }
  const needs = (option: string, what: string): Error =>
    wrongMount(`option '${option}' requires '${what}' to be specified in conjunction`)
  if (draft.details.ReadOnlyNonRecursive === true && !draft.readonly) throw needs('bind-recursive=writable', 'readonly')
  if (draft.details.ReadOnlyForceRecursive === true) {
    if (!draft.readonly) throw needs('bind-recursive=readonly', 'readonly')
    if (draft.propagation !== 'rprivate') throw needs('bind-recursive=readonly', 'bind-propagation=rprivate')
  }
}

/** A path without `..` that leads out, and not absolute. */
const isLocal = (path: string): boolean => !path.startsWith('/') && !/^\.\.(\/|$)/.test(cleanPath(path))

function checkSource({ type, source, details, readonly, propagation }: Draft): void {
  if (type === 'bind') {
    if (source === '') throw new Error('field Source must not be empty')
    if (propagation !== '' && !isPropagation(propagation)) throw new Error(`invalid propagation mode: ${propagation}`)
    if (!source.startsWith('/')) throw new Error(`invalid mount path: '${source}' mount path must be absolute`)
  } else if (type === 'volume') {
    if (source === '' && readonly) throw new Error('must not set ReadOnly mode when using anonymous volumes')
    if (details.Subpath !== undefined && details.Subpath !== '') {
      if (source === '') throw new Error('must not set Subpath when using anonymous volumes')
      if (!isLocal(details.Subpath)) throw new Error('subpath must be a relative path within the volume')
    }
  } else if (type === 'tmpfs') {
    if (source !== '') throw new Error('field Source must not be specified')
  } else throw new Error('mount type unknown')
}

/** Reads a `--mount`. cwd: what relative paths begin from. Errors: DockError, with Docker's words. */
export function parseMountFlag(text: string, cwd: string): MountRequest {
  const draft = readFields(text, cwd)
  checkOptions(draft)
  let target: string
  try {
    target = checkTarget(draft.target)
    checkSource(draft)
  } catch (e: unknown) {
    throw wrongMount(`invalid mount config for type "${draft.type}": ${messageOf(e)}`)
  }
  const { type, source, readonly, labels, driver, driverOptions } = draft
  const tmpfs = [...(readonly ? ['ro'] : []), ...draft.tmpfs].join(',')
  return {
    ...plainRequest,
    type: type as MountRequest['type'],
    source: type === 'bind' ? cleanPath(source) : source,
    target,
    readonly,
    propagation: isPropagation(draft.propagation) ? draft.propagation : '',
    details: type === 'tmpfs' ? { Tmpfs: tmpfs } : draft.details,
    labels,
    driver,
    driverOptions,
  }
}
