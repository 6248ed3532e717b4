// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../../spec/runtime/config.ts'
import { DockError } from '../error.ts'

/** What devices of CDI names change in a config.json. Errors: DockError when one is not known. */
export async function applyCdi(spec: Spec, names: readonly string[]): Promise<Spec> {
  if (names.length === 0) return spec
  throw new DockError(`unresolvable CDI devices ${names.join(', ')}`, { exitCode: 125 })
}
