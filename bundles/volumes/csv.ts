// SPDX-License-Identifier: Apache-2.0
// One line of comma-separated values, as Go's encoding/csv reads it: what `--mount` is written in. No library: those of npm
// take a quote in the middle of a field for text, which the docker client refuses.

import { wrongMount } from './mount-request.ts'

const wrong = (at: number, why: string): Error => wrongMount(`parse error on line 1, column ${at + 1}: ${why}`)

/** Reads a quoted field whose first quote is at `start`. Returns its text, and where the comma or the end is. */
function quoted(line: string, start: number): readonly [field: string, end: number] {
  let field = ''
  for (let at = start + 1; ; ) {
    const quote = line.indexOf('"', at)
    if (quote < 0) throw wrong(line.length, 'extraneous or missing " in quoted-field')
    field += line.slice(at, quote)
    if (line[quote + 1] === '"') {
      field += '"'
      at = quote + 2
      continue
    }
    const end = quote + 1
    if (end < line.length && line[end] !== ',') throw wrong(quote, 'extraneous or missing " in quoted-field')
    return [field, end]
  }
}

/** Errors: DockError. */
export function parseCsvLine(line: string): readonly string[] {
  if (line === '') throw wrongMount('EOF')
  const fields: string[] = []
  for (let at = 0; ; ) {
    if (line[at] === '"') {
      const [field, end] = quoted(line, at)
      fields.push(field)
      if (end >= line.length) return fields
      at = end + 1
      continue
    }
    const comma = line.indexOf(',', at)
    const field = comma < 0 ? line.slice(at) : line.slice(at, comma)
    const bare = field.indexOf('"')
    if (bare >= 0) throw wrong(at + bare, 'bare " in non-quoted field')
    fields.push(field)
    if (comma < 0) return fields
    at = comma + 1
  }
}
