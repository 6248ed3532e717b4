// SPDX-License-Identifier: Apache-2.0
// The test vectors of BuildKit's parser. They are no part of this project: TSRUN_DOCKERFILE_VECTORS names a directory with
// buildkit/{testfiles,testfiles-negative,envVarTest,wordsTest}; one at ../shared/dockerfiles is found without it.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DockerfileError } from '../../../../bundles/dockerfile/located-error.ts'
import { parseDockerfile } from '../../../../bundles/dockerfile/parse.ts'
import { expandWords, type Lookup } from '../../../../bundles/dockerfile/words.ts'
import { projectDir } from '../../../helpers/work-dir.ts'
import { printSyntaxTree } from './syntax-tree.ts'

const named = process.env['TSRUN_DOCKERFILE_VECTORS']
const beside = join(projectDir, '../shared/dockerfiles')
const directory = join(named === undefined || named === '' ? beside : named, 'buildkit')

const read = (...names: readonly string[]): string => readFileSync(join(directory, ...names), 'utf8')

function lookupOf(values: Readonly<Record<string, string>>): Lookup {
  return (name) => (Object.hasOwn(values, name) ? values[name] : undefined)
}

/** What a line of envVarTest or wordsTest comes to; `error` where it is refused. */
function outcome(run: () => string): string {
  try {
    return run()
  } catch (e: unknown) {
    return e instanceof Error && e.name === 'Problem' ? 'error' : String(e)
  }
}

function checkVariables(): void {
  const lookup = lookupOf({ PWD: '/home', SHELL: 'bash', KOREAN: '한국어', NULL: '' })
  const lines = read('envVarTest')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('W'))
  for (const line of lines) {
    const [, source = '', expected = ''] = line.split('|').map((part) => part.trim())
    assert.is(
      outcome(() => expandWords(source, lookup, { escape: '\\' }).text),
      expected,
      source,
    )
  }
  assert.ok(lines.length > 200, `${lines.length} lines`)
}

function checkWords(): void {
  const values: Record<string, string> = {}
  for (const line of read('wordsTest').split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const definition = /^ENV +([^=]+)=(.*)$/.exec(line)
    if (definition !== null) {
      values[definition[1] ?? ''] = definition[2] ?? ''
      continue
    }
    const [source = '', expected = ''] = line.split('|')
    const words = outcome(() => expandWords(source.trim(), lookupOf(values), { escape: '\\' }).words.join(','))
    assert.is(words, expected.trimStart(), source)
  }
}

if (existsSync(directory)) {
  for (const name of readdirSync(join(directory, 'testfiles'))) {
    test(`the syntax tree of ${name}`, () => {
      assert.fixture(
        printSyntaxTree(read('testfiles', name, 'Dockerfile')),
        read('testfiles', name, 'result').trimEnd(),
      )
    })
  }

  for (const name of readdirSync(join(directory, 'testfiles-negative'))) {
    test(`${name} is refused`, () => {
      const parse = (): unknown => parseDockerfile(read('testfiles-negative', name, 'Dockerfile'))
      assert.throws(parse, (e: unknown) => e instanceof DockerfileError)
    })
  }

  test('all lines of envVarTest', checkVariables)
  test('all lines of wordsTest', checkWords)
} else {
  const reason = `there is no ${directory}: set TSRUN_DOCKERFILE_VECTORS`
  process.stdout.write(`SKIP dockerfile: the vectors of BuildKit: ${reason}\n`)
  test.skip(`the vectors of BuildKit (${reason})`, () => {})
}

test.run()
