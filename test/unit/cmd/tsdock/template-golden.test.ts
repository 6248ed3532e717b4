// SPDX-License-Identifier: Apache-2.0
// What Go 1.27's text/template makes of the same templates and data, with docker's functions (test/golden/templates).

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileTemplate } from '../../../../cmd/tsdock/template/template.ts'
import { messageOf } from '../../../../bundles/error.ts'
import { projectDir } from '../../../helpers/work-dir.ts'

interface Row {
  readonly template: string
  readonly output?: string
  /** The whole message. */
  readonly parseError?: string
  /** Go names the place as well. */
  readonly runError?: string
}

const directory = join(projectDir, 'test/golden/templates')
const data: unknown = JSON.parse(readFileSync(join(directory, 'data.json'), 'utf8'))
const rows = JSON.parse(readFileSync(join(directory, 'go-1.27.json'), 'utf8')) as readonly Row[]

const oneNumberType = 'whole numbers are ints here, however they are written'
const words = 'it is refused, in other words'
const noUse = 'define has no use in a format'
const different: ReadonlyMap<string, string> = new Map([
  ['{{eq .N 3.0}}', oneNumberType],
  ['{{lt .Half 1}}', oneNumberType],
  ['{{1e3}} {{1e6}} {{.5}} {{-3}} {{+3}}', oneNumberType],
  ['{{1.0}} {{100000000.0}} {{1e20}} {{1e21}} {{123456789.125}}', oneNumberType],
  ['{{a {{- .A -}} b', words],
  ['{{$x = 1}}', words],
  ['{{$x := 1, 2}}', words],
  ['{{#if}}', words],
  ['{{.A-}}', words],
  ['{{-.A}}', words],
  ['{{`a', words],
  ['{{ /* c */}}', words],
  ['{{{.A}}', words],
  ['{{.a-b}}', words],
  ['{{..A}}', words],
  ['{{.A | | upper}}', words],
  ['{{end .A}}', words],
  ['{{else .A}}', words],
  ['{{print .A,.N}}', words],
  ['{{.A}} {{.B}', words],
  ['{{template "x"}}', noUse],
  ['{{define "T"}}[{{.}}]{{end}}{{template "T" .A}}', noUse],
  ['{{block "B" .A}}<{{.}}>{{end}}', noUse],
])

const saidBy = (e: unknown): string => messageOf(e).replace(/^template parsing error: (?=template: )/, '')

/** What becomes of a template, in the form of a row. */
function outcome(template: string): Row {
  let print: (value: unknown) => string
  try {
    print = compileTemplate(template)
  } catch (e: unknown) {
    return { template, parseError: saidBy(e) }
  }
  try {
    return { template, output: print(data) }
  } catch (e: unknown) {
    return { template, runError: saidBy(e) }
  }
}

for (const row of rows) {
  const why = different.get(row.template)
  test(`${JSON.stringify(row.template)}${why === undefined ? '' : `: ${why}`}`, () => {
    const got = outcome(row.template)
    if (why === oneNumberType) assert.not.equal(got, row)
    else if (why !== undefined) assert.match(got.parseError ?? '', /^template: :1: /)
    else if (row.runError === undefined) assert.equal(got, row)
    else assert.match(got.runError ?? '', /^template: :1: /)
  })
}

test('all that is named as different is there', () => {
  const known = new Set(rows.map(({ template }) => template))
  assert.equal(
    [...different.keys()].filter((template) => !known.has(template)),
    [],
  )
})

test.run()
