// SPDX-License-Identifier: Apache-2.0

/** One challenge of a WWW-Authenticate header (RFC 9110, section 11.3). */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

const MAX_HEADER = 16384

/** Reads a WWW-Authenticate header. What it does not understand, it leaves out. */
export function parseChallenges(header: string): readonly Challenge[] {
  const text = header.slice(0, MAX_HEADER)
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  const token = /[\s,]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/y
  for (let match = token.exec(text); match !== null && match[0] !== ''; match = token.exec(text)) {
    const [, name = '', quoted, plain] = match
    const current = challenges.at(-1)
    if (quoted === undefined && plain === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} })
    else if (current !== undefined)
      current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? ''
  }
  return challenges
}
