// SPDX-License-Identifier: Apache-2.0

/** Failures of starting a program come without the words. */
const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ENOEXEC: 'exec format error',
  E2BIG: 'argument list too long',
}

/** A failed system call as all of our messages end: `no such file or directory (ENOENT)`. */
export function errnoText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const [, code, text] = /^(E[A-Z0-9]+): ([^,]+)/.exec(message) ?? []
  if (code !== undefined && text !== undefined) return `${text} (${code})`
  const name = error instanceof Error && 'code' in error ? String(error.code) : ''
  return words[name] === undefined ? message : `${words[name]} (${name})`
}

/** True for a failed system call with this errno. */
export function hasErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
