// SPDX-License-Identifier: Apache-2.0
// `npm test [-- FILTER]`: builds, runs the checks, then every test file. The last line is `N passed, N failed[, N skipped]`.

import { spawn, spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { checks } from './checks.ts'

/** TSRUN_TEST_SLOW: see test/helpers/slow.ts. */
const fileTimeoutMs = 15 * 60_000 * Math.max(1, Number(process.env['TSRUN_TEST_SLOW'] ?? '1') || 1)
/** Test files that look at the whole host (mounts, cgroups, processes, times), so nothing may run beside them. */
const alone = /^test\/(host|run|security|clients|failures|lifecycle|bench)\//

interface FileResult {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly skips: readonly string[]
}

function runFile(file: string): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' },
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const timer = setTimeout(() => {
      output += `\nstopped after ${fileTimeoutMs} ms\n`
      child.kill('SIGKILL')
    }, fileTimeoutMs)
    // Not 'close': what a test left running may keep the pipes open.
    child.once('exit', (code) => {
      clearTimeout(timer)
      setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
        resolve({ code, output })
      }, 20)
    })
  })
}

function sum(output: string, what: string): number {
  const lines = output.matchAll(new RegExp(`^\\s*${what}:\\s+(\\d+)`, 'gm'))
  return [...lines].reduce((total, match) => total + Number(match[1]), 0)
}

/** Reads the summary that uvu prints. A file without one, or one that ends badly, has failed. */
function judge(code: number | null, output: string): FileResult {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
  const plain = output.replace(/\x1b\[[0-9;]*m/g, '')
  const passed = sum(plain, 'Passed')
  const skipped = sum(plain, 'Skipped')
  // Skipped tests are not in the total.
  const failed = Math.max(0, sum(plain, 'Total') - passed)
  const broken = failed === 0 && (code !== 0 || !/^\s*Total:\s+\d+/m.test(plain))
  const skips = plain.split('\n').filter((line) => line.startsWith('SKIP '))
  return { passed, failed: broken ? 1 : failed, skipped, skips }
}

async function runTestFile(file: string): Promise<FileResult> {
  const begin = performance.now()
  const { code, output } = await runFile(file)
  const result = judge(code, output)
  const seconds = ((performance.now() - begin) / 1000).toFixed(1)
  const skipped = result.skipped > 0 ? `, ${result.skipped} skipped` : ''
  const verdict = result.failed === 0 ? 'ok    ' : 'FAILED'
  process.stdout.write(`${verdict} ${file} (${result.passed} passed${skipped}, ${seconds} s)\n`)
  if (result.failed > 0) {
    process.stdout.write(`${output.trimEnd()}\nexit code ${code}\n\n`)
  }
  return result
}

/** Runs the files, `width` at a time. */
async function runAll(files: readonly string[], width: number): Promise<readonly FileResult[]> {
  const queue = [...files]
  const results: FileResult[] = []
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      results.push(await runTestFile(file))
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}

function runChecks(): readonly FileResult[] {
  return checks.map((check) => {
    const verdict = check.run()
    if (verdict.kind === 'failed') {
      process.stdout.write(`FAILED ${check.name}\n${verdict.output.trimEnd()}\n\n`)
      return { passed: 0, failed: 1, skipped: 0, skips: [] }
    }
    if (verdict.kind === 'skipped') {
      return { passed: 0, failed: 0, skipped: 1, skips: [`SKIP ${check.name}: ${verdict.reason}`] }
    }
    process.stdout.write(`ok     ${check.name}\n`)
    return { passed: 1, failed: 0, skipped: 0, skips: [] }
  })
}

function build(): FileResult {
  const ok = spawnSync('sh', ['cmd/dev/build.sh'], { stdio: 'inherit' }).status === 0
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} build\n`)
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0, skips: [] }
}

process.chdir(join(import.meta.dirname, '../..'))
const filters = process.argv.slice(2)
const isWanted = (file: string): boolean => filters.length === 0 || filters.some((filter) => file.includes(filter))
const files = globSync('test/**/*.test.ts').sort().filter(isWanted)
// With ready programs there is no compiler: everything was built elsewhere.
const results: FileResult[] = process.env['TSRUN_TEST_BIN'] === undefined ? [build()] : []
if (filters.length === 0) {
  results.push(...runChecks())
}
results.push(
  ...(await runAll(
    files.filter((file) => !alone.test(file)),
    2,
  )),
)
results.push(
  ...(await runAll(
    files.filter((file) => alone.test(file)),
    1,
  )),
)

const total = (pick: (result: FileResult) => number): number => results.reduce((n, result) => n + pick(result), 0)
const failed = total((result) => result.failed)
const skipped = total((result) => result.skipped)
for (const line of results.flatMap((result) => result.skips)) {
  process.stdout.write(`${line}\n`)
}
if (files.length === 0) {
  process.stdout.write(`no test file matches ${filters.join(' ')}\n`)
}
const summary = `${total((result) => result.passed)} passed, ${failed} failed`
process.stdout.write(`${summary}${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
process.exitCode = failed === 0 && files.length > 0 ? 0 : 1
