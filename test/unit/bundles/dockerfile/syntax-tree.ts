// SPDX-License-Identifier: Apache-2.0
import { type Arguments, parseStatements, type Statement } from '../../../../bundles/dockerfile/statement.ts'

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\0': '\\x00',
}

/** A text in quotes, as Go's strconv.Quote writes it. */
function quote(text: string): string {
  return `"${[...text].map((char) => ESCAPES[char] ?? char).join('')}"`
}

function printArguments(given: Arguments): readonly string[] {
  switch (given.kind) {
    case 'none':
      return []
    case 'text':
      return [quote(given.text)]
    case 'words':
    case 'exec':
      return given.words.map(quote)
    case 'pairs':
      return given.pairs.flatMap(({ key, value, legacy }) => [quote(key), quote(value), quote(legacy ? '' : '=')])
    case 'typed':
      return [quote(given.type), ...printArguments(given.command)]
    case 'statement':
      return [printStatement(given.statement)]
  }
}

function printStatement({ keyword, flags, arguments: given }: Statement): string {
  const shownFlags = flags.length === 0 ? [] : [`[${flags.map(quote).join(' ')}]`]
  return `(${[keyword.toLowerCase(), ...shownFlags, ...printArguments(given)].join(' ')})`
}

/** The syntax of a Dockerfile in the form that the parser of BuildKit prints: one line for each instruction. */
export function printSyntaxTree(text: string): string {
  return parseStatements(text, 'Dockerfile').statements.map(printStatement).join('\n')
}
