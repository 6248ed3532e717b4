// SPDX-License-Identifier: Apache-2.0
import { type ModeChange, parseModeChange } from '../file-mode.ts'
import { parseFlags } from '../flags.ts'
import { Problem } from '../located-error.ts'
import { parseRemoteSource } from '../remote-source.ts'
import type { Escape } from '../source.ts'
import type { Statement } from '../statement.ts'
import { expandWords } from '../words.ts'
import { type Expander, type Placed, placeOf } from './arguments.ts'
import {
  checkExcludes,
  checkGlobs,
  expandSources,
  type InlineSource,
  type PathSource,
  parseSources,
} from './copy-sources.ts'

/** COPY [flags] source ... destination */
export interface CopyInstruction extends Placed {
  readonly kind: 'copy'
  readonly sources: readonly (PathSource | InlineSource)[]
  readonly destination: string
  /** A stage by name or number, an image, or a named context; undefined for the context. No variables. */
  readonly from: string | undefined
  /** user[:group], names or numbers. */
  readonly chown: string | undefined
  readonly chmod: string | undefined
  /** A layer of its own, whatever is below. */
  readonly link: boolean
  /** Keeps the directories of the sources. `splitPivot` reads them. */
  readonly parents: boolean
  /** Patterns of what is left out, as compilePathPatterns reads them. */
  readonly exclude: readonly string[]
}

export interface ExpandedCopy extends CopyInstruction {
  readonly mode: ModeChange | undefined
}

const FLAGS = {
  from: 'string',
  chown: 'string',
  chmod: 'string',
  link: 'boolean',
  parents: 'boolean',
  exclude: 'list',
} as const

/** The name of a stage or image, which holds no variables. */
function checkFrom(from: string | undefined, escapeChar: Escape): string | undefined {
  if (from === undefined || from === '') return undefined
  if (expandWords(from, () => undefined, { escape: escapeChar }).text !== from) {
    throw new Problem(`--from=${from}: variables are not put in here`, {
      at: from,
      expected: 'a name, such as that of a stage FROM $IMAGE AS name',
    })
  }
  return from
}

export function parseCopy(statement: Statement, escapeChar: Escape): CopyInstruction {
  const { sources, destination } = parseSources(statement)
  const flags = parseFlags(statement.flags, FLAGS)
  return {
    kind: 'copy',
    ...placeOf(statement),
    sources,
    destination,
    from: checkFrom(flags.from, escapeChar),
    chown: flags.chown,
    chmod: flags.chmod,
    link: flags.link === true,
    parents: flags.parents === true,
    exclude: checkExcludes(flags.exclude),
  }
}

/** A flag with variables; one that is empty afterwards counts as not given. */
export function expandFlag(value: string | undefined, expander: Expander): string | undefined {
  return value === undefined ? undefined : expander.word(value) || undefined
}

export function expandCopy(instruction: CopyInstruction, expander: Expander): ExpandedCopy {
  const { sources, destination } = expandSources(instruction, expander)
  for (const source of sources) {
    if (source.kind === 'path' && parseRemoteSource(source.path) !== undefined) {
      throw new Problem(`COPY: ${source.path} is not in the context`, {
        at: source.path,
        expected: 'ADD for URLs and git',
      })
    }
  }
  if (!instruction.parents) checkGlobs(sources)
  const chmod = expandFlag(instruction.chmod, expander)
  return {
    ...instruction,
    sources,
    destination,
    chown: expandFlag(instruction.chown, expander),
    chmod,
    mode: chmod === undefined ? undefined : parseModeChange(chmod),
  }
}
