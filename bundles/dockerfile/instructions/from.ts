// SPDX-License-Identifier: Apache-2.0
import { parseFlags } from '../flags.ts'
import { Problem } from '../located-error.ts'
import type { Statement } from '../statement.ts'
import { type Placed, placeOf, wordsOf } from './arguments.ts'
import { descriptionOf } from './arg.ts'

/** FROM [--platform=p] base [AS name] */
export interface FromInstruction extends Placed {
  readonly kind: 'from'
  /** An image, a stage above or `scratch`; with variables. */
  readonly base: string
  readonly platform: string | undefined
  /** In lower case. */
  readonly name: string | undefined
  readonly nameAsWritten: string | undefined
  /** `AS` as it is written. */
  readonly as: string | undefined
  readonly description: string | undefined
}

export function parseFrom(statement: Statement): FromInstruction {
  const [base, as, nameAsWritten, ...others] = wordsOf(statement.arguments)
  const named = as !== undefined
  if (
    base === undefined ||
    others.length > 0 ||
    (named && (nameAsWritten === undefined || as.toLowerCase() !== 'as'))
  ) {
    throw new Problem('FROM: wrong arguments', { at: as ?? statement.keyword, expected: 'FROM IMAGE [AS NAME]' })
  }
  const name = nameAsWritten?.toLowerCase()
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(name)) {
    throw new Problem(`FROM: ${nameAsWritten} cannot be the name of a stage`, {
      at: nameAsWritten,
      expected: 'a letter, then letters, digits, -, _ and .',
    })
  }
  const { platform } = parseFlags(statement.flags, { platform: 'string' })
  const description = name === undefined ? undefined : descriptionOf(statement.comments, name)
  return { kind: 'from', ...placeOf(statement), base, platform, name, nameAsWritten, as, description }
}
