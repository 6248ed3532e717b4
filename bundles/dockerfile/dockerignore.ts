// SPDX-License-Identifier: Apache-2.0
import { cleanPath } from './go-path.ts'
import { located } from './located-error.ts'
import { compilePathPatterns, type PathPatterns } from './path-patterns.ts'
import { trim } from './space.ts'

interface IgnoreLine {
  readonly line: number
  readonly pattern: string
}

function readLines(lines: readonly string[]): readonly IgnoreLine[] {
  const found: IgnoreLine[] = []
  lines.forEach((text, index) => {
    // A comment begins in the first column, as Docker has it.
    if (text.startsWith('#')) return
    const line = trim(text)
    if (line === '') return
    const exception = line.startsWith('!')
    const path = trim(exception ? line.slice(1) : line)
    // Patterns are relative to the context, with and without a slash in front.
    const clean = path === '' ? '' : cleanPath(path)
    const pattern = clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean
    found.push({ line: index + 1, pattern: exception ? `!${pattern}` : pattern })
  })
  return found
}

/**
 * Reads a .dockerignore. Which file it is, is up to the caller: `<name of the Dockerfile>.dockerignore` beside it goes
 * before `.dockerignore` in the context. Errors: DockerfileError.
 */
export function parseDockerignore(text: string, options: { readonly file?: string } = {}): PathPatterns {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const source = { file: options.file ?? '.dockerignore', lines, escape: '\\' as const }
  const found = readLines(lines)
  for (const { line, pattern } of found) {
    located(source, { start: line, end: line }, () => compilePathPatterns([pattern]))
  }
  return compilePathPatterns(found.map(({ pattern }) => pattern))
}
