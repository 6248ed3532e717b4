// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDockerignore } from '../../../../bundles/dockerfile/dockerignore.ts'
import { parseCheckOptions } from '../../../../bundles/dockerfile/lint/check-options.ts'
import { type LintOptions, lintDockerfile } from '../../../../bundles/dockerfile/lint/lint.ts'
import { RULES } from '../../../../bundles/dockerfile/lint/rules.ts'
import { parseDockerfile } from '../../../../bundles/dockerfile/parse.ts'
import { inputs } from './inputs.ts'

/** `line rule` of each finding. */
function lint(text: string, options: Partial<LintOptions> = {}): readonly string[] {
  const { findings, error } = lintDockerfile(parseDockerfile(text), { ...inputs(), ...options })
  assert.is(error, undefined)
  return findings.map(({ rule, range }) => `${range.start} ${rule}`)
}

const messages = (text: string, options: Partial<LintOptions> = {}): string =>
  lintDockerfile(parseDockerfile(text), { ...inputs(), ...options })
    .findings.map(({ message }) => message)
    .join('\n')

/** Rule -> files that it finds fault with, and the lines. */
const FOUND: Readonly<Record<string, readonly (readonly [text: string, lines: readonly number[]])[]>> = {
  StageNameCasing: [['FROM scratch AS Base\nFROM scratch AS base2', [1]]],
  FromAsCasing: [
    ['FROM scratch as a\nFROM scratch AS b', [1]],
    ['from scratch AS a\nfrom scratch as b', [1]],
  ],
  NoEmptyContinuation: [['FROM scratch\nCOPY a \\\n\n  b\nCOPY a \\\n# comment\n b', [3]]],
  ConsistentInstructionCasing: [
    ['From scratch\nFROM scratch', [1]],
    ['FROM scratch\ncopy a /b\nCOPY c /d', [2]],
    ['from scratch\nCOPY a /b\ncopy c /d', [2]],
    ['from scratch\nCOPY a /b\nCOPY c /d', [1]],
    ['from scratch\ncopy a /b', []],
  ],
  DuplicateStageName: [['FROM scratch AS a\nFROM scratch AS b\nFROM scratch AS A', [3]]],
  ReservedStageName: [['FROM scratch AS scratch\nFROM scratch AS context\nFROM scratch AS a\nFROM scratch', [1, 2]]],
  JSONArgsRecommended: [
    ['FROM scratch\nCMD a', [2]],
    ['FROM scratch\nENTRYPOINT a b', [2]],
    ['FROM scratch\nCMD ["a"]', []],
    ['FROM scratch\nSHELL ["/s"]\nCMD a', []],
    ['FROM scratch AS base\nSHELL ["/s"]\nFROM base\nENTRYPOINT a', []],
  ],
  MaintainerDeprecated: [['FROM scratch\nMAINTAINER a@example.com', [2]]],
  UndefinedArgInFrom: [
    ['ARG tag=1\nFROM a:${tag}${version}', [2]],
    ['FROM --platform=linux/${ARCH:-amd64} a', [1]],
    ['ARG NONE\nFROM a${NONE}\nFROM --platform=$BUILDPLATFORM a', []],
  ],
  WorkdirRelativePath: [
    ['FROM scratch\nWORKDIR app\nWORKDIR other', [2]],
    ['FROM scratch AS a\nWORKDIR /app\nFROM a\nWORKDIR sub', []],
    ['FROM scratch\nENV D=/d\nWORKDIR $D', []],
  ],
  UndefinedVar: [
    ['FROM scratch\nCOPY $foo /x\nARG foo\nCOPY $foo /y', [2]],
    ['FROM scratch\nENV PATH=$PAHT:/bin', [2]],
    ['FROM scratch AS a\nARG foo=1\nFROM a\nCOPY $foo $PATH\nRUN $bar', []],
    ['FROM scratch\nCOPY <<EOF /x\n$bar\nEOF', [2]],
    ['FROM scratch\nEXPOSE ${port:-80}', [2]],
  ],
  MultipleInstructionsDisallowed: [
    [
      'FROM scratch\nCMD ["a"]\nENTRYPOINT ["a"]\nHEALTHCHECK NONE\nCMD ["b"]\nENTRYPOINT ["b"]\nHEALTHCHECK NONE',
      [2, 3, 4],
    ],
    ['FROM scratch AS a\nCMD ["a"]\nFROM a\nCMD ["b"]', []],
  ],
  LegacyKeyValueFormat: [['FROM scratch\nENV a b\nLABEL a b\nENV a=b\nLABEL a=b', [2, 3]]],
  RedundantTargetPlatform: [
    ['FROM --platform=$TARGETPLATFORM a\nFROM --platform=${TARGETPLATFORM} b', [1, 2]],
    ['FROM --platform=$BUILDPLATFORM a\nFROM --platform=${TARGETPLATFORM}${x} b', []],
  ],
  SecretsUsedInArgOrEnv: [
    [
      'FROM scratch\nARG SECRET_PHRASE\nENV SUPER_Secret=1\nENV password=1 apikey=2\nENV git_key=\nARG PUBLIC_KEY token_file AUTH_VERSION monkey',
      [2, 3, 4, 4, 5],
    ],
  ],
  InvalidDefaultArgInFrom: [
    ['ARG V\nFROM a:$V', [2]],
    ['ARG IMAGE\nFROM ${IMAGE:-b}', []],
    ['ARG SFX="box:"\nFROM busy${SFX}latest', []],
    ['ARG SFX="box:"\nFROM busy${SFX}', [2]],
    ['ARG S\nFROM registry.example.com:5000/Some/image', [2]],
    ['FROM registry.example.com:5000/some/image:v1.2_3@sha256:0123456789abcdef0123456789abcdef', []],
  ],
  FromPlatformFlagConstDisallowed: [
    ['FROM --platform=linux/amd64 a', [1]],
    ['FROM --platform=linux/amd64 a AS build_amd64\nFROM --platform=linux/386 b AS on_linux', []],
  ],
  ExposeProtoCasing: [['FROM scratch\nEXPOSE 80/TcP 81/udp 82', [2]]],
  ExposeInvalidFormat: [['FROM scratch\nEXPOSE 127.0.0.1:80:80 [::1]:81:81 5000:5000 8000', [2, 2, 2]]],
}

for (const [rule, files] of Object.entries(FOUND)) {
  test(rule, () => {
    for (const [text, lines] of files) {
      const found = lint(text).filter((finding) => finding.endsWith(` ${rule}`))
      assert.equal(
        found,
        lines.map((line) => `${line} ${rule}`),
        text,
      )
    }
  })
}

test('InvalidDefinitionDescription only where it is asked for', () => {
  const text =
    '# bar this is the bar\nARG foo=bar\n# foo it is\nARG foo\n# Base is the base\nFROM scratch AS base\n# definitely not\nARG a=1 b=2\n# b is one\nARG a b\n# nothing\nCOPY a /b\n# dropped\n#\nARG c'
  assert.equal(lint(text), [])
  const rule = 'InvalidDefinitionDescription'
  const expected = [`3 ${rule}`, `7 ${rule}`, `9 ${rule}`]
  assert.equal(lint(`# check=experimental=${rule}\n${text}`), expected)
  assert.equal(lint(`# check=skip=all;experimental=all\n${text}`), expected)
})

test('CopyIgnoredFile', () => {
  const ignore = (text: string): Partial<LintOptions> => ({ ignore: parseDockerignore(text) })
  const text = 'FROM scratch AS a\nCOPY secret/key /a\nADD ./secret /b\nCOPY other /c\nFROM a\nCOPY --from=a secret /d'
  assert.equal(lint(text, ignore('secret\n')), ['2 CopyIgnoredFile', '3 CopyIgnoredFile'])
  assert.equal(lint(text, ignore('secret\n!secret/key')), [])
  assert.equal(lint('FROM scratch\nCOPY . /', ignore('.*\n')), [])
  assert.equal(lint('FROM scratch\nCOPY . /', ignore('*\n')), ['2 CopyIgnoredFile'])
  assert.equal(lint('FROM scratch\nADD https://example.com/x /x', ignore('**')), [])
})

test('InvalidBaseImagePlatform', () => {
  const image = () => ({ env: [], platform: { os: 'linux', architecture: 'amd64' } })
  assert.equal(lint('FROM a', { image }), ['1 InvalidBaseImagePlatform'])
  assert.match(messages('FROM a', { image }), /the image is for linux\/amd64, not for linux\/arm64/)
  assert.equal(lint('FROM --platform=$BUILDPLATFORM a', { image }), [])
})

test('the environment of an image counts, and so does not knowing it', () => {
  const text = 'FROM java\nARG VERSION=1\nCOPY $JAVA_HOME /a\nCOPY $VERSOIN /b\nCOPY $unknown /c'
  assert.equal(lint(text), ['4 UndefinedVar'])
  const image = () => ({ env: [['JAVA_HOME', '/java']] as const, hasShell: true })
  assert.equal(lint(`${text}\nCMD a`, { image }), ['4 UndefinedVar', '5 UndefinedVar'])
  assert.match(messages(text), /\$VERSOIN is not set \(did you mean \$VERSION\?\)/)
})

test('what the image may have is no fault', () => {
  const text = 'FROM golang\nWORKDIR $GOPATH\nVOLUME $DATA\nEXPOSE ${PORT:?}\nUSER $PAHT'
  assert.equal(lint(text), ['5 UndefinedVar'])
  const result = lintDockerfile(parseDockerfile(text.replace('golang', 'scratch')), inputs())
  assert.equal(
    result.findings.map(({ rule, range }) => `${range.start} ${rule}`),
    ['2 UndefinedVar', '2 WorkdirRelativePath'],
  )
  assert.match(result.error?.message ?? '', /^Dockerfile:3: VOLUME: a path is empty/)
})

test('hints name what was meant', () => {
  assert.match(
    messages('FROM --platform=$BULIDPLATFORM linux'),
    /BULIDPLATFORM is not declared \(did you mean BUILDPLATFORM\?\)/,
  )
  assert.match(messages('FROM scratch\nENV PATH=$PAHT:/x'), /\(did you mean \$PATH\?\)/)
})

test('rules are skipped for a file and for an instruction', () => {
  const text = 'FROM scratch as base\ncopy a /b\nCMD a'
  assert.equal(lint(text), ['1 FromAsCasing', '2 ConsistentInstructionCasing', '3 JSONArgsRecommended'])
  assert.equal(lint(`#check=skip=all\n${text}`), [])
  assert.equal(lint(`# check=skip=FromAsCasing,JSONArgsRecommended;error=false trailing words\n${text}`), [
    '3 ConsistentInstructionCasing',
  ])
  assert.equal(lint('FROM scratch\n# check=skip=JSONArgsRecommended // why\nCMD a\nENTRYPOINT b'), [
    '4 JSONArgsRecommended',
  ])
  assert.equal(lint('FROM scratch\n# check=skip=all\nENV key=1\n# check=nonsense\nARG key'), [
    '5 SecretsUsedInArgOrEnv',
  ])
  assert.equal(lint(`#check=skip=all\n${text}`, { checks: parseCheckOptions('skip=FromAsCasing') }), [
    '3 ConsistentInstructionCasing',
    '4 JSONArgsRecommended',
  ])
})

test('findings fail the build where that is asked for', () => {
  const failed = (check: string): readonly string[] =>
    lintDockerfile(parseDockerfile(`# check=${check}\nFROM scratch\nCMD a\nENTRYPOINT a`), inputs()).failed
  assert.equal(failed('error=true'), ['JSONArgsRecommended'])
  assert.equal(failed('error=true;skip=JSONArgsRecommended'), [])
  assert.equal(failed('skip=StageNameCasing'), [])
})

test('a target limits what is looked at, but for the syntax', () => {
  const text = 'FROM scratch AS one\nCOPY $x /\nENV a b\nFROM scratch AS two\nCOPY $y /\nFROM two'
  assert.equal(lint(text), ['2 UndefinedVar', '3 LegacyKeyValueFormat', '5 UndefinedVar'])
  assert.equal(lint(text, { target: 'two' }), ['3 LegacyKeyValueFormat', '5 UndefinedVar'])
})

test('a mistake ends the checks, and is told with what was found', () => {
  const result = lintDockerfile(parseDockerfile('FROM scratch AS A\nEXPOSE http\nCOPY $x /'), inputs())
  assert.equal(
    result.findings.map(({ rule }) => rule),
    ['StageNameCasing'],
  )
  assert.match(result.error?.message ?? '', /^Dockerfile:2: EXPOSE: http is no port/)
})

test('all 22 rules are found by a test', () => {
  const others = ['InvalidDefinitionDescription', 'CopyIgnoredFile', 'InvalidBaseImagePlatform']
  assert.equal(Object.keys(RULES).sort(), [...Object.keys(FOUND), ...others].sort())
  assert.is(Object.keys(RULES).length, 22)
})

test.run()
