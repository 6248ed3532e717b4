// SPDX-License-Identifier: Apache-2.0
import { Problem } from '../located-error.ts'
import type { Statement } from '../statement.ts'
import { type Placed, placeOf, refuseFlags } from './arguments.ts'

/** ONBUILD instruction: what is done when another build begins with the image. */
export interface OnbuildInstruction<Trigger> extends Placed {
  readonly kind: 'onbuild'
  /** As in the image config: the instruction in one line, and the texts of its heredocs. */
  readonly expression: string
  readonly trigger: Trigger
}

const FORBIDDEN: ReadonlySet<string> = new Set(['ONBUILD', 'FROM', 'MAINTAINER'])

export function parseOnbuild<Trigger>(
  statement: Statement,
  parseTrigger: (trigger: Statement) => Trigger,
): OnbuildInstruction<Trigger> {
  refuseFlags(statement)
  const given = statement.arguments
  if (given.kind !== 'statement') {
    throw new Problem('ONBUILD has no instruction', { at: statement.keyword, expected: 'ONBUILD INSTRUCTION' })
  }
  const { keyword, text } = given.statement
  if (FORBIDDEN.has(keyword.toUpperCase())) {
    throw new Problem(`ONBUILD cannot hold ${keyword.toUpperCase()}`, { at: keyword, expected: 'another instruction' })
  }
  const texts = statement.heredocs.map((heredoc) => `\n${heredoc.text}${heredoc.name}`)
  const trigger = parseTrigger(given.statement)
  return { kind: 'onbuild', ...placeOf(statement), expression: text + texts.join(''), trigger }
}
