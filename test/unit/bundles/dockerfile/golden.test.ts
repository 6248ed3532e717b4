// SPDX-License-Identifier: Apache-2.0
// Dockerfiles as text: test/golden/dockerfiles/CASE/Dockerfile -> instructions.txt, or error.txt for one that is refused.
// TSRUN_WRITE_GOLDEN=1 writes the texts anew.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ExpandedInstruction } from '../../../../bundles/dockerfile/instruction.ts'
import { lintDockerfile } from '../../../../bundles/dockerfile/lint/lint.ts'
import { DockerfileError, formatDockerfileError } from '../../../../bundles/dockerfile/located-error.ts'
import { type Dockerfile, parseDockerfile } from '../../../../bundles/dockerfile/parse.ts'
import {
  type BuildScope,
  evaluate,
  openBuild,
  openStage,
  type StageScope,
} from '../../../../bundles/dockerfile/scope.ts'
import { type ResolvedStage, resolveStages } from '../../../../bundles/dockerfile/stages.ts'
import { projectDir } from '../../../helpers/work-dir.ts'
import { inputs } from './inputs.ts'

const directory = join(projectDir, 'test/golden/dockerfiles')

/** All of an instruction but where it stands; what is not given is left out. */
function printInstruction({ range, text: _text, comments: _comments, ...rest }: ExpandedInstruction): string {
  const json = JSON.stringify(rest, (key, value: unknown) =>
    key === 'range' || key === 'comments' ? undefined : value,
  )
  return `  ${range.start}-${range.end} ${json}`
}

function printStage(resolved: ResolvedStage, build: BuildScope, scopes: StageScope[]): readonly string[] {
  const { stage, base, platform, dependencies, instructions } = resolved
  const scope = openStage(base.kind === 'stage' ? scopes[base.index] : undefined, [])
  scopes.push(scope)
  const steps = instructions.map((step) =>
    printInstruction(evaluate(build, scope, step.source, step.instruction).instruction),
  )
  const { start, end } = stage.from.range
  const head = { base, platform, name: stage.name, dependencies, description: stage.from.description }
  return [`stage ${stage.index}, ${start}-${end} ${JSON.stringify(head)}`, ...steps]
}

function print(dockerfile: Dockerfile): string {
  const build = openBuild(dockerfile, inputs())
  const scopes: StageScope[] = []
  const stages = resolveStages(dockerfile, build).flatMap((resolved) => printStage(resolved, build, scopes))
  const { findings, error } = lintDockerfile(dockerfile, inputs())
  assert.is(error, undefined)
  const globals = dockerfile.globalArgs.flatMap(({ definitions }) => definitions.map((one) => JSON.stringify(one)))
  return [
    `directives ${JSON.stringify(dockerfile.directives)}`,
    ...globals.map((global) => `global ${global}`),
    ...stages,
    ...findings.map(({ rule, message, range }) => `${range.start}: ${rule}: ${message}`),
    '',
  ].join('\n')
}

function outcome(text: string): readonly [file: string, text: string] {
  try {
    return ['instructions.txt', print(parseDockerfile(text))]
  } catch (e: unknown) {
    if (e instanceof DockerfileError) return ['error.txt', `${formatDockerfileError(e)}\n`]
    throw e
  }
}

for (const name of readdirSync(directory).sort()) {
  test(`the Dockerfile ${name}`, () => {
    const [file, text] = outcome(readFileSync(join(directory, name, 'Dockerfile'), 'utf8'))
    const path = join(directory, name, file)
    if (process.env['TSRUN_WRITE_GOLDEN'] === '1') writeFileSync(path, text)
    assert.ok(existsSync(path), `run with TSRUN_WRITE_GOLDEN=1 to write ${file}`)
    assert.fixture(text, readFileSync(path, 'utf8'))
  })
}

test.run()
