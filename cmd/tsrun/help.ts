// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path'
import { type Flag, globalFlags, type Verb, verbs } from '../flags.ts'
import { versionText } from './version.ts'

function flagTitle(flag: Flag): string {
  const value = flag.type === 'bool' ? '' : ' value'
  const short = flag.short === undefined ? '' : `, -${flag.short}${value}`
  return `--${flag.name}${value}${short}`
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `   ${left.padEnd(width)}${right}\n`).join('')
}

function flagRows(flags: readonly Flag[]): readonly (readonly [string, string])[] {
  return flags
    .filter((flag) => flag.hidden !== true)
    .map((flag) => {
      const byDefault = flag.default === undefined ? '' : ` (default: ${flag.default})`
      return [flagTitle(flag), `${flag.help}${byDefault}`] as const
    })
}

/** The name that the program was called by: it may be installed as the runtime that its callers know. */
function calledName(): string {
  const name = basename(process.argv0)
  return name === '' || name === 'tsrun-plan' || name.startsWith('bun') || name.startsWith('node') ? 'tsrun' : name
}

/** The help of one verb. */
export function verbHelp(verb: Verb): string {
  const name = calledName()
  const usage = [name, verb.name, '[options]', verb.usage].filter((word) => word !== '').join(' ')
  const options = columns([...flagRows(verb.flags), ['--help, -h', 'show this help']])
  const description = verb.description.map((text) => `   ${text}\n`).join('')
  return `NAME:
   ${name} ${verb.name} - ${verb.summary}

USAGE:
   ${usage}

DESCRIPTION:
${description}
OPTIONS:
${options}`
}

/** The help of the program. */
export function programHelp(): string {
  const name = calledName()
  const commands = columns([
    ...verbs.filter(({ hidden }) => hidden !== true).map((verb) => [verb.name, verb.summary] as const),
    ['help', 'show this, or the help of a command'],
  ])
  const options = columns([
    ...flagRows(globalFlags),
    ['--help, -h', 'show this help'],
    ['--version, -v', 'print the version'],
  ])
  return `NAME:
   ${name} - Open Container Initiative runtime

USAGE:
   ${name} [global options] command [options] [arguments...]

VERSION:
   ${versionText().trimEnd().replaceAll('\n', '\n   ').replace('tsrun version ', '')}

COMMANDS:
${commands}
GLOBAL OPTIONS:
${options}`
}
