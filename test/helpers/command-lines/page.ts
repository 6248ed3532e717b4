// SPDX-License-Identifier: Apache-2.0
import type { Answer } from './answer.ts'
import { type Case, nameOf } from './case.ts'
import { type Difference, differenceOf, differences, wording } from './differences.ts'
import type { Recording } from './recording.ts'

const longest = 400

/** Text as it may stand in a cell of a table. */
function code(text: string): string {
  if (text === '') return ''
  const short = text.length > longest ? `${text.slice(0, longest)}...` : text
  return `\`${short.replaceAll('|', '\\|').replaceAll('`', "'")}\``
}

/** The message of an answer alone. */
function messageOf({ stderr = [], files = {} }: Answer): string {
  const line = [...stderr, ...Object.values(files).flatMap((lines) => lines ?? [])].find((text) => text !== '') ?? ''
  const quoted = /msg="((?:[^"\\]|\\.)*)"|"msg":"((?:[^"\\]|\\.)*)"|msg=(\S+)/.exec(line)
  return (quoted?.[1] ?? quoted?.[2] ?? quoted?.[3] ?? line).replaceAll('\\"', '"').replaceAll('\\n', ' ').trimEnd()
}

/** What is worth to be shown of an answer that differs from `other`. */
function partsOf(answer: Answer, other: Answer): string {
  const parts: string[] = []
  const message = messageOf(answer)
  if (answer.status !== other.status) parts.push(`status ${answer.status}`)
  if (JSON.stringify(answer.stdout) !== JSON.stringify(other.stdout)) {
    const lines = (answer.stdout ?? []).filter((line) => !other.stdout?.includes(line)).map((line) => line.trim())
    if (lines.length > 0) parts.push(code(lines.join(' ')))
  }
  for (const [name, lines] of Object.entries(answer.files ?? {})) {
    const own = lines?.filter((line) => !line.includes('level') && !other.files?.[name]?.includes(line)) ?? []
    if (own.length > 0) parts.push(`${code(name)}: ${code(own.map((line) => line.trim()).join(' '))}`)
  }
  if (message !== messageOf(other)) parts.push(code(message))
  if (answer.after !== other.after && answer.after !== undefined) parts.push(`the container is ${answer.after}`)
  return parts.filter((part) => part !== '').join(', ')
}

interface Row {
  readonly difference: Difference
  readonly line: string
  readonly runc: string
  readonly tsrun: string
}

function table(rows: readonly Row[]): readonly string[] {
  const seen = new Set<string>()
  const lines = rows
    .filter(({ runc, tsrun }) => !seen.has(`${runc}\0${tsrun}`) && seen.add(`${runc}\0${tsrun}`))
    .map(({ line, runc, tsrun }) => `| ${code(line)} | ${runc} | ${tsrun} |`)
  return ['| command line | runc | tsrun |', '| --- | --- | --- |', ...lines]
}

/** docs/differences-from-runc.md */
export function differencesPage(cases: readonly Case[], runc: Recording, tsrun: Recording): string {
  const rows = cases.flatMap((testCase): readonly Row[] => {
    const name = nameOf(testCase)
    const [theirs, ours] = [runc.answers[name], tsrun.answers[name]]
    if (theirs === undefined || ours === undefined) return []
    return [
      { difference: differenceOf(testCase), line: name, runc: partsOf(theirs, ours), tsrun: partsOf(ours, theirs) },
    ]
  })
  const section = (difference: Difference): readonly string[] => {
    const own = rows.filter((row) => row.difference === difference)
    return own.length === 0 ? [] : [`## ${difference.title}`, '', difference.reason, '', ...table(own), '']
  }
  const same = cases.length - rows.length
  return [
    '# In what the command line differs from that of runc',
    '',
    'Written by a test, which gives both the same command lines: see [CONTRIBUTING.md](../CONTRIBUTING.md). Of',
    `${cases.length} lines, ${same} have the same answer as ${runc.runtime.replace(/\+.*/, '')} in every byte: exit status, both outputs, log, files and what`,
    'became of the container. Help has words of its own everywhere and is not compared, only when and where it is printed. All',
    'other differences are deliberate and are listed here. Lines with the same answers as one above them are left out.',
    '',
    ...differences.flatMap(section),
    ...section(wording),
  ].join('\n')
}
