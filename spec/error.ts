// SPDX-License-Identifier: Apache-2.0

/** Why an operation failed. A closed list: callers and tests switch over it. */
export type ErrorCode =
  | 'usage'
  | 'invalid-id'
  | 'id-taken'
  | 'not-found'
  | 'wrong-state'
  | 'bundle'
  | 'invalid-json'
  | 'invalid-config'
  | 'not-supported'
  | 'host'
  | 'cgroup'
  | 'seccomp'
  | 'hook'
  | 'console'
  | 'process'
  | 'plan'
  | 'executor'
  | 'state'
  | 'protocol'

export interface TsrunErrorOptions {
  /** JSON pointer of the config field that caused the failure. */
  readonly pointer?: string | undefined
  /** The program's exit status; 1 unless told. */
  readonly exitCode?: number | undefined
  readonly cause?: unknown
}

/** A failure that the caller can act on. Its message is one line: object first, errno name last. */
export class TsrunError extends Error {
  override readonly name = 'TsrunError'
  readonly code: ErrorCode
  readonly pointer: string | undefined
  readonly exitCode: number

  constructor(code: ErrorCode, message: string, options: TsrunErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.pointer = options.pointer
    this.exitCode = options.exitCode ?? 1
  }
}

/** A fault of this program, never of its input. */
export class InternalError extends Error {
  override readonly name = 'InternalError'
}

/** States what must hold if this program is right. Errors: InternalError. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(`internal error: ${message}`)
}

/** Closes a switch over a union: the compiler proves that it is never reached. */
export function assertNever(value: never): never {
  throw new InternalError(`internal error: unexpected ${JSON.stringify(value)}`)
}
