// SPDX-License-Identifier: Apache-2.0
// Messages look the same whichever program writes them: cmd/report.ts is compared with csrc/front/log.c.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatMessage, reportError } from '../../../cmd/report.ts'

const test = suite('report')
const project = fileURLToPath(new URL('../../..', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'tsrun-report-'))
test.after(() => rmSync(work, { recursive: true }))

const program = join(work, 'log-line')
const sources = [
  'test/unit/cmd/log-line.c',
  'csrc/front/log.c',
  'csrc/base/io.c',
  'csrc/base/err.c',
  'csrc/base/appendix.c',
  'csrc/base/utf8.c',
]
const flags = ['-std=gnu11', '-D_GNU_SOURCE', '-ffunction-sections', '-Wl,--gc-sections']
const built = spawnSync('gcc', [...flags, ...sources.map((path) => join(project, path)), '-o', program], {
  encoding: 'utf8',
})

const seconds = 1_790_000_000
const texts = [
  'mounts[3] (/data): open_tree "/src": no such file or directory (ENOENT)',
  'quotes " and \\ and \n newline \t tab \r return',
  'control \x01\x08\x0c\x1b[31m \x7f',
  '\u00fcml\u00e4ut \u2028 \u{1f600} \u{10ffff}',
  '',
  ' '.repeat(3000),
]

for (const format of ['json', 'text'] as const) {
  test(`${format}: both programs write the same line`, () => {
    assert.is(built.status, 0, built.stderr)
    for (const text of texts) {
      const c = spawnSync(program, [format, 'error', String(seconds)], { input: text, encoding: 'utf8' }).stdout
      assert.is(formatMessage('error', text, format, new Date(seconds * 1000)), c)
    }
  })
}

test('json: the message comes back as it was, and what is no text is replaced', () => {
  for (const text of texts) {
    const line = JSON.parse(formatMessage('warning', text, 'json', new Date(0))) as Record<string, unknown>
    assert.equal(line, { level: 'warning', msg: text, time: '1970-01-01T00:00:00Z' })
  }
  assert.match(formatMessage('error', 'x\ud800y', 'json', new Date(0)), /"msg":"x\ufffdy"/)
})

test('a log is appended to', () => {
  const log = join(work, 'log')
  const stderr = process.stderr.write
  process.stderr.write = () => true
  try {
    reportError('one', { log, logFormat: 'json' })
    reportError('two', { log })
  } finally {
    process.stderr.write = stderr
  }
  assert.match(readFileSync(log, 'utf8'), /^\{.*"msg":"one".*\}\ntime="\S+" level=error msg="two"\n$/)
})

test.run()
