// SPDX-License-Identifier: Apache-2.0
// RUN --mount=type=...,key=value

import { baseName, cleanPath } from '../go-path.ts'
import { parseCsvLine, parseGoBool, parseNumber, parseRamSize } from '../go-values.ts'
import { Problem } from '../located-error.ts'
import { suggest } from '../suggest.ts'

interface OwnerAndMode {
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
}

/** A target that is relative is so to the working directory. */
interface Target {
  readonly target: string
}

export interface BindMount extends Target {
  readonly type: 'bind'
  /** A stage, an image or a named context; undefined for the context. */
  readonly from: string | undefined
  readonly source: string
  readonly readOnly: boolean
}

export interface CacheMount extends Target, OwnerAndMode {
  readonly type: 'cache'
  readonly id: string
  /** What a new cache begins with; undefined for nothing. */
  readonly from: string | undefined
  readonly source: string
  readonly readOnly: boolean
  readonly sharing: 'shared' | 'private' | 'locked'
}

export interface TmpfsMount extends Target {
  readonly type: 'tmpfs'
  readonly sizeBytes: number | undefined
  readonly readOnly: boolean
}

export interface SecretMount extends OwnerAndMode {
  readonly type: 'secret'
  readonly id: string
  /** Undefined for one that is in the environment alone. */
  readonly target: string | undefined
  /** Name of a variable of the environment. */
  readonly env: string | undefined
  readonly required: boolean
}

export interface SshMount extends OwnerAndMode {
  readonly type: 'ssh'
  readonly id: string
  /** Undefined for a place that the builder chooses. */
  readonly target: string | undefined
  readonly required: boolean
}

export type Mount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount
type MountType = Mount['type']

const TYPES: readonly MountType[] = ['bind', 'cache', 'tmpfs', 'secret', 'ssh']
const SHARING = ['shared', 'private', 'locked'] as const

/** Option -> the name that it has here. */
const NAMES: Readonly<Record<string, string>> = {
  type: 'type',
  from: 'from',
  source: 'source',
  src: 'source',
  target: 'target',
  dst: 'target',
  destination: 'target',
  readonly: 'ro',
  ro: 'ro',
  readwrite: 'rw',
  rw: 'rw',
  required: 'required',
  size: 'size',
  id: 'id',
  sharing: 'sharing',
  mode: 'mode',
  uid: 'uid',
  gid: 'gid',
  env: 'env',
}

/** Which types have an option; those that are not listed are had by all. */
const ONLY: Readonly<Record<string, readonly MountType[]>> = {
  from: ['bind', 'cache', 'tmpfs', 'ssh'],
  required: ['secret', 'ssh'],
  size: ['tmpfs'],
  sharing: ['cache'],
  mode: ['cache', 'secret', 'ssh'],
  uid: ['cache', 'secret', 'ssh'],
  gid: ['cache', 'secret', 'ssh'],
}

interface Option {
  readonly key: string
  readonly value: string | undefined
}

function parseOptions(text: string): readonly Option[] {
  return parseCsvLine(text).map((field) => {
    const equals = field.indexOf('=')
    const written = (equals < 0 ? field : field.slice(0, equals)).toLowerCase()
    const key = Object.hasOwn(NAMES, written) ? NAMES[written] : undefined
    if (key === undefined) {
      throw new Problem(`--mount: unknown option ${written}`, {
        at: field,
        meant: suggest(written, Object.keys(NAMES)),
      })
    }
    const value = equals < 0 ? undefined : field.slice(equals + 1)
    if (value === undefined && !['ro', 'rw', 'required'].includes(key)) {
      throw new Problem(`--mount: ${written} has no value`, { at: field, expected: `${written}=VALUE` })
    }
    if (key === 'from' && /\$./.test(value ?? '')) {
      throw new Problem(`--mount: from=${value}: variables are not put in here`, {
        at: field,
        expected: 'a name, such as that of a stage FROM $IMAGE AS name',
      })
    }
    return { key, value }
  })
}

type Values = ReadonlyMap<string, string>

function typeOf(values: Values): MountType {
  const given = values.get('type')
  if (given === undefined) return 'bind'
  const type = TYPES.find((one) => one === given.toLowerCase())
  if (type !== undefined) return type
  throw new Problem(`--mount: type ${given} is unknown`, {
    at: given,
    expected: TYPES.join(', '),
    meant: suggest(given, TYPES),
  })
}

function booleanOption(values: Values, key: string): boolean | undefined {
  const value = values.get(key)
  if (value === undefined) return undefined
  const found = parseGoBool(value)
  if (found === undefined)
    throw new Problem(`--mount: ${key}=${value} is no boolean`, { at: value, expected: 'true or false' })
  return found
}

function numberOption(values: Values, key: string, base: 8 | 10): number | undefined {
  const value = values.get(key)
  if (value === undefined) return undefined
  const found = parseNumber(value, base, 2 ** 32)
  if (found === undefined) {
    const expected = base === 8 ? 'octal digits' : 'a number'
    throw new Problem(`--mount: ${key}=${value} is no number`, { at: value, expected })
  }
  return found
}

/** The last of ro and rw decides; undefined if there is neither. */
function readOnlyOption(options: readonly Option[]): boolean | undefined {
  let readOnly: boolean | undefined
  for (const { key, value } of options) {
    if (key !== 'ro' && key !== 'rw') continue
    const isOn = booleanOption(new Map([[key, value ?? 'true']]), key)
    readOnly = key === 'ro' ? isOn : isOn !== true
  }
  return readOnly
}

function sharingOption(values: Values): CacheMount['sharing'] {
  const given = values.get('sharing')
  if (given === undefined) return 'shared'
  const found = SHARING.find((one) => one === given.toLowerCase())
  if (found !== undefined) return found
  throw new Problem(`--mount: sharing=${given} is unknown`, {
    at: given,
    expected: SHARING.join(', '),
    meant: suggest(given, SHARING),
  })
}

function sizeOption(values: Values): number | undefined {
  const given = values.get('size')
  if (given === undefined) return undefined
  const bytes = parseRamSize(given)
  if (bytes === undefined)
    throw new Problem(`--mount: size=${given} is no size`, { at: given, expected: '64m or the like' })
  return bytes === 0 ? undefined : bytes
}

function secretMount(values: Values, owner: OwnerAndMode): SecretMount {
  const source = values.get('source') ?? ''
  const given = values.get('id') ?? ''
  const target = values.get('target') ?? ''
  if (source !== '' && given !== '') throw new Problem('--mount: a secret has both id and source', { at: source })
  const id = source || given || (target === '' ? '' : baseName(target))
  if (id === '') throw new Problem('--mount: the secret has no id', { at: 'type=secret', expected: 'id=NAME' })
  const env = values.get('env')
  const place = target === '' && env === undefined ? `/run/secrets/${baseName(id)}` : target
  return {
    type: 'secret',
    id,
    target: place === '' ? undefined : place,
    env: env === '' ? id : env,
    required: booleanOption(values, 'required') === true,
    ...owner,
  }
}

function sshMount(values: Values, owner: OwnerAndMode): SshMount {
  if ((values.get('source') ?? '') !== '') throw new Problem('--mount: ssh has no source', { at: 'source' })
  const required = booleanOption(values, 'required') === true
  return {
    type: 'ssh',
    id: values.get('id') || 'default',
    target: values.get('target') || undefined,
    required,
    ...owner,
  }
}

function checkOptions(type: MountType, values: Values): void {
  for (const key of values.keys()) {
    const types = Object.hasOwn(ONLY, key) ? ONLY[key] : undefined
    if (types !== undefined && !types.includes(type)) {
      throw new Problem(`--mount: type ${type} has no option ${key}`, {
        at: key,
        expected: `type=${types.join(' or type=')}`,
      })
    }
  }
}

/** Reads a mount, with variables put into its values. Errors: Problem. */
export function parseMount(text: string, expand: (value: string) => string): Mount {
  const options = parseOptions(text).map(
    ({ key, value }): Option => ({
      key,
      value: value === undefined || key === 'from' ? value : expand(value),
    }),
  )
  const values: Values = new Map(options.map(({ key, value }) => [key, value ?? 'true']))
  const type = typeOf(values)
  checkOptions(type, values)
  const uid = numberOption(values, 'uid', 10)
  const gid = numberOption(values, 'gid', 10)
  const owner = { mode: numberOption(values, 'mode', 8), uid, gid }
  if (type === 'secret') return secretMount(values, owner)
  if (type === 'ssh') return sshMount(values, owner)
  const target = values.get('target') ?? ''
  if (target !== '' && cleanPath(target) === '/') throw new Problem('--mount: the target is /', { at: target })
  const readOnly = readOnlyOption(options)
  const source = values.get('source') ?? ''
  const from = values.get('from') || undefined
  if (type === 'tmpfs') return { type, target, sizeBytes: sizeOption(values), readOnly: readOnly === true }
  if (type === 'bind') return { type, from, source, target, readOnly: readOnly !== false }
  // A cache is known by where it is, unless it has a name.
  const id = values.get('id') || cleanPath(target)
  return { type, id, from, source, target, readOnly: readOnly === true, sharing: sharingOption(values), ...owner }
}

/** The names that mounts are from: known without any variable. Errors: Problem for options that are none. */
export function mountFrom(text: string): string | undefined {
  return parseOptions(text).findLast(({ key }) => key === 'from')?.value || undefined
}
