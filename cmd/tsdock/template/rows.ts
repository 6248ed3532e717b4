// SPDX-License-Identifier: Apache-2.0
// `--format` of lists: table, json, or a template for each row.

import { formatTable } from '../table.ts'
import { compileHeadings, compileTemplate } from './template.ts'

export interface Rows {
  /** Name of a column -> its heading, for all columns that there are. */
  readonly headings: Readonly<Record<string, string>>
  /** Those that are shown unless a format asks for others. */
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, string>>[]
}

/** People write these with a backslash, since shells pass it on. */
const unescaped = (format: string): string => format.replaceAll('\\t', '\t').replaceAll('\\n', '\n')

/** Errors: DockError, for a wrong template. */
export function formatRows(format: string | undefined, { headings, columns, rows }: Rows): string {
  if (format === undefined || format === '' || format === 'table') {
    const head = columns.map((column) => headings[column] ?? column)
    return formatTable([head, ...rows.map((row) => columns.map((column) => row[column] ?? ''))])
  }
  if (format === 'json') return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const table = /^table\s+(.*)$/s.exec(format)
  const template = unescaped(table?.[1] ?? format)
  const print = compileTemplate(template)
  if (table === null) return rows.map((row) => `${print(row)}\n`).join('')
  const lines = [compileHeadings(template)(headings), ...rows.map(print)]
  return formatTable(lines.map((line) => line.split('\t')))
}

export function printRows(format: string | undefined, rows: Rows): void {
  process.stdout.write(formatRows(format, rows))
}
