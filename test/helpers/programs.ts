// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { projectDir } from './work-dir.ts'

const sources = {
  probe: ['probe.c', 'probe-try.c', 'probe.h'],
  'kill-at': ['kill-at.c'],
  'receive-fd': ['receive-fd.c'],
  'swap-paths': ['swap-paths.c'],
} as const

/** Test programs in C. */
export type ProgramName = keyof typeof sources

export const programNames = Object.keys(sources) as readonly ProgramName[]

function compilerArguments(compiler: string): readonly string[] {
  // musl-gcc knows no kernel headers of its own.
  const headers = ['-idirafter', '/usr/include', '-idirafter', '/usr/include/x86_64-linux-gnu']
  const flags = ['-static', '-std=gnu11', '-Os', '-Wall', '-Wextra', '-Werror']
  return compiler === 'musl-gcc' ? [...flags, ...headers] : flags
}

/**
 * Path of a test program, a static binary; compiled when its sources changed.
 * `TSRUN_TEST_BIN` names a directory with ready ones, for machines without a compiler.
 */
export function programPath(name: ProgramName): string {
  const ready = process.env['TSRUN_TEST_BIN']
  if (ready !== undefined) {
    return join(ready, name)
  }
  const files = sources[name].map((file) => join(projectDir, 'test/helpers', file))
  const hash = createHash('sha256')
  for (const file of files) {
    hash.update(readFileSync(file))
  }
  const dir = join(projectDir, 'dist/test')
  const target = join(dir, `${name}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(target)) {
    return target
  }
  mkdirSync(dir, { recursive: true })
  const partial = `${target}.${process.pid}`
  const compiled = files.filter((file) => file.endsWith('.c'))
  const tried: string[] = []
  for (const compiler of ['musl-gcc', 'gcc', 'cc']) {
    const result = spawnSync(compiler, [...compilerArguments(compiler), ...compiled, '-o', partial], {
      encoding: 'utf8',
    })
    if (result.status === 0) {
      renameSync(partial, target)
      return target
    }
    tried.push(`${compiler}: ${result.error?.message ?? result.stderr}`)
  }
  throw new Error(`cannot compile ${name}; install a C compiler (musl-tools or gcc)\n${tried.join('\n')}`)
}
