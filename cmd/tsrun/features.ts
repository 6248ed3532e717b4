// SPDX-License-Identifier: Apache-2.0
import { makeFeatures } from '../../runtime/lifecycle/make-features.ts'
import { build } from './version.ts'

/** `tsrun features` */
export function runFeatures(): number {
  process.stdout.write(`${JSON.stringify(makeFeatures(build), null, 4)}\n`)
  return 0
}
