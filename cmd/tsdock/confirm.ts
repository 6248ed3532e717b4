// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline/promises'

/** Asks on standard input, as docker does: without an answer it is no. */
export async function isConfirmed(warning: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin })
  try {
    process.stdout.write(`${warning}\nAre you sure you want to continue? [y/N] `)
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answered = new Promise<string>((resolve) => lines.once('line', resolve))
    return /^y$/i.test((await Promise.race([answered, closed])).trim())
  } finally {
    lines.close()
  }
}
