// SPDX-License-Identifier: Apache-2.0
// What conformance.test.ts asks for, as functions, so that each is tried on a planted fault, too.

import type { Exercised } from '../helpers/coverage.ts'
import { type Effects, stepsOf } from './effects.ts'
import { type Field, isLeaf } from './fields.ts'
import { MOUNT_OPTIONS } from './mount-options.ts'
import { NAMES_NOT_EXERCISED, NOT_EXERCISED, REFUSED } from './sections.ts'

/** Fields that no step of the compiler cares for, and those said to be refused that are not. */
export function ignoredFields(fields: readonly Field[], effects: ReadonlyMap<string, Effects>): readonly string[] {
  return fields
    .filter(isLeaf)
    .map(({ path }) => path)
    .filter((path) => (stepsOf(effects.get(path)).length === 0) !== (REFUSED[path] !== undefined))
}

/** Fields, their names and mount options that no host test exercises and that have no reason for it. */
export function unexercised(fields: readonly Field[], exercised: Exercised): readonly string[] {
  const wanted = fields.flatMap((field) => [
    ...(isLeaf(field) ? [field.path] : []),
    ...field.names.map((name) => `${field.path}=${name}`),
  ])
  const options = Object.values(MOUNT_OPTIONS)
    .flat()
    .map((option) => `mounts[].options[]=${option}`)
  return [...wanted, ...options].filter(
    (name) =>
      exercised[name] === undefined && NOT_EXERCISED[name] === undefined && NAMES_NOT_EXERCISED[name] === undefined,
  )
}

/** Reasons for what is exercised all the same, or is no field. */
export function staleReasons(fields: readonly Field[], exercised: Exercised): readonly string[] {
  const known = new Set(fields.flatMap(({ path, names }) => [path, ...names.map((name) => `${path}=${name}`)]))
  return [...Object.keys(NOT_EXERCISED), ...Object.keys(NAMES_NOT_EXERCISED), ...Object.keys(REFUSED)].filter(
    (name) => !known.has(name) || exercised[name] !== undefined,
  )
}
