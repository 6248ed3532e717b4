// SPDX-License-Identifier: Apache-2.0

/** Texts longer than this are no mistyped words. */
const LONGEST = 64

/** How many letters must be put in, left out, changed, or swapped with the next, to make one word of the other. */
function distance(a: string, b: string): number {
  let twoBefore: readonly number[] = []
  let before: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (twoBefore[j - 2] ?? i) + 1 : i + j
      row.push(Math.min(change, swapped, (before[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    twoBefore = before
    before = row
  }
  return before[b.length] ?? 0
}

/** The known word that was probably meant: few letters away. Undefined if there is none, or if it is known. */
export function suggest(word: string, known: Iterable<string>, most = 2): string | undefined {
  if (word.length > LONGEST) return undefined
  let best: string | undefined
  let least = most + 1
  for (const option of known) {
    if (option === word) return undefined
    if (Math.abs(option.length - word.length) >= least) continue
    const found = distance(word, option)
    // A word of two letters is two changes away from any other.
    if (found < least && found < word.length) {
      best = option
      least = found
    }
  }
  return best
}
