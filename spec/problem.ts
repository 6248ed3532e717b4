// SPDX-License-Identifier: Apache-2.0

/** One thing wrong with a document: where, what, and which section of the specification says so. */
export interface Problem {
  /** JSON pointer, '' for the whole document. */
  readonly pointer: string
  /** Object first, lower case, with what to do. */
  readonly message: string
  /** File and anchor, as in 'config.md#mounts'. */
  readonly section: string
}
