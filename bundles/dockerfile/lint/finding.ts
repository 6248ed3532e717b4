// SPDX-License-Identifier: Apache-2.0
import type { SourceRange } from '../source.ts'
import type { RuleName } from './rules.ts'

/** Something that a Dockerfile should not have, and may. */
export interface Finding {
  readonly rule: RuleName
  readonly message: string
  readonly range: SourceRange
}
