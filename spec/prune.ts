// SPDX-License-Identifier: Apache-2.0
import { pointerKeys } from './pointer.ts'
import type { SchemaValidator } from './schema-problem.ts'

/** What is put where a required field is missing or malformed, so that the rest around it can still be judged. */
const STAND_INS: Readonly<Record<string, unknown>> = {
  '/ociVersion': '1.3.0',
  '/process/cwd': '/',
}

/** A copy of a document without its malformed parts, and the way back from pointers into it. */
export interface Pruned {
  readonly value: unknown
  /** The pointer into the original document of what is at a pointer into the copy. */
  original(pointer: string): string
}

/** What went wrong at one place: the innermost field or entry to leave out. */
function target(base: string, pointer: string, missing: string | undefined): string {
  if (missing === undefined) return pointer
  return `${base}${pointer}/${missing}` in STAND_INS ? `${pointer}/${missing}` : pointer
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]))
}

function parentOf(root: unknown, keys: readonly string[]): unknown {
  let value = root
  for (const key of keys.slice(0, -1)) value = (value as Record<string, unknown>)[key]
  return value
}

/**
 * Leaves out whatever a validator finds fault with, so that rules see only what has the right shape.
 * `base` is where the document's root stands in config.json. Undefined where nothing is left.
 */
export function prune(document: unknown, base: string, validator: SchemaValidator): Pruned | undefined {
  const value = copy(document)
  const places = new Map<readonly unknown[], number[]>()
  // each round removes something, and what is left of the deepest fault lies at most this deep
  for (let round = 0; round < 32 && !validator(value); round++) {
    const faults = new Set(
      (validator.errors ?? []).map((error) =>
        target(
          base,
          error.instancePath,
          error.keyword === 'required' ? String(error.params['missingProperty']) : undefined,
        ),
      ),
    )
    // last entries first: removing one moves those behind it
    for (const fault of [...faults].reverse()) {
      if (fault === '') return undefined
      remove(value, fault, base, places)
    }
  }
  return validator(value) ? { value, original: (pointer) => originalPointer(value, pointer, places) } : undefined
}

function remove(root: unknown, pointer: string, base: string, places: Map<readonly unknown[], number[]>): void {
  const keys = pointerKeys(pointer)
  const key = keys.at(-1) ?? ''
  const parent = parentOf(root, keys)
  if (typeof parent !== 'object' || parent === null) return
  if (Array.isArray(parent)) {
    const kept = places.get(parent) ?? parent.map((_, index) => index)
    kept.splice(Number(key), 1)
    parent.splice(Number(key), 1)
    places.set(parent, kept)
  } else if (base + pointer in STAND_INS) {
    ;(parent as Record<string, unknown>)[key] = STAND_INS[base + pointer]
  } else {
    delete (parent as Record<string, unknown>)[key]
  }
}

function originalPointer(root: unknown, pointer: string, places: Map<readonly unknown[], number[]>): string {
  let value = root
  let result = ''
  for (const raw of pointer.split('/').slice(1)) {
    const kept = Array.isArray(value) ? places.get(value) : undefined
    result += `/${kept?.[Number(raw)] ?? raw}`
    const key = pointerKeys(`/${raw}`)[0] ?? ''
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
  }
  return result
}
