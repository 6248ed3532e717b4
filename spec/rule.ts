// SPDX-License-Identifier: Apache-2.0
import type { Spec } from './runtime/config.ts'

/** Notes one violation. The text says what is wrong and what to do; the field's name is put before it. */
export type Report = (pointer: string, text: string) => void

/** One requirement of the specification that a schema cannot say. */
export interface Rule {
  /** As its file is called. */
  readonly name: string
  /** Where the specification says so, as in 'config.md#process'. */
  readonly section: string
  /**
   * The field without which the rule has nothing to say: of the document, of process, linux or linux.resources.
   * Most configs lack most fields, and a rule that is not called costs no start-up time.
   */
  readonly field?: string
  /** Also holds for a process that stands alone, as `exec --process` reads it. */
  readonly process?: true
  /** The rule is skipped while the field at this pointer is malformed: its verdict would only mislead. */
  readonly reads?: string
  /** Gets a value that the schema accepts. Collects; never throws. */
  check(spec: Spec, report: Report): void
}
