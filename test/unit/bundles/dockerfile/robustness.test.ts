// SPDX-License-Identifier: Apache-2.0
// Whatever the text is: a result or a DockerfileError, and in time. The mutations are the same in each run.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDockerignore } from '../../../../bundles/dockerfile/dockerignore.ts'
import { lintDockerfile } from '../../../../bundles/dockerfile/lint/lint.ts'
import { DockerfileError, formatDockerfileError } from '../../../../bundles/dockerfile/located-error.ts'
import { parseDockerfile } from '../../../../bundles/dockerfile/parse.ts'
import { scaled } from '../../../helpers/slow.ts'
import { projectDir } from '../../../helpers/work-dir.ts'
import { inputs } from './inputs.ts'

const directory = join(projectDir, 'test/golden/dockerfiles')
const texts = readdirSync(directory).map((name) => readFileSync(join(directory, name, 'Dockerfile'), 'utf8'))

/** Parses and checks all of a text. */
function tryText(text: string): void {
  try {
    const { error } = lintDockerfile(parseDockerfile(text), { ...inputs(), ignore: parseDockerignore(text) })
    if (error !== undefined) formatDockerfileError(error)
  } catch (e: unknown) {
    if (!(e instanceof DockerfileError)) throw e
    formatDockerfileError(e)
  }
}

/** Numbers below a limit, always the same ones (mulberry32). */
function sequence(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

const PIECES: readonly string[] = [
  ...[
    '\\',
    '`',
    '"',
    "'",
    '$',
    '${',
    '}',
    '#',
    '\n',
    '\r\n',
    ' ',
    '\t',
    '=',
    ',',
    ':',
    '/',
    '--',
    '<<',
    '<<EOF',
    '[',
    ']',
  ],
  ...[
    '*',
    '**',
    '?',
    '!',
    '\0',
    '\uFEFF',
    '\u2028',
    '\u00a0',
    '\ud800',
    '🦀',
    '{',
    ';',
    '@',
    '-',
    '+',
    '%',
    '0',
    '\\\n',
  ],
  ...[
    'FROM ',
    'RUN ',
    'COPY ',
    'ONBUILD ',
    'ARG ',
    'ENV ',
    '--mount=',
    '--from=',
    '# check=',
    '# escape=`\n',
    'AS ',
    'EOF\n',
  ],
  ...['${a:-', '${a##', '${a//', '__proto__', 'constructor', '../', 'https://', '.git', 'sha256:', '["', '"]'],
]

function mutate(text: string, random: (limit: number) => number): string {
  let result = text
  for (let count = 1 + random(6); count > 0; count--) {
    const at = random(result.length + 1)
    const length = random(4) === 0 ? random(40) : random(3)
    const piece =
      random(3) === 0 ? result.slice(random(result.length + 1)).slice(0, random(30)) : PIECES[random(PIECES.length)]
    result = result.slice(0, at) + (piece ?? '') + result.slice(at + length)
  }
  return result
}

test('no mutation of a Dockerfile crashes', () => {
  const random = sequence(1)
  for (let round = 0; round < 6000; round++) {
    const text = mutate(texts[round % texts.length] ?? '', random)
    try {
      tryText(text)
    } catch (e: unknown) {
      throw new Error(`${String(e)} for ${JSON.stringify(text)}`, { cause: e })
    }
  }
})

const MEGABYTE = 1_000_000
const lines = (line: string): string => `${line}\n`.repeat(MEGABYTE / (line.length + 1))
const many = (text: string): string => text.repeat(MEGABYTE / text.length)

/** Texts of a megabyte that would take a careless parser very long, or all of its stack. */
const LARGE: Readonly<Record<string, string>> = {
  'one long command': `FROM a\nRUN ${many('x')}`,
  'one long unknown word': `FROM a\n${many('x')}`,
  'only blanks': `FROM a\nRUN ${many(' ')}x`,
  'a directive of blanks': `# syntax=docker/dockerfile${many(' ')}x\nFROM a`,
  'a directive without a value': `# syntax=${many(' ')}\nFROM a`,
  'a comment of blanks': `FROM a\n#${many(' ')}`,
  'many continuations': `FROM a\nRUN x \\\n${many('  y \\\n')}z`,
  'many empty continuations': `FROM a\nRUN x \\\n${many('\n')}z`,
  'many comments': `FROM a\n${many('# x\n')}RUN y`,
  'many escapes': `FROM a\nENV a=${many('\\')}`,
  'many quotes': `FROM a\nENV a=${many('"')}`,
  'many quoted words': `FROM a\nENV a=1 ${many('b="x y" ')}`,
  'many variables': `FROM a\nENV a=b\nENV c=${many('$a')}`,
  'many defaults': `FROM a\nENV c=${many('${a:-b}')}`,
  'deep defaults': `FROM a\nENV c=${many('${a:-')}`,
  'many removals': `FROM a\nENV a=xyz\nENV c=${many('${a#x}')}`,
  'growing values': `FROM a\nENV a=xxxxxxxxxx\n${'ENV a=$a$a$a$a\n'.repeat(1000)}`,
  'many flags': `FROM a\nCOPY ${many('--link ')}a b`,
  'many mounts': `FROM a\nRUN ${many('--mount=target=/a ')}x`,
  'many options': `FROM a\nRUN --mount=target=/a${many(',ro')} x`,
  'many sources': `FROM a\nCOPY ${many('a ')}b`,
  'a long glob': `FROM a\nCOPY ${many('*a')} b`,
  'many excludes': `FROM a\nCOPY ${many('--exclude=**/a ')}a b`,
  'a long exclude': `FROM a\nCOPY --exclude=${many('**/')}a a b`,
  'many brackets': `FROM a\nCOPY ${many('[')} b`,
  'deep JSON': `FROM a\nCMD ${many('[')}`,
  'many JSON words': `FROM a\nCMD [${many('"a",')}"b"]`,
  'many heredocs': `FROM a\nRUN ${'<<A '.repeat(20_000)}\n${'A\n'.repeat(20_000)}`,
  'a long heredoc': `FROM a\nCOPY <<EOF /x\n${lines('$a text')}EOF`,
  'a heredoc of tabs': `FROM a\nCOPY <<-EOF /x\n${many('\t')}\nEOF`,
  'an open heredoc': `FROM a\nRUN <<EOF\n${lines('x')}`,
  'a heredoc of less-thans': `FROM a\nRUN ${many('<')}`,
  'nested ONBUILD': `FROM a\n${many('ONBUILD ')}RUN x`,
  'many stages': `FROM a AS s\n${lines('FROM s AS s').slice(0, 60_000)}`,
  'many instructions': `FROM a\n${lines('ENV a=b')}`,
  'many names': `FROM a\n${Array.from({ length: 50_000 }, (_, index) => `ENV v${index}=${index}`).join('\n')}`,
  'many undefined variables': `FROM scratch\nENV ${Array.from({ length: 20_000 }, (_, i) => `a=$v${i}`).join(' ')}`,
  'many ports': `FROM a\nEXPOSE ${many('1-65535 ')}`,
  'digits': `FROM a\nEXPOSE ${many('1')}`,
  'a long duration': `FROM a\nHEALTHCHECK --interval=${many('1')} CMD x`,
  'a long mode': `FROM a\nCOPY --chmod=${many('u+x,')} a b`,
  'a long image': `FROM ${many('a-')}`,
  'a long host': `FROM ${many('a.')}/b:${many('1')}`,
  'a long platform': `FROM --platform=${many('a/')} b`,
  'a long check': `# check=skip=${many('a,')}\nFROM a`,
  'a long URL': `FROM a\nADD https://${many('a/..%2f')} b`,
  'a long query': `FROM a\nADD https://a.git?${many('a=b&')} b`,
  'carriage returns': `FROM a\n${many('\r')}`,
  'zero bytes': many('\0'),
}

for (const [name, text] of Object.entries(LARGE)) {
  test(`in time: ${name}`, () => {
    // Of the processor, not of the clock: other tests run beside this one.
    const before = process.cpuUsage()
    tryText(text)
    const { user, system } = process.cpuUsage(before)
    const ms = Math.round((user + system) / 1000)
    assert.ok(ms < scaled(10_000), `${ms} ms`)
  })
}

test.run()
