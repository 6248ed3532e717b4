// SPDX-License-Identifier: Apache-2.0
// What cmd/dev/test-peers.sh runs: every test of real containers on every runtime, then a table and the list of differences.

import { spawnSync } from 'node:child_process'
import { globSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { programNames, programPath } from './helpers/programs.ts'

interface Count {
  readonly passed: number
  readonly failed: number
  readonly differs: number
  readonly skipped: number
}

interface Difference {
  readonly suite: string
  readonly title: string
  readonly reason: string
}

interface FileResult {
  readonly count: Count
  readonly differences: readonly Difference[]
  readonly output: string
}

const document = 'docs/host-tests-on-peers.md'

function number(output: string, what: string): number {
  return Number(new RegExp(`^\\s*${what}:\\s+(\\d+)`, 'm').exec(output)?.[1] ?? 0)
}

function runFile(file: string, runtime: string, path: string): FileResult {
  const env = { ...process.env, TSRUN_RUNTIME: path, FORCE_COLOR: '0', NO_COLOR: '1' }
  const { stdout, stderr, status } = spawnSync(process.execPath, [file], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 15 * 60_000,
  })
  const output = `${stdout}${stderr}`
  const differences = [...output.matchAll(new RegExp(`^SKIP (.*?): (.*): ${runtime} differs: (.*)$`, 'gm'))].map(
    ([, suite = '', title = '', reason = '']) => ({ suite, title, reason }),
  )
  const passed = number(output, 'Passed')
  // Skipped tests are not in the total. A file that ends badly without a failed test has failed as a whole.
  const failed = number(output, 'Total') - passed
  const differs = differences.length
  const count = {
    passed,
    failed: failed || Number(status !== 0),
    differs,
    skipped: number(output, 'Skipped') - differs,
  }
  return { count, differences, output }
}

function findRuntimes(wanted: readonly string[]): ReadonlyMap<string, string> {
  const runtimes = new Map([['tsrun', join(process.cwd(), 'dist/bin/tsrun')]])
  for (const name of wanted) {
    const found = spawnSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).stdout.trim()
    if (found === '') {
      process.stdout.write(`${name} is left out: it is not on PATH\n`)
    } else {
      runtimes.set(name, found)
    }
  }
  return runtimes
}

function showCount({ passed, failed, differs, skipped }: Count): string {
  const words = [
    `${passed} passed`,
    failed > 0 ? `**${failed} failed**` : '',
    differs > 0 ? `${differs} differ` : '',
    skipped > 0 ? `${skipped} skipped` : '',
  ]
  return words.filter((word) => word !== '').join(', ')
}

function add(a: Count, b: Count): Count {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    differs: a.differs + b.differs,
    skipped: a.skipped + b.skipped,
  }
}

type Results = ReadonlyMap<string, ReadonlyMap<string, FileResult>>

function total(files: ReadonlyMap<string, FileResult>): Count {
  return [...files.values()].map(({ count }) => count).reduce(add)
}

function table(results: Results): readonly string[] {
  const runtimes = [...results.keys()]
  const files = [...(results.get('tsrun')?.keys() ?? [])]
  const row = (title: string, cell: (runtime: string) => string): string[] => [title, ...runtimes.map(cell)]
  const rows = [
    row('file', (runtime) => runtime),
    ...files.map((file) => {
      return row(file.replace(/^test\/|\.test\.ts$/g, ''), (runtime) => {
        const result = results.get(runtime)?.get(file)
        return result === undefined ? '' : showCount(result.count)
      })
    }),
    row('all', (runtime) => showCount(total(results.get(runtime) ?? new Map()))),
  ]
  const widths = row('', () => '').map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  const lines = rows.map((cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`)
  return lines
}

/** Titles with the same reason share a line. */
function listDifferences(files: ReadonlyMap<string, FileResult>): readonly string[] {
  const groups = new Map<string, string[]>()
  for (const { suite, title, reason } of [...files.values()].flatMap(({ differences }) => differences)) {
    const key = `${suite}\0${reason}`
    groups.set(key, [...(groups.get(key) ?? []), title])
  }
  return [...groups].map(([key, titles]) => {
    const [suite, reason] = key.split('\0')
    return `- **${suite}**: ${titles.map((title) => `_${title}_`).join('; ')}: ${reason}`
  })
}

function versions(runtimes: ReadonlyMap<string, string>): string {
  const lines = [...runtimes.values()].map((path) => spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout)
  return lines.map((text) => text.split('\n')[0]?.replace(' version', '')).join(', ')
}

function page(runtimes: ReadonlyMap<string, string>, results: Results): string {
  const sections = [...results]
    .filter(([name]) => name !== 'tsrun')
    .flatMap(([name, files]) => [`## In what ${name} differs`, '', ...listDifferences(files), ''])
  return [
    '# The host tests on runc and crun',
    '',
    'Written by `npm run test:peers -- --write`, as root. The tests of real containers run on other runtimes, too: what they',
    'ask for is what the specification says and what callers rely on, and not what `tsrun` happens to do. _Differ_ are tests',
    'that a runtime is not held to, for the reasons below; most of those are about what the specification leaves open, such as',
    'how strictly a config is checked. _Skipped_ are those that this host cannot run, and those of parts of `tsrun`.',
    '',
    `${versions(runtimes)}; Linux ${release()}.`,
    '',
    ...table(results),
    '',
    'Messages are compared with those of `runc` only on `tsrun` and `runc`, exit codes of failures as well.',
    '',
    ...sections,
  ].join('\n')
}

process.chdir(join(import.meta.dirname, '..'))
const given = process.argv.slice(2)
if (given.includes('--prepare')) {
  programNames.forEach(programPath)
  process.exit(0)
}
const wanted = given.filter((word) => !word.startsWith('--'))
const runtimes = findRuntimes(wanted.length > 0 ? wanted : ['runc', 'crun'])
const results = new Map([...runtimes.keys()].map((name) => [name, new Map<string, FileResult>()]))
for (const file of globSync('test/{host,security}/*.test.ts').sort()) {
  for (const [name, path] of runtimes) {
    const result = runFile(file, name, path)
    results.get(name)?.set(file, result)
    process.stdout.write(`${file} on ${name}: ${showCount(result.count)}\n`)
    if (result.count.failed > 0) {
      process.stdout.write(`${result.output.trimEnd()}\n\n`)
      process.exitCode = 1
    }
  }
}
for (const [name, files] of results) {
  process.stdout.write(`${name}: ${showCount(total(files))}\n`)
}
if (given.includes('--write')) {
  writeFileSync(document, page(runtimes, results))
  process.stdout.write(`written: ${document}\n`)
}
