// SPDX-License-Identifier: Apache-2.0
// More is compared with Go itself (template-golden.test.ts).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { formatRows } from '../../../../cmd/tsdock/template/rows.ts'
import { compileTemplate } from '../../../../cmd/tsdock/template/template.ts'
import { projectDir } from '../../../helpers/work-dir.ts'

const data = {
  A: 'x',
  N: 3,
  L: ['a', 'b'],
  M: { k: 1, b: [1, 2] },
  T: true,
  E: '',
  Z: null,
  S: { P: { Q: 'deep' } },
  Ports: { '80/tcp': [{ HostPort: '4000' }] },
}

const table: readonly (readonly [template: string, output: string])[] = [
  ['', ''],
  ['plain', 'plain'],
  ['{{.A}}', 'x'],
  ['{{ .S.P.Q }}', 'deep'],
  ['{{(.S).P.Q}}', 'deep'],
  [
    '{{$}}{{$.A}}',
    'map[A:x E: L:[a b] M:map[b:[1 2] k:1] N:3 Ports:map[80/tcp:[map[HostPort:4000]]] S:map[P:map[Q:deep]] T:true Z:<nil>]x',
  ],
  ['{{.Nope}}', '<no value>'],
  ['{{.Z}}', '<no value>'],
  ['{{.M}}', 'map[b:[1 2] k:1]'],
  ['{{.T}} {{.N}}', 'true 3'],
  ['{{range .L}}[{{.}}]{{end}}', '[a][b]'],
  ['{{range $v := .L}}{{$v}}{{end}}', 'ab'],
  ['{{range $i, $v := .L}}{{$i}}={{$v}},{{end}}', '0=a,1=b,'],
  ['{{range $k, $v := .M}}{{$k}}:{{$v}} {{end}}', 'b:[1 2] k:1 '],
  ['{{range .Z}}x{{else}}none{{end}}', 'none'],
  ['{{range .L}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', 'a'],
  ['{{range .L}}{{if eq . "a"}}{{continue}}{{end}}{{.}}{{end}}', 'b'],
  ['{{range .L}}{{range $.L}}{{.}}{{end}};{{end}}', 'ab;ab;'],
  ['{{if .E}}y{{else if .T}}t{{else}}n{{end}}', 't'],
  ['{{if not .E}}empty{{end}}', 'empty'],
  ['{{with .S}}{{.P.Q}}{{$.A}}{{end}}', 'deepx'],
  ['{{with .E}}y{{else}}n{{end}}', 'n'],
  ['{{$x := .N}}{{if .T}}{{$x = 7}}{{end}}{{$x}}', '7'],
  ['{{if .T}}{{$x := 1}}{{$x}}{{end}}', '1'],
  ['{{json .M}}', '{"k":1,"b":[1,2]}'],
  ['{{json "<a>&"}}', '"<a>&"'],
  ['{{.A | json}}', '"x"'],
  ['{{index .L 1}} {{index .M "k"}}', 'b 1'],
  ['{{(index (index .Ports "80/tcp") 0).HostPort}}', '4000'],
  ['{{len .L}} {{len .A}} {{len .M}}', '2 1 2'],
  ['{{slice .A 0 1}}{{slice .L 1}}', 'x[b]'],
  ['{{printf "%-5s|%03d|%5.2f|%q|%x|%t|%%" .A .N 1.5 "q" 255 true}}', 'x    |003| 1.50|"q"|ff|true|%'],
  ['{{"a" | printf "%s-%s" "b"}}', 'b-a'],
  ['{{print "a" 1 2 "b"}}', 'a1 2b'],
  ['{{println .A .N}}', 'x 3\n'],
  ['{{join .L ", "}} {{split "a,b" ","}}', 'a, b [a b]'],
  ['{{upper .A}}{{lower "AB"}} {{title "hello world"}}', 'Xab Hello World'],
  ['{{pad "a" 1 2}}|{{truncate "abc" 2}}', ' a  |ab'],
  ['{{eq .N 3}} {{ne .A "x"}} {{eq .A "y" "x"}}', 'true false true'],
  ['{{lt 1 2}} {{ge "b" "a"}} {{gt 1 2}} {{le 2 2}}', 'true true false true'],
  ['{{and .T .A}} {{or .E "d"}} {{and .E .Nope.X}}', 'x d '],
  ['{{html "<b>"}} {{urlquery "a b&c"}} {{js "it\'s"}}', "&lt;b&gt; a+b%26c it\\'s"],
  ['a {{- .A -}} b', 'axb'],
  ['a {{- /* gone */ -}} b', 'ab'],
  ['{{/* c */}}x', 'x'],
  ['{{"}}"}}{{`raw\\n`}}{{\'a\'}}', '}}raw\\n97'],
  ['{{"tab\\t\\u00e9"}}', 'tab\té'],
  ['{{true}} {{1.5}} {{0x10}}', 'true 1.5 16'],
]

for (const [template, output] of table) {
  test(`template ${JSON.stringify(template)}`, () => assert.is(compileTemplate(template)(data), output))
}

const wrong: readonly (readonly [template: string, message: RegExp])[] = [
  ['{{', /^template parsing error: template: :1: unclosed action/],
  ['a\n{{.A', /template: :2: unclosed action/],
  ['{{foo}}', /function "foo" not defined/],
  ['{{if}}', /missing value for if/],
  ['{{end}}', /unexpected \{\{end\}\}/],
  ['{{range .L}}', /unexpected EOF/],
  ['{{if .A}}{{else}}', /unexpected EOF/],
  ['{{"x}}', /unclosed action|unterminated quoted string/],
  ['{{(.A}}', /unclosed left paren/],
  ['{{$y}}', /^template parsing error: template: :1: undefined variable "\$y"$/],
  ['{{range .E}}x{{end}}{{if .A}}{{$x := 1}}{{end}}{{$x}}', /undefined variable "\$x"/],
  ['{{break}}', /outside \{\{range\}\}/],
  ['{{define "x"}}{{end}}', /has no use/],
  ['{{.A ~}}', /unexpected "~"/],
]
for (const [template, message] of wrong) {
  test(`wrong template ${JSON.stringify(template)}`, () => assert.throws(() => compileTemplate(template), message))
}

const failing: readonly (readonly [template: string, message: RegExp])[] = [
  ['{{.A.B}}', /can't evaluate field B in type string/],
  ['{{index .L 9}}', /index out of range: 9/],
  ['{{lt 1 "a"}}', /incompatible types/],
  ['{{range .T}}{{end}}', /can't iterate/],
  ['{{range .E}}{{end}}', /can't iterate/],
  ['{{upper .N}}', /expected string; got int/],
]
for (const [template, message] of failing) {
  test(`failing template ${JSON.stringify(template)}`, () =>
    assert.throws(() => compileTemplate(template)(data), message))
}

test('rows', () => {
  const rows = { headings: { A: 'AAA', B: 'B' }, columns: ['B'], rows: [{ A: '1', B: '22' }] }
  assert.is(formatRows(undefined, rows), 'B\n22\n')
  assert.is(formatRows('table', rows), 'B\n22\n')
  assert.is(formatRows('table {{.A}}\\t{{.B}}', rows), 'AAA       B\n1         22\n')
  assert.is(
    formatRows('table {{json .A}}\\t{{truncate .A 1}}\\t{{pad .B 1 1}}', rows),
    'AAA       AAA        B\n"1"       1          22\n',
  )
  assert.is(formatRows('{{.A}}-{{.B}}', rows), '1-22\n')
  assert.is(formatRows('json', rows), '{"A":"1","B":"22"}\n')
  assert.is(formatRows('{{json .}}', rows), '{"A":"1","B":"22"}\n')
})

const go = JSON.parse(readFileSync(join(projectDir, 'test/data/go-templates.json'), 'utf8')) as {
  readonly data: unknown
  readonly outputs: readonly (readonly [template: string, output: string])[]
  readonly errors: readonly string[]
}

test("what Go's text/template prints", () => {
  assert.ok(go.outputs.length > 100)
  for (const [template, output] of go.outputs) assert.is(compileTemplate(template)(go.data), output, template)
})

test("what Go's text/template refuses", () => {
  assert.ok(go.errors.length > 50)
  for (const template of go.errors) {
    assert.throws(() => compileTemplate(template)(go.data), /^template parsing error: template: :\d+: /, template)
  }
})

test.run()
