// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync } from 'node:fs'

/** What a check found: nothing, a reason not to run it here, or its complaints. */
export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'failed'; readonly output: string }

/** One check of the sources. */
export interface Check {
  readonly name: string
  readonly run: () => Verdict
}

/** Versions of clang-format lay the same style out differently: this one decides. */
const clangFormatMajor = '14'

function command(program: string, args: readonly string[]): Verdict {
  const result = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 })
  if (result.status === 0) {
    return { kind: 'passed' }
  }
  return { kind: 'failed', output: result.error?.message ?? `${result.stdout}${result.stderr}` }
}

function cFiles(): readonly string[] {
  return globSync(['csrc/**/*.[ch]', 'test/**/*.[ch]']).sort()
}

function clangFormat(...mode: readonly string[]): Verdict {
  const version = spawnSync('clang-format', ['--version'], { encoding: 'utf8' }).stdout ?? ''
  const major = /version (\d+)/.exec(version)?.[1] ?? 'none'
  if (major !== clangFormatMajor) {
    return { kind: 'skipped', reason: `clang-format ${clangFormatMajor} decides the layout, here is ${major}` }
  }
  return command('clang-format', [...mode, ...cFiles()])
}

function cppcheck(): Verdict {
  if (spawnSync('cppcheck', ['--version']).error !== undefined) {
    return { kind: 'skipped', reason: 'cppcheck is not installed' }
  }
  const cache = 'dist/cppcheck'
  mkdirSync(cache, { recursive: true })
  // Leaks are wrongly reported for variables with a cleanup attribute.
  const wrong = ['memleak', 'resourceLeak', 'unknownMacro']
  const noise = ['missingIncludeSystem', 'normalCheckLevelMaxBranches']
  const suppressed = [...wrong, ...noise].map((id) => `--suppress=${id}`)
  const flags = ['-q', '--std=c11', '-D_GNU_SOURCE', '--enable=warning,performance,portability', '--inline-suppr']
  return command('cppcheck', [
    ...flags,
    ...suppressed,
    '--error-exitcode=1',
    `--cppcheck-build-dir=${cache}`,
    'csrc',
    'test',
  ])
}

/** All checks, quickest first. */
export const checks: readonly Check[] = [
  { name: 'typecheck', run: () => command('node_modules/.bin/tsc', ['--noEmit']) },
  { name: 'biome', run: () => command('node_modules/.bin/biome', ['check', '--max-diagnostics=100', '.']) },
  { name: 'clang-format', run: () => clangFormat('--dry-run', '--Werror') },
  { name: 'cppcheck', run: cppcheck },
]

/** Lays all sources out. */
export function format(): readonly Verdict[] {
  return [command('node_modules/.bin/biome', ['check', '--write', '.']), clangFormat('-i')]
}
