// SPDX-License-Identifier: Apache-2.0
// What a step made, under the digest of all that it depended on. The inputs are kept, so that a miss can be explained.

import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuiltLayer } from './image-state.ts'

/** One file that a step read: `content` is a digest, a link's text or a device's numbers. */
export interface InputFile {
  readonly path: string
  readonly type: string
  readonly mode: number
  readonly owner: string
  readonly content: string
}

/** All that the result of a step depends on. */
export interface StepInputs {
  /** The file system before it. */
  readonly parent: string
  /** The instruction with variables put in, and what else decides: environment, user, directory ... */
  readonly settings: Readonly<Record<string, string>>
  /** By the source that they are from. */
  readonly files: Readonly<Record<string, readonly InputFile[]>>
}

export interface CacheRecord {
  /** Undefined: the step changed nothing. */
  readonly layer?: BuiltLayer | undefined
}

/** Members of an object in the order of their names. */
const entriesOf = <T>(record: Readonly<Record<string, T>>): readonly (readonly [string, T])[] =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))

export function cacheKey(inputs: StepInputs): string {
  const hash = createHash('sha256').update(JSON.stringify([1, inputs.parent, entriesOf(inputs.settings)]))
  for (const [source, files] of entriesOf(inputs.files)) {
    hash.update(`\0${source}\0`)
    for (const file of files) hash.update(`${file.path}\0${file.type}\0${file.mode}\0${file.owner}\0${file.content}\0`)
  }
  return hash.digest('hex')
}

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text)

function fileChange(before: InputFile, now: InputFile): string | undefined {
  if (before.type !== now.type) return `${now.path} ${before.type} -> ${now.type}`
  if (before.content !== now.content) return `${now.path} content`
  if (before.mode !== now.mode) return `${now.path} mode ${before.mode.toString(8)} -> ${now.mode.toString(8)}`
  if (before.owner !== now.owner) return `${now.path} owner ${before.owner} -> ${now.owner}`
  return undefined
}

function fileChanges(before: readonly InputFile[], now: readonly InputFile[]): readonly string[] {
  const known = new Map(before.map((file) => [file.path, file]))
  const changed = now.flatMap((file) => {
    const old = known.get(file.path)
    known.delete(file.path)
    return old === undefined ? [`+ ${file.path}`] : (fileChange(old, file) ?? [])
  })
  return [...changed, ...[...known.keys()].map((path) => `- ${path}`)]
}

/** Why a step is not what it was the last time. `before`: undefined when it was never built. Pure. */
export function explainMiss(before: StepInputs | undefined, now: StepInputs): string {
  if (before === undefined) return 'it has not been built before'
  const reasons: string[] = []
  const settings = new Set([...Object.keys(before.settings), ...Object.keys(now.settings)])
  for (const name of settings) {
    const [old, fresh] = [before.settings[name], now.settings[name]]
    if (old === fresh) continue
    if (old === undefined) reasons.push(`${name} is new: ${short(fresh ?? '')}`)
    else if (fresh === undefined) reasons.push(`${name} is gone`)
    else reasons.push(`${name}: ${short(old)} -> ${short(fresh)}`)
  }
  for (const [source, files] of entriesOf(now.files)) {
    const changes = fileChanges(before.files[source] ?? [], files)
    const count = `${changes.length} file${changes.length === 1 ? '' : 's'} changed`
    if (changes.length > 0)
      reasons.push(`${source}: ${count}: ${changes.slice(0, 5).join(', ')}${changes.length > 5 ? ', ...' : ''}`)
  }
  if (before.parent !== now.parent) reasons.push('an earlier step made another result')
  return reasons.length === 0 ? 'what it made is no longer in the cache' : reasons.join('; ')
}

export class BuildCache {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  path(key: string): string {
    return join(this.#directory, 'steps', key)
  }

  async get(key: string): Promise<CacheRecord | undefined> {
    try {
      return JSON.parse(await readFile(this.path(key), 'utf8')) as CacheRecord
    } catch {
      return undefined
    }
  }

  async #write(folder: string, name: string, value: object): Promise<void> {
    const directory = join(this.#directory, folder)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const fresh = join(directory, `.${name}-${process.pid}-${Math.round(performance.now() * 1000)}`)
    await writeFile(fresh, JSON.stringify(value), { mode: 0o600 })
    await rename(fresh, join(directory, name))
  }

  put(key: string, record: CacheRecord): Promise<void> {
    return this.#write('steps', key, record)
  }

  /** It has been used now: what has not been for long goes first. */
  async touch(key: string): Promise<void> {
    const now = new Date()
    await utimes(this.path(key), now, now).catch(() => undefined)
  }

  /** What the step at this place of this Dockerfile depended on the last time. */
  async lastInputs(place: string): Promise<StepInputs | undefined> {
    try {
      return JSON.parse(await readFile(join(this.#directory, 'places', placeName(place)), 'utf8')) as StepInputs
    } catch {
      return undefined
    }
  }

  rememberInputs(place: string, inputs: StepInputs): Promise<void> {
    return this.#write('places', placeName(place), inputs)
  }

  /** All records: what garbage collection must keep. */
  async records(): Promise<readonly { readonly key: string; readonly record: CacheRecord }[]> {
    const names = await readdir(join(this.#directory, 'steps')).catch(() => [] as string[])
    const found = await Promise.all(
      names.filter((name) => !name.startsWith('.')).map(async (key) => ({ key, record: await this.get(key) })),
    )
    return found.flatMap(({ key, record }) => (record === undefined ? [] : [{ key, record }]))
  }
}

const placeName = (place: string): string => createHash('sha256').update(place).digest('hex')
