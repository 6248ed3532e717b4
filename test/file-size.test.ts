// SPDX-License-Identifier: Apache-2.0
// Files that a person can read: at most 400 lines, functions of at most 60, and a licence line at the top. Pure data may be
// longer.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { projectDir } from './helpers/work-dir.ts'

const MOST_LINES = 400
const MOST_LINES_OF_A_FUNCTION = 60

const FOLDERS = ['cmd', 'spec', 'runtime', 'bundles', 'csrc', 'test', '.ci']
/** Made by programs, or data that programs read. */
const EXCLUDED = /(^|\/)(node_modules|dist)\/|^build\/|^spec\/generated\/|^test\/data\//
/** Tables: no line of them does anything. */
const DATA: ReadonlySet<string> = new Set(['csrc/plan/ops.def', 'csrc/front/flags.def', 'runtime/plan/ops.ts'])
/** Functions that are one literal, one table of contents, or one dispatch. */
const LONG_FUNCTIONS: ReadonlySet<string> = new Set([
  'runtime/compile/compile.ts compile',
  'runtime/compile/exec.ts compileExec',
  'test/helpers/probe-try.c attempt',
  'test/unit/spec/configs.ts fullConfig',
  'test/unit/spec/documents.ts foreignConfig',
])

type Files = Readonly<Record<string, string>>

function load(): Files {
  const names = globSync(
    FOLDERS.map((folder) => `${folder}/**/*.{ts,c,h,def,sh}`),
    { cwd: projectDir },
  )
  const wanted = names.filter((name) => !EXCLUDED.test(name)).sort()
  return Object.fromEntries(wanted.map((name) => [name, readFileSync(join(projectDir, name), 'utf8')]))
}

const files = load()

const lineCount = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0)

function longFiles(list: Files): readonly string[] {
  return Object.entries(list)
    .filter(([name, text]) => lineCount(text) > MOST_LINES && !DATA.has(name))
    .map(([name, text]) => `${name} has ${lineCount(text)} lines`)
}

interface FunctionLines {
  readonly name: string
  readonly first: number
  readonly last: number
}

/** The functions of a file, as the formatters lay them out: from a head to the brace at its margin. */
function functionsOf(name: string, text: string): readonly FunctionLines[] {
  const lines = text.split('\n')
  const head = name.endsWith('.ts')
    ? /^(\s*)(?:export )?(?:async )?function\b|^(\s*)(?:static |async |get |#)*[\w#]+\(.*\)(?:: .*)? \{$/
    : /^()\{$/
  const found: FunctionLines[] = []
  lines.forEach((line, index) => {
    const match = head.exec(line)
    if (match === null || /^\s*(if|for|while|switch|catch|test|testWith)\b/.test(line)) return
    const margin = match[1] ?? match[2] ?? ''
    const length = lines.slice(index + 1).indexOf(`${margin}}`)
    const title = name.endsWith('.ts') ? line : lines.slice(0, index).findLast((other) => /^\w/.test(other))
    const called = /([#\w]+)(?:<[^(]*>)?\(/.exec(title ?? '')?.[1] ?? ''
    if (length >= 0) found.push({ name: called, first: index + 1, last: index + length + 2 })
  })
  return found
}

function longFunctions(list: Files): readonly string[] {
  return Object.entries(list)
    .filter(([name]) => /\.(ts|c)$/.test(name))
    .flatMap(([name, text]) =>
      functionsOf(name, text)
        .filter(({ first, last }) => last - first + 1 > MOST_LINES_OF_A_FUNCTION)
        .filter((found) => !LONG_FUNCTIONS.has(`${name} ${found.name}`))
        .map((found) => `${name}:${found.first} ${found.name} has ${found.last - found.first + 1} lines`),
    )
}

function withoutLicence(list: Files): readonly string[] {
  return Object.entries(list)
    .filter(([, text]) => !text.split('\n').slice(0, 2).join('\n').includes('SPDX-License-Identifier: Apache-2.0'))
    .map(([name]) => name)
}

test('the files are found', () => {
  assert.ok(Object.keys(files).length > 200, `${Object.keys(files).length} files`)
  const functions = Object.entries(files).flatMap(([name, text]) => functionsOf(name, text))
  assert.ok(functions.length > 800, `${functions.length} functions`)
})

test(`no file has more than ${MOST_LINES} lines`, () => {
  assert.equal(longFiles(files), [])
})

test(`no function has more than ${MOST_LINES_OF_A_FUNCTION} lines`, () => {
  assert.equal(longFunctions(files), [])
})

test('every file names its licence', () => {
  assert.equal(withoutLicence(files), [])
})

test('a long file is found, and data is not', () => {
  const text = 'x\n'.repeat(MOST_LINES)
  assert.equal(longFiles({ 'a.ts': text }), [])
  assert.equal(longFiles({ 'a.ts': `${text}x`, 'csrc/plan/ops.def': `${text}x` }), ['a.ts has 401 lines'])
})

test('a long function is found', () => {
  const body = '  x\n'.repeat(MOST_LINES_OF_A_FUNCTION - 2)
  assert.equal(longFunctions({ 'a.ts': `export function a(): void {\n${body}}\n` }), [])
  assert.equal(longFunctions({ 'a.ts': `\nexport async function a(): void {\n  x\n${body}}\n` }), [
    'a.ts:2 a has 61 lines',
  ])
  assert.equal(longFunctions({ 'a.ts': `class A {\n  b(): void {\n  x\n${body}  }\n}\n` }), ['a.ts:2 b has 61 lines'])
  assert.equal(longFunctions({ 'a.c': `int a(void)\n{\n\tx;\n${body}}\n` }), ['a.c:2 a has 61 lines'])
})

test('a missing licence is found', () => {
  assert.equal(withoutLicence({ 'a.ts': '', 'b.sh': '#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n' }), ['a.ts'])
})

test.run()
