// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDockerignore } from '../../../../bundles/dockerfile/dockerignore.ts'
import { cleanPath, parseGlob } from '../../../../bundles/dockerfile/go-path.ts'
import { splitPivot } from '../../../../bundles/dockerfile/instructions/copy-sources.ts'
import { compilePathPatterns } from '../../../../bundles/dockerfile/path-patterns.ts'
import { scaled } from '../../../helpers/slow.ts'

/** Pattern -> paths that it matches, and paths that it does not. */
const PATTERNS: Readonly<Record<string, readonly [matches: readonly string[], others: readonly string[]]>> = {
  'a': [
    ['a', 'a/b', 'a/b/c'],
    ['ab', 'b/a', 'A'],
  ],
  'a/b': [
    ['a/b', 'a/b/c'],
    ['a', 'a/c', 'x/a/b'],
  ],
  './a//b/../c/': [['a/c', 'a/c/d'], ['a/b']],
  '*': [['a', '.hidden', 'a/b'], []],
  '*.md': [
    ['a.md', '.md', 'a.md/b'],
    ['a/b.md', 'a.mdx'],
  ],
  '*/*.md': [['a/b.md'], ['b.md', 'a/b/c.md']],
  '?.c': [
    ['a.c', 'é.c', '𝒳.c'],
    ['ab.c', '/.c'],
  ],
  '[a-c]x': [
    ['ax', 'cx'],
    ['dx', '-x'],
  ],
  '[^a-c]x': [['dx', '^x'], ['ax']],
  '[]a]': [[], []],
  '\\*': [['*'], ['a']],
  '[*]': [['*'], ['a']],
  '**': [['a', 'a/b'], []],
  '**/a': [
    ['a', 'b/a', 'b/c/a', 'b/a/c'],
    ['ba', 'b/ca'],
  ],
  '**/*.go': [['x.go', 'a/b.go', 'a/b/c.go'], ['a.gox']],
  '**a': [['a', 'ba', 'x/ya'], ['ab']],
  '**/*a': [['a', 'x/ba'], ['x/b']],
  'a/**': [
    ['a/b', 'a/b/c'],
    ['a', 'b'],
  ],
  'a/**/b': [
    ['a/b', 'a/x/b', 'a/x/y/b'],
    ['a/xb', 'b'],
  ],
  'a**': [['a', 'ab', 'a/b', 'ab/c'], ['b']],
  'a/**/*.txt': [['a/x.txt', 'a/b/x.txt'], ['x.txt']],
  'a.b': [['a.b'], ['axb']],
  '(a|b)+$': [['(a|b)+$'], ['a']],
}

for (const [pattern, [matching, others]] of Object.entries(PATTERNS)) {
  if (pattern === '[]a]') continue
  test(`the pattern ${pattern}`, () => {
    const patterns = compilePathPatterns([pattern])
    for (const path of matching) assert.ok(patterns.matches(path), path)
    for (const path of others) assert.not(patterns.matches(path), path)
  })
}

test('the last pattern that matches decides', () => {
  const patterns = compilePathPatterns(['*.md', '!README*', 'README-secret.md'])
  assert.ok(patterns.hasExceptions)
  assert.ok(patterns.matches('a.md'))
  assert.not(patterns.matches('README.md'))
  assert.ok(patterns.matches('README-secret.md'))
  assert.ok(compilePathPatterns(['!a', 'a']).matches('a'))
})

test('what an exception takes back may lie deep in what is excluded', () => {
  const patterns = compilePathPatterns(['docs', '!docs/public', 'docs/public/*.tmp'])
  assert.ok(patterns.matches('docs/private/a'))
  assert.not(patterns.matches('docs/public'))
  assert.not(patterns.matches('docs/public/a/b'))
  assert.ok(patterns.matches('docs/public/x.tmp'))
})

test('directories without anything to find are left out', () => {
  const patterns = compilePathPatterns([
    'node_modules',
    '**/dist',
    'docs',
    '!docs/**/*.md',
    'docs/old',
    'src',
    '!src/a/b',
  ])
  const enters = (directory: string): boolean => patterns.mayContainIncluded(directory)
  assert.ok(enters('') && enters('.') && enters('lib'))
  assert.not(enters('node_modules'))
  assert.not(enters('node_modules/x/y'))
  assert.not(enters('lib/dist'))
  assert.ok(enters('docs') && enters('docs/a/b'))
  assert.not(enters('docs/old'))
  assert.ok(enters('src') && enters('src/a') && enters('src/a/b') && enters('src/a/b/c'))
  assert.not(enters('src/b'))
  assert.not(enters('src/a/c'))
})

test('a walk that leaves directories out finds what a full one finds', () => {
  const names = ['a', 'b', 'ab']
  const all = names.flatMap((x) => [x, ...names.flatMap((y) => [`${x}/${y}`, ...names.map((z) => `${x}/${y}/${z}`)])])
  const pieces = ['a', 'b', '*', '**', 'a*', '?b', '!a', '!**/b', '!a/b', 'a/**', '**/ab', '!ab/*/a', 'b/a', '[ab]/b']
  for (const one of pieces) {
    for (const two of pieces) {
      for (const three of pieces) {
        const list = [one, two, three]
        const patterns = compilePathPatterns(list)
        // Asked in another order, and alone, a path is judged alike.
        const alone = compilePathPatterns(list)
        for (const path of all.toReversed()) alone.matches(path)
        for (const path of all) {
          assert.is(patterns.matches(path), alone.matches(path), `${list} ${path}`)
          const above = path
            .split('/')
            .slice(0, -1)
            .map((_, index, parts) => parts.slice(0, index + 1).join('/'))
          if (!patterns.matches(path))
            assert.ok(
              above.every((dir) => patterns.mayContainIncluded(dir)),
              `${list} ${path}`,
            )
        }
      }
    }
  }
})

test('patterns that are none are refused', () => {
  for (const pattern of ['[', '[a', '[]', '[a-]', '[-a]', 'a\\', '!', '[^]']) {
    assert.throws(() => compilePathPatterns([pattern]), undefined, pattern)
  }
})

test('.dockerignore has comments, blanks, slashes and a mark in front', () => {
  const text = '\uFEFF# comment\n\n  spaced  \n/rooted/\n! taken/back \n #not-a-comment\r\n./dot/..//x\n!/y\n'
  const patterns = parseDockerignore(text)
  assert.equal(
    patterns.patterns.map(({ text: pattern, exception }) => [pattern, exception]),
    [
      ['spaced', false],
      ['rooted', false],
      ['taken/back', true],
      ['#not-a-comment', false],
      ['x', false],
      ['y', true],
    ],
  )
  assert.equal(parseDockerignore('').patterns, [])
  assert.throws(() => parseDockerignore('a\n[b\n'), /^.dockerignore:2: the pattern \[b has no closing \]/)
  assert.throws(() => parseDockerignore('!\n', { file: 'x.dockerignore' }), /^x.dockerignore:1: /)
})

test('sources of COPY have wildcards inside of names', () => {
  const glob = parseGlob('/src/*.[ch]')
  assert.equal([glob.pattern, glob.base, glob.wild], ['src/*.[ch]', 'src', true])
  assert.ok(glob.matches('src/a.c') && glob.matches('src/.h'))
  assert.not(glob.matches('src/a.cc'))
  assert.not(glob.matches('src/x/a.c'))
  assert.ok(glob.mayMatchBelow('') && glob.mayMatchBelow('src'))
  assert.not(glob.mayMatchBelow('lib'))
  assert.not(glob.mayMatchBelow('src/a.c'))

  const plain = parseGlob('a/\\[b\\]/../c\\*')
  assert.equal([plain.base, plain.wild, plain.matches('a/c*')], ['a/c*', false, true])
  assert.equal([parseGlob('.').pattern, parseGlob('.').base, parseGlob('/').wild], ['', '', false])
  assert.equal([parseGlob('*').base, parseGlob('../../x').pattern], ['', 'x'])
  // Two stars are two stars of one name.
  assert.not(parseGlob('a/**').matches('a/b/c'))
})

test('the pivot of --parents splits a source', () => {
  assert.equal(splitPivot('/src/./lib/**/*.ts'), { base: 'src', pattern: 'lib/**/*.ts' })
  assert.equal(splitPivot('./a/b'), { base: '', pattern: './a/b' })
})

test('paths are cleaned like in Go', () => {
  const cases: Readonly<Record<string, string>> = {
    '': '.',
    '.': '.',
    '/': '/',
    '//a//b/': '/a/b',
    'a/../..': '..',
    '../../a': '../../a',
    '/../a': '/a',
    'a/./b/..': 'a',
  }
  for (const [path, clean] of Object.entries(cases)) assert.is(cleanPath(path), clean, path)
})

test('a pattern with many wildcards takes no more time than others', () => {
  const before = performance.now()
  const patterns = compilePathPatterns([`${'*a'.repeat(60)}b`, `${'**/a'.repeat(60)}`])
  assert.not(patterns.matches(`${'a'.repeat(3000)}`))
  assert.not(patterns.matches(`${'a/'.repeat(1500)}c`.slice(0, 50)))
  assert.ok(performance.now() - before < scaled(10_000))
})

test.run()
