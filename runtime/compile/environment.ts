// SPDX-License-Identifier: Apache-2.0

/** Of a variable that is given twice, the last one counts, where it stands. An empty HOME counts as none, as in peers. */
export function toEnvironment(env: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  const kept: string[] = []
  for (const entry of env.toReversed()) {
    const name = entry.slice(0, entry.indexOf('='))
    if (seen.has(name)) continue
    seen.add(name)
    if (entry !== 'HOME=') kept.push(entry)
  }
  return kept.reverse()
}
