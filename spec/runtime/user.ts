// SPDX-License-Identifier: Apache-2.0

/** Who the process runs as. Spec: config.md#user */
export interface User {
  readonly uid: number
  readonly gid: number
  readonly umask?: number | undefined
  readonly additionalGids?: readonly number[] | undefined
  /** Windows only. */
  readonly username?: string | undefined
}
