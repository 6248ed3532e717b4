// SPDX-License-Identifier: Apache-2.0
// Names of signals (signal(7)). Pure. Node's os.constants has no real-time ones.

import { constants } from 'node:os'

const realTime = Array.from({ length: 31 }, (_, i): [string, number] => {
  const number = 34 + i
  return [i === 0 ? 'RTMIN' : i === 30 ? 'RTMAX' : i <= 15 ? `RTMIN+${i}` : `RTMAX-${64 - number}`, number]
})

/** Without SIG. */
export const SIGNALS: Readonly<Record<string, number>> = Object.fromEntries([
  ...Object.entries(constants.signals).map(([name, number]) => [name.replace(/^SIG/, ''), number]),
  ...realTime,
])

/** `9`, `KILL`, `sigkill`. Undefined: there is no such signal. */
export function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) {
    const number = Number(text)
    return number >= 1 && number <= 64 ? number : undefined
  }
  return SIGNALS[text.toUpperCase().replace(/^SIG/, '')]
}
