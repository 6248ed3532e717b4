// SPDX-License-Identifier: Apache-2.0
// `-c` of `commit`: instructions of Dockerfiles that change the configuration of an image. Pure.

import { isAbsolute, join, normalize } from 'node:path'
import type { ImageRunConfig } from '../../spec/image/documents.ts'
import { configStep } from '../build/config-step.ts'
import type { ImageState } from '../build/image-state.ts'
import { expandWith, parseInstruction } from '../dockerfile/instruction.ts'
import { located } from '../dockerfile/located-error.ts'
import { parseStatements } from '../dockerfile/statement.ts'
import { expandWords } from '../dockerfile/words.ts'
import { DockError } from '../error.ts'

const allowed: ReadonlySet<string> = new Set([
  'cmd',
  'entrypoint',
  'env',
  'expose',
  'healthcheck',
  'label',
  'onbuild',
  'stopsignal',
  'user',
  'volume',
  'workdir',
])

const variablesOf = (run: ImageRunConfig): ReadonlyMap<string, string> =>
  new Map(
    (run.Env ?? []).map((one) => {
      const equals = one.indexOf('=')
      return equals < 0 ? [one, ''] : [one.slice(0, equals), one.slice(equals + 1)]
    }),
  )

/** The configuration after some instructions. Errors: DockError, DockerfileError. */
export function changeConfig(run: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  if (changes.length === 0) return run
  const { source, statements } = parseStatements(changes.join('\n'), 'change')
  const memory = { cmdSet: false }
  let state: ImageState = {
    platform: { os: 'linux', architecture: '' },
    layers: [],
    run,
    history: [],
    author: undefined,
    epoch: 0,
  }
  for (const statement of statements) {
    const keyword = statement.keyword.toLowerCase()
    if (!allowed.has(keyword)) throw new DockError(`${keyword} is not a valid change command`)
    const variables = variablesOf(state.run)
    const expand = (text: string, plainQuotes: boolean) =>
      expandWords(text, (name) => variables.get(name), { escape: source.escape, plainQuotes })
    const instruction = located(source, statement.range, () => {
      const parsed = parseInstruction(statement, source.escape)
      if (parsed.kind === 'from') throw new DockError('from is not a valid change command')
      return expandWith(parsed, {
        word: (text) => expand(text, false).text,
        words: (text) => expand(text, false).words,
        body: (text) => expand(text, true).text,
      })
    })
    if (instruction.kind === 'workdir') {
      const path = isAbsolute(instruction.path) ? instruction.path : join('/', run.WorkingDir ?? '', instruction.path)
      state = { ...state, run: { ...state.run, WorkingDir: normalize(path).replace(/(.)\/+$/, '$1') } }
    } else state = configStep(state, instruction, memory) ?? state
  }
  return state.run
}
