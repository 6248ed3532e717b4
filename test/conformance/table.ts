// SPDX-License-Identifier: Apache-2.0
// docs/spec-conformance.md, from the schema, what the compiler does with each field, and what the host tests exercise.

import { join } from 'node:path'
import { sectionOf } from '../../spec/section.ts'
import type { Exercised } from '../helpers/coverage.ts'
import { projectDir } from '../helpers/work-dir.ts'
import { type Effects, stepsOf } from './effects.ts'
import { type Field, isLeaf, readFields } from './fields.ts'
import { fileOf, toFieldName, toPointer } from './merge.ts'
import { MOUNT_OPTIONS } from './mount-options.ts'
import { type Peers, peersOf, peersOfOption, startsWithField } from './peers.ts'
import { IGNORED_ON_V2, ONLY_V1 } from './samples.ts'
import { NAMES_NOT_EXERCISED, NOT_EXERCISED, OTHER_PLATFORMS, REFUSED, SECTIONS } from './sections.ts'

export const DOCUMENT: string = join(projectDir, 'docs/spec-conformance.md')

/** The fields of config.json that are for Linux. */
export function linuxFields(): readonly Field[] {
  return readFields(join(projectDir, 'spec/schema'), 'config.schema.json').filter(
    ({ path }) => !OTHER_PLATFORMS.includes(/^\w+/.exec(path)?.[0] ?? ''),
  )
}

function stepsCell(path: string, effects: Effects | undefined): string {
  const names = stepsOf(effects)
  if (names.length === 0) return REFUSED[path] ?? '**ignored**'
  const steps = names.filter((name) => name !== 'warning').map((name) => `\`${name}\``)
  const only = [...ONLY_V1, IGNORED_ON_V2].some((pointer) => startsWithField(path, toFieldName(pointer)))
    ? ', cgroup v1'
    : ''
  return steps.length === 0 ? 'a warning' : `${steps.join(' ')}${only}`
}

function testsCell(name: string, exercised: Exercised): string {
  const why = NOT_EXERCISED[name] ?? NAMES_NOT_EXERCISED[name]
  if (why !== undefined && exercised[name] === undefined) return why
  const files = [...new Set((exercised[name] ?? []).map(fileOf))]
  return files.map((file) => `[${file}](../test/host/${file}.test.ts)`).join(', ')
}

function peersCells({ runc, crun, youki }: Peers): readonly string[] {
  return [runc, crun, youki]
}

/** Where the names of a field differ from the field itself: those that no test exercises. */
function nameRows(field: Field, exercised: Exercised): readonly (readonly string[])[] {
  return field.names
    .map((name) => `${field.path}=${name}`)
    .filter((name) => NAMES_NOT_EXERCISED[name] !== undefined)
    .map((name) => [`\`${name}\``, '', testsCell(name, exercised), '', '', ''])
}

function fieldRows(field: Field, effects: Effects | undefined, exercised: Exercised): readonly (readonly string[])[] {
  const row = [
    `\`${field.path}\``,
    stepsCell(field.path, effects),
    testsCell(field.path, exercised),
    ...peersCells(peersOf(field.path)),
  ]
  return [row, ...nameRows(field, exercised)]
}

/** Columns are as wide as what is in them: so does the formatter of the project lay tables out. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((cells) => cells[column]?.length ?? 0)))
  const lines = [head, widths.map((width) => '-'.repeat(width)), ...rows]
  return lines.map((cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
}

function optionRows(exercised: Exercised): readonly string[] {
  const rows = Object.entries(MOUNT_OPTIONS).flatMap(([level, options]) =>
    options.map((option) => [
      `\`${option}\``,
      level,
      testsCell(`mounts[].options[]=${option}`, exercised),
      ...peersCells(peersOfOption(option)),
    ]),
  )
  return table(['option', 'level', 'tests', 'runc', 'crun', 'youki'], rows)
}

const introduction = `# Conformance with the runtime specification 1.3

Written by \`npm run conformance\`; a test fails when it is out of date. Every field of \`config.json\` that is for Linux:

- **steps**: which ops of a plan change with the field, found by changing it and compiling (\`test/conformance/effects.ts\`);
  \`spawn\` is the clone itself, \`state\` what \`state\` tells, \`update\` a limit that \`update\` changes. A field without any would
  be one that is ignored: the test fails.
- **tests**: test files of real containers that start one with the field (\`test/conformance/exercised.json\` has the titles,
  and each of those tests is held to it when it runs), or why there is none.
- runc 1.5.1, crun 1.29.1 and youki 0.7.0, from their sources: _v1_ is on cgroup v1 alone, as there is no such setting on v2.

The sections \`freebsd\`, \`solaris\`, \`vm\`, \`windows\` and \`zos\` are read and checked against the schema; a config that has one is
refused with a sentence that names it.
`

/** The whole document. */
export function makeDocument(exercised: Exercised, effects: ReadonlyMap<string, Effects>): string {
  const fields = linuxFields()
  const leaves = fields.filter(isLeaf)
  const lines = [introduction]
  for (const section of Object.keys(SECTIONS)) {
    const rows = leaves
      .filter(({ path }) => sectionOf(toPointer(path)) === section)
      .flatMap((field) => fieldRows(field, effects.get(field.path), exercised))
    if (rows.length > 0)
      lines.push(`## ${section}`, '', ...table(['field', 'steps', 'tests', 'runc', 'crun', 'youki'], rows), '')
    if (section === 'config.md#mounts') lines.push('## config.md#linux-mount-options', '', ...optionRows(exercised), '')
  }
  return lines.join('\n')
}
