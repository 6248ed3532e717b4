// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { projectDir } from '../helpers/work-dir.ts'

/** Test programs around pieces of the C side. */
const programs = {
  decode: ['test/wire/decode.c', 'test/wire/print.c', 'csrc/plan/decode.c', 'csrc/base/err.c'],
  template: [
    'test/wire/template.c',
    'csrc/front/template.c',
    'csrc/plan/decode.c',
    'csrc/base/err.c',
    'csrc/base/io.c',
  ],
} as const
const headers = ['test/wire/*.h', 'csrc/{front,plan,base}/*.h', 'csrc/plan/*.def']

/** How the program is compiled: as it is shipped, or so that it stops at the first wrong access. */
export type Build = 'static' | 'sanitized'

const flags: Readonly<Record<Build, readonly string[]>> = {
  static: ['-Os', '-static', '-D_FORTIFY_SOURCE=2'],
  sanitized: ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'],
}

/** Path of a test program, compiled when a source changed; or why this machine cannot compile it so. */
export function compileProgram(
  name: keyof typeof programs,
  build: Build,
): { readonly path: string } | { readonly reason: string } {
  const files = programs[name].map((file) => join(projectDir, file))
  const hash = createHash('sha256').update(flags[build].join(' '))
  for (const file of [...files, ...globSync(headers.map((pattern) => join(projectDir, pattern))).sort()]) {
    hash.update(readFileSync(file))
  }
  const dir = join(projectDir, 'dist/test')
  const path = join(dir, `${name}-${build}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(path)) return { path }
  mkdirSync(dir, { recursive: true })
  const partial = `${path}.${process.pid}`
  const warnings = ['-std=gnu11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror']
  const args = [...warnings, ...flags[build], ...files, '-o', partial]
  const result = spawnSync('gcc', args, { encoding: 'utf8' })
  if (result.status === 0) {
    renameSync(partial, path)
    return { path }
  }
  const output = result.error?.message ?? result.stderr
  // An error of ours is no reason to skip.
  if (result.error === undefined && !/cannot find .*(asan|ubsan)/.test(output)) throw new Error(output)
  return { reason: `gcc cannot build ${build} programs here: ${output.trim().split('\n')[0]}` }
}
