// SPDX-License-Identifier: Apache-2.0

/** A failure of tsdock that the caller can act on: one line, the object first. */
export class DockError extends Error {
  override readonly name = 'DockError'
  /** The program's exit status. */
  readonly exitCode: number

  constructor(message: string, options: { readonly exitCode?: number; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.exitCode = options.exitCode ?? 1
  }
}

/** The text of whatever was thrown. */
export const messageOf = (e: unknown): string => (e instanceof Error ? e.message : String(e))

/** Text of others (servers, names of files) without what a terminal would obey. */
export const printable = (text: string): string => text.replace(/(?!\n)\p{Cc}/gu, '?')
