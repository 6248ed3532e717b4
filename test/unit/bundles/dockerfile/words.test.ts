// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { expandWords, type Lookup, type WordOptions } from '../../../../bundles/dockerfile/words.ts'
import { scaled } from '../../../helpers/slow.ts'

const values: Readonly<Record<string, string>> = {
  HOME: '/root',
  EMPTY: '',
  SPACED: ' a  b ',
  FILE: '/srv/lib/app.tar.gz',
  GREEK: 'αβγ',
  STARS: 'a*b*c',
  LINES: 'one\ntwo',
}
const lookup: Lookup = (name) => (Object.hasOwn(values, name) ? values[name] : undefined)

const expand = (source: string, options: Partial<WordOptions> = {}): string =>
  expandWords(source, lookup, { escape: '\\', ...options }).text
const words = (source: string, options: Partial<WordOptions> = {}): readonly string[] =>
  expandWords(source, lookup, { escape: '\\', ...options }).words

/** Each source and what becomes of it. */
function check(cases: Readonly<Record<string, string>>, options: Partial<WordOptions> = {}): void {
  for (const [source, expected] of Object.entries(cases)) assert.is(expand(source, options), expected, source)
}

function refuses(...sources: readonly string[]): void {
  for (const source of sources) {
    assert.throws(
      () => expand(source),
      (e: unknown) => e instanceof Error && e.name === 'Problem',
      source,
    )
  }
}

test('a variable has a name, a number or a sign', () => {
  check({
    '$HOME': '/root',
    'x${HOME}y': 'x/rooty',
    '$HOMEx': '',
    '$HOME/x': '/root/x',
    '$GREEK.': 'αβγ.',
    '$1x': 'x',
    '$12x': 'x',
    '$@x': 'x',
    '${?}': '',
    '$': '$',
    '$.': '$.',
    '$ HOME': '$ HOME',
    '$unset': '',
  })
})

test('the value decides between both words', () => {
  check({
    '${unset:-x}': 'x',
    '${unset-x}': 'x',
    '${EMPTY:-x}': 'x',
    '${EMPTY-x}': '',
    '${HOME:-x}': '/root',
    '${unset:+x}': '',
    '${unset+x}': '',
    '${EMPTY:+x}': '',
    '${EMPTY+x}': 'x',
    '${HOME:+x}': 'x',
    '${HOME?x}': '/root',
    '${EMPTY?x}': '',
    '${unset:-${EMPTY:-${HOME}}}': '/root',
    '${unset:-"a }"}': 'a }',
    '${unset:-a\\}b}': 'a}b',
  })
})

test('a variable that must be set says so in its own words', () => {
  assert.throws(() => expand('${unset?}'), /^unset: is not set$/)
  assert.throws(() => expand('${EMPTY:?}'), /^EMPTY: is empty$/)
  assert.throws(() => expand('${unset:?where is $HOME}'), /^unset: where is \/root$/)
})

test('a pattern takes the beginning or the end off', () => {
  check({
    '${FILE#*/}': 'srv/lib/app.tar.gz',
    '${FILE##*/}': 'app.tar.gz',
    '${FILE%.*}': '/srv/lib/app.tar',
    '${FILE%%.*}': '/srv/lib/app',
    '${FILE#/s?v}': '/lib/app.tar.gz',
    '${FILE#nothing}': '/srv/lib/app.tar.gz',
    '${FILE#}': '/srv/lib/app.tar.gz',
    '${FILE##*}': '',
    '${FILE#*}': '/srv/lib/app.tar.gz',
    '${STARS#a\\*}': 'b*c',
    '${STARS%%\\**}': 'a',
    '${GREEK#?}': 'βγ',
    '${GREEK%?}': 'αβ',
    '${unset#x}': '',
    // A wildcard stays in its line.
    '${LINES##*}': '\ntwo',
    '${LINES%%*}': 'one\n',
  })
  refuses('${HOME#\\x}', '${HOME:#x}', '${HOME:%x}', '${HOME#a\\')
})

test('a pattern is replaced once or always', () => {
  check({
    '${FILE/./-}': '/srv/lib/app-tar.gz',
    '${FILE//./-}': '/srv/lib/app-tar-gz',
    '${FILE//\\//:}': ':srv:lib:app.tar.gz',
    '${FILE/s?v\\//}': '/lib/app.tar.gz',
    '${FILE//a*r/x}': '/srv/lib/x.gz',
    '${STARS//\\*/-}': 'a-b-c',
    '${GREEK/β/$HOME}': 'α/rootγ',
    '${GREEK//?/x}': 'xxx',
    '${GREEK//x/y}': 'αβγ',
    '${EMPTY/*/x}': 'x',
    '${unset//a/b}': '',
  })
  refuses('${FILE/x}', '${FILE//', '${FILE/a/b')
})

test('substitutions that are none are refused', () => {
  refuses(
    '${}',
    '${:-x}',
    '${{x}',
    '${HOME',
    '${HOME:-x',
    '${HOME:=x}',
    '${HOME=x}',
    '${HOME:x}',
    '${.}',
    '${-',
    '${HOME^^}',
  )
})

test('quotes keep together, single ones keep all', () => {
  check({
    '"$HOME"': '/root',
    "'$HOME'": '$HOME',
    '"\'$HOME\'"': "'/root'",
    "'\"'": '"',
    '"a\\"b"': 'a"b',
    '"a\\tb"': 'a\\tb',
    '"\\$HOME"': '$HOME',
    "'a\\'": 'a\\',
    '\\$HOME': '$HOME',
    'a\\tb': 'atb',
    'end\\': 'end',
  })
  refuses('"open', "'open", 'a"b\'', '"a\\"')
})

test('words end at white space outside of quotes', () => {
  assert.equal(words('a  b\tc'), ['a', 'b', 'c'])
  assert.equal(words('"a b" c\\ d'), ['a b', 'c d'])
  assert.equal(words('x${SPACED}y'), ['x', 'a', 'b', 'y'])
  assert.equal(words('x"${SPACED}"y'), ['x a  b y'])
  assert.equal(words('"" a'), ['a'])
  assert.equal(words('${unset:-one two}'), ['one', 'two'])
  assert.equal(words('$EMPTY'), [])
  assert.equal(words('x${unset:-y}z'), ['xyz'])
  assert.equal(words('a\u00a0b\u2003c'), ['a', 'b', 'c'])
})

test('the escape may be a backtick', () => {
  check({ '`$HOME': '$HOME', 'a\\b': 'a\\b', '"a`"b"': 'a"b', '"\\$HOME"': '\\/root' }, { escape: '`' })
})

test('what is read for a shell keeps its signs', () => {
  check({ '\'a\' "b"': '\'a\' "b"', '"$HOME"': '"/root"' }, { keepQuotes: true })
  check({ 'a\\ b': 'a\\ b', '"\\$x\\t"': '\\$x\\t' }, { keepEscapes: true })
  check(
    {
      '$unset ${unset}': '$unset ${unset}',
      '${unset:-a}': '${unset:-a}',
      '${unset#a}': '${unset#a}',
      '${unset/a/b}': '${unset/a/b}',
      '${unset:0:3}': '${unset:0:3}',
      '$HOME': '/root',
    },
    { keepUnset: true },
  )
  check({ '"$HOME" \'$HOME\' \\$HOME': '"/root" \'/root\' $HOME' }, { plainQuotes: true })
})

test('heredocs stay one word', () => {
  assert.equal(words('cat <<  EOF < x'), ['cat', '<<  EOF', '<', 'x'])
})

test('used and missing names are told', () => {
  const result = expandWords('$HOME ${EMPTY:-$unset} ${other:+x}', lookup, { escape: '\\' })
  assert.equal([...result.used].sort(), ['EMPTY', 'HOME'])
  assert.equal([...result.unset].sort(), ['other', 'unset'])
})

test('what would take all memory or time is refused', () => {
  assert.throws(() => expand(`${'${a:-'.repeat(1000)}${'}'.repeat(1000)}`), /64 deep/)
  const big = 'x'.repeat(1024 * 1024)
  const bigLookup: Lookup = () => big
  assert.throws(() => expandWords('$a'.repeat(100), bigLookup, { escape: '\\' }), /more than \d+ characters/)
  assert.throws(
    () => expandWords('${a:+}${a##*y}'.repeat(100), bigLookup, { escape: '\\' }),
    /more than \d+ characters/,
  )
  assert.throws(() => expand(`\${HOME#${'?'.repeat(2000)}}`), /2000 characters/)
})

test('a pattern with many wildcards takes no more time than others', () => {
  const value = 'a'.repeat(20_000)
  const before = performance.now()
  const pattern = `${'*a'.repeat(50)}b`
  assert.is(expandWords(`\${v##${pattern}}\${v//${pattern}/x}`, () => value, { escape: '\\' }).text, value + value)
  assert.ok(performance.now() - before < scaled(10_000))
})

test.run()
