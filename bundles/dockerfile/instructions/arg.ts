// SPDX-License-Identifier: Apache-2.0
import { Problem } from '../located-error.ts'
import type { Statement } from '../statement.ts'
import { type Placed, placeOf, refuseFlags, someWords } from './arguments.ts'

export interface ArgDefinition {
  readonly name: string
  /** What it is unless the caller gives it, with variables; undefined without one, which is not the empty text. */
  readonly value: string | undefined
  /** From a comment `# name what it is` above it. */
  readonly description: string | undefined
}

/** ARG name[=default] ... Its values are those of `declareArgs`: each sees those before it. */
export interface ArgInstruction extends Placed {
  readonly kind: 'arg'
  readonly definitions: readonly ArgDefinition[]
}

/** What a comment above an instruction says of a name that it defines. */
export function descriptionOf(comments: readonly string[], name: string): string | undefined {
  const comment = comments.find((line) => line.startsWith(`${name} `))
  return comment?.slice(name.length + 1)
}

export function parseArg(statement: Statement): ArgInstruction {
  refuseFlags(statement)
  const definitions = someWords(statement).map((word): ArgDefinition => {
    const equals = word.indexOf('=')
    if (equals === 0) throw new Problem('ARG: no name before =', { at: word, expected: 'NAME[=DEFAULT]' })
    const name = equals < 0 ? word : word.slice(0, equals)
    const value = equals < 0 ? undefined : word.slice(equals + 1)
    return { name, value, description: descriptionOf(statement.comments, name) }
  })
  return { kind: 'arg', ...placeOf(statement), definitions }
}
