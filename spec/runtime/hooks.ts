// SPDX-License-Identifier: Apache-2.0

/** Programs run at points of the lifecycle. Spec: config.md#posix-platform-hooks */
export interface Hooks {
  /** Deprecated by the specification, still honoured: runs where createRuntime runs, before it. */
  readonly prestart?: readonly Hook[] | undefined
  readonly createRuntime?: readonly Hook[] | undefined
  readonly createContainer?: readonly Hook[] | undefined
  readonly startContainer?: readonly Hook[] | undefined
  readonly poststart?: readonly Hook[] | undefined
  readonly poststop?: readonly Hook[] | undefined
}

export interface Hook {
  readonly path: string
  readonly args?: readonly string[] | undefined
  readonly env?: readonly string[] | undefined
  /** Seconds. */
  readonly timeout?: number | undefined
}
