// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/**
 * The start of a regular file that somebody else may have put there: no link is followed, nothing is waited for, and no
 * more than `most` bytes are read. Undefined when it is not that.
 */
export function readOwned(path: string, most: number): string | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { size } = fstatSync(fd)
    if (!fstatSync(fd).isFile()) return undefined
    const bytes = Buffer.alloc(Math.min(size, most))
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)).toString('utf8')
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
