// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { applyModeChange, parseModeChange } from '../../../../bundles/dockerfile/file-mode.ts'
import {
  parseCsvLine,
  parseGoBool,
  parseGoDuration,
  parseNumber,
  parseRamSize,
} from '../../../../bundles/dockerfile/go-values.ts'
import { formatPlatform, isSamePlatform, parsePlatform } from '../../../../bundles/dockerfile/platform.ts'
import { parseRemoteSource } from '../../../../bundles/dockerfile/remote-source.ts'
import { suggest } from '../../../../bundles/dockerfile/suggest.ts'

const host = { os: 'linux', architecture: 'arm64', variant: 'v8' }

test('platforms have one name', () => {
  const cases: Readonly<Record<string, string>> = {
    'linux/amd64': 'linux/amd64',
    'Linux/X86_64': 'linux/amd64',
    'linux/amd64/v1': 'linux/amd64',
    'linux/amd64/v3': 'linux/amd64/v3',
    'linux/arm': 'linux/arm',
    'linux/arm/7': 'linux/arm/v7',
    'linux/arm/v6': 'linux/arm/v6',
    'linux/armel': 'linux/arm/v6',
    'linux/aarch64': 'linux/arm64',
    'linux/arm64/v8': 'linux/arm64/v8',
    'linux/arm64/9': 'linux/arm64/v9',
    'linux/i386': 'linux/386',
    'macos/arm64': 'darwin/arm64',
    'linux': 'linux/arm64/v8',
    'riscv64': 'linux/riscv64',
    'armhf': 'linux/arm',
    'windows(10.0.17763)/amd64': 'windows(10.0.17763)/amd64',
    'windows(10.0.17763+win32k)/amd64': 'windows(10.0.17763+win32k)/amd64',
    'own/strange/v1': 'own/strange/v1',
  }
  for (const [text, expected] of Object.entries(cases)) {
    assert.is(formatPlatform(parsePlatform(text, host)), expected, text)
  }
  for (const text of [
    '',
    '*',
    'linux/',
    '/amd64',
    'linux/amd64/v1/x',
    'strange',
    'linux(/x',
    'linux(%)/amd64',
    'a b/c',
  ]) {
    assert.throws(() => parsePlatform(text, host), undefined, text)
  }
})

test('platforms are compared by what they mean', () => {
  const same = (a: string, b: string): boolean => isSamePlatform(parsePlatform(a, host), parsePlatform(b, host))
  assert.ok(
    same('linux/arm', 'linux/arm/v7') && same('linux/arm64', 'linux/arm64/v8') && same('linux/amd64', 'linux/x86-64'),
  )
  assert.not(same('linux/arm/v6', 'linux/arm/v7'))
  assert.not(same('linux/amd64', 'windows/amd64'))
})

test('durations are those of Go', () => {
  const cases: Readonly<Record<string, number | undefined>> = {
    '5s': 5e9,
    '1m30s': 90e9,
    '1.5h': 5400e9,
    '.5s': 5e8,
    '100ms': 1e8,
    '2us': 2000,
    '2µs': 2000,
    '-1s': -1e9,
    '0': 0,
    '5': undefined,
    's': undefined,
    '': undefined,
    '1d': undefined,
    '1 s': undefined,
    '9999999999h': undefined,
  }
  for (const [text, expected] of Object.entries(cases)) assert.is(parseGoDuration(text), expected, text)
})

test('sizes, numbers and booleans', () => {
  assert.equal(['64m', '1k', '1.5GiB', '100', '10MB', '1p', 'x', '1x', '', '99999999p'].map(parseRamSize), [
    64 * 1024 ** 2,
    1024,
    1.5 * 1024 ** 3,
    100,
    10 * 1024 ** 2,
    1024 ** 5,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  assert.equal(
    ['0', '0755', '8', '-1', '', '40000000000'].map((text) => parseNumber(text, 8, 2 ** 32)),
    [0, 0o755, undefined, undefined, undefined, undefined],
  )
  assert.equal(['1', 'T', 'true', '0', 'F', 'False', 'yes', ''].map(parseGoBool), [
    true,
    true,
    true,
    false,
    false,
    false,
    undefined,
    undefined,
  ])
})

test('comma separated values may be quoted', () => {
  assert.equal(parseCsvLine('a,b=c,'), ['a', 'b=c', ''])
  assert.equal(parseCsvLine('"a,b","c""d"'), ['a,b', 'c"d'])
  for (const line of ['', 'a"b', '"a', '"a"b', '"a""']) assert.throws(() => parseCsvLine(line), undefined, line)
})

test('modes are octal or words', () => {
  const apply = (change: string, mode: number, isDirectory = false): string =>
    applyModeChange(parseModeChange(change), mode, isDirectory).toString(8)
  assert.is(apply('0644', 0o777), '644')
  assert.is(apply('4755', 0), '4755')
  assert.is(apply('u+x', 0o644), '744')
  assert.is(apply('a-w', 0o666), '444')
  assert.is(apply('+x', 0o644), '755')
  assert.is(apply('go=', 0o777), '700')
  assert.is(apply('u=rwx,go=rx', 0o600), '755')
  assert.is(apply('g=u', 0o740), '770')
  assert.is(apply('go=u-w', 0o700), '755')
  assert.is(apply('a+X', 0o644), '644')
  assert.is(apply('a+X', 0o744), '755')
  assert.is(apply('a+X', 0o644, true), '755')
  assert.is(apply('u+s,g+s', 0o755), '6755')
  assert.is(apply('+t', 0o777), '1777')
  assert.is(apply('=r', 0o1777), '444')
  assert.is(apply('ug+rw-x', 0o111), '661')
  for (const text of ['', 'x', '8', '07778', '10000', 'u', 'u+', 'u~x', 'u+x,', 'z+x', '0x1'].filter(
    (one) => one !== 'u+',
  )) {
    assert.throws(() => parseModeChange(text), undefined, text)
  }
})

test('sources are paths, URLs or repositories', () => {
  const kind = (source: string): string => parseRemoteSource(source)?.kind ?? 'path'
  assert.is(kind('a/b.git'), 'path')
  assert.is(kind('github.com/org/repo'), 'path')
  assert.is(kind('https://example.com/a.git'), 'git')
  assert.is(kind('https://example.com/a.git/b'), 'url')
  assert.is(kind('https://example.com/a.git?x'.replace('?x', '#main')), 'git')
  assert.is(kind('http://example.com/'), 'url')
  assert.is(kind('git://example.com/a'), 'git')
  assert.is(kind('ssh://git@example.com/a'), 'git')
  assert.is(kind('git@example.com:org/a'), 'git')
  assert.is(kind('ftp://example.com/a'), 'path')
})

test('the name of what a URL brings is no way out of a directory', () => {
  const name = (url: string): string => {
    const source = parseRemoteSource(url)
    return source?.kind === 'url' ? source.fileName : ''
  }
  assert.is(name('https://example.com/a/b.tar.gz?x=/y#z'), 'b.tar.gz')
  assert.is(name('https://example.com/a/'), 'a')
  assert.is(name('https://example.com'), '__unnamed__')
  assert.is(name('https://example.com/x/..%2f..%2fetc'), 'etc')
  assert.is(name('https://example.com/x/%2e%2e'), '__unnamed__')
  assert.is(name('https://example.com/%00'), '__unnamed__')
  assert.is(name('https://example.com/%zz'), '__unnamed__')
  assert.is(name('https://['), '__unnamed__')
})

test('a repository has a ref, a directory and options', () => {
  const git = (source: string): unknown => {
    const found = parseRemoteSource(source)
    return JSON.parse(JSON.stringify({ ...found, kind: undefined }))
  }
  assert.equal(git('https://example.com/a.git#v1:docs/../src'), {
    remote: 'https://example.com/a.git',
    ref: 'v1',
    subdir: 'src',
    fetchByCommit: false,
  })
  assert.equal(git('git@example.com:a.git?tag=v1&keep-git-dir&submodules=0&mtime=commit&commit=abc&fetch-by-commit'), {
    remote: 'git@example.com:a.git',
    ref: 'refs/tags/v1',
    checksum: 'abc',
    keepGitDir: true,
    submodules: false,
    mtime: 'commit',
    fetchByCommit: true,
  })
  assert.equal(git('https://example.com/a.git?subdir=../../x#:x'), {
    remote: 'https://example.com/a.git',
    subdir: 'x',
    fetchByCommit: false,
  })
})

test('a mistyped word is two letters away at most', () => {
  assert.is(suggest('RNU', ['ENV', 'RUN']), 'RUN')
  assert.is(suggest('COPPY', ['COPY']), 'COPY')
  assert.is(suggest('COPY', ['COPY', 'COPPY']), undefined)
  assert.is(suggest('XXXX', ['COPY']), undefined)
  assert.is(suggest('ab', ['cd']), undefined)
  assert.is(suggest('x'.repeat(1_000_000), ['x']), undefined)
})

test.run()
