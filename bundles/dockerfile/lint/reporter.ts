// SPDX-License-Identifier: Apache-2.0
import type { SourceRange } from '../source.ts'
import { applies, type CheckOptions, withComments } from './check-options.ts'
import type { Finding } from './finding.ts'
import type { RuleName } from './rules.ts'

/** What a rule finds fault with. */
export interface Spot {
  readonly range: SourceRange
  readonly comments?: readonly string[]
}

export type Report = (rule: RuleName, spot: Spot, message: string) => void

/** Collects findings of the rules that apply. */
export function openReport(options: CheckOptions, findings: Finding[]): Report {
  return (rule, { range, comments }, message) => {
    if (applies(withComments(options, comments ?? []), rule)) findings.push({ rule, message, range })
  }
}
