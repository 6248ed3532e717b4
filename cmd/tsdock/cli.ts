// SPDX-License-Identifier: Apache-2.0
import { formatDockerfileError } from '../../bundles/dockerfile/located-error.ts'
import { DockerfileError } from '../../bundles/dockerfile/located-error.ts'
import { enterNamespaces } from '../../bundles/host/rootless.ts'
import { storageDirectory } from '../../bundles/host/places.ts'
import { type Command, CommandUsageError, commandHelp, parseCommand } from './command.ts'
import { commandGroups, commands } from './commands.ts'

interface Chosen {
  readonly command: Command
  readonly rest: readonly string[]
}

const namesOf = (command: Command): readonly string[] => [command.name, ...(command.aliases ?? [])]

/** The longest name that the words begin with. */
function choose(words: readonly string[]): Chosen | undefined {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(' ')
    const command = commands.find((one) => namesOf(one).includes(name))
    if (command !== undefined) return { command, rest: words.slice(count) }
  }
  return undefined
}

/** What `tsdock volume` shows; undefined: no command has two words of which this is the first. */
function groupHelp(word: string): string | undefined {
  const members = commands.flatMap((command) =>
    namesOf(command)
      .filter((name) => name.startsWith(`${word} `))
      .map((name) => ({ name, summary: command.summary })),
  )
  if (members.length === 0) return undefined
  const width = Math.max(...members.map(({ name }) => name.length)) + 2
  return [
    `usage: tsdock ${word} COMMAND`,
    '',
    ...members.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    '',
    `tsdock ${word} COMMAND --help tells more.`,
    '',
  ].join('\n')
}

/** For words that are no command. Errors: they are not the name of a group either. */
function helpInsteadOf([word = '', second]: readonly string[]): string {
  const help = groupHelp(word)
  if (help !== undefined && (second === undefined || second === '--help' || second === '-h')) return help
  const [what, where] = help === undefined ? [word, 'help'] : [`${word} ${second}`, word]
  throw new CommandUsageError(`"${what}" is no command of tsdock (see: tsdock ${where})`, undefined)
}

function programHelp(): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2
  return [
    'usage: tsdock COMMAND [OPTIONS] ...',
    '',
    'Images and containers, without a daemon.',
    '',
    ...commandGroups.flatMap((group) => [
      `${group.title}:`,
      ...group.commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
      '',
    ]),
    'tsdock COMMAND --help tells more.',
    '',
  ].join('\n')
}

const version = (): string => `tsdock version ${process.env['TSRUN_VERSION']}, build ${process.env['TSRUN_COMMIT']}\n`

async function run(argv: readonly string[]): Promise<number> {
  // Options before the command are those of all commands.
  const first = argv.findIndex((word, i) => !word.startsWith('-') && argv[i - 1] !== '--storage')
  const before = first < 0 ? argv : argv.slice(0, first)
  const words = first < 0 ? [] : argv.slice(first)
  if (before.includes('--version') || before.includes('-v')) {
    process.stdout.write(version())
    return 0
  }
  // For monitors of containers, and for shells.
  if (words[0] === '__cleanup') return (await import('./containers/cleanup.ts')).cleanUp(words[1] ?? '', words[2] ?? '')
  if (words[0] === '__complete') {
    const found = await (await import('./completion.ts')).complete(commands, words.slice(1))
    process.stdout.write(found.map((one) => `${one}\n`).join(''))
    return 0
  }
  if (words.length === 0 || (words[0] === 'help' && words.length === 1)) {
    process.stdout.write(programHelp())
    return 0
  }
  const asked = words[0] === 'help' ? [...words.slice(1), '--help'] : words
  const chosen = choose(asked)
  if (chosen === undefined) {
    process.stdout.write(helpInsteadOf(asked))
    return 0
  }
  const invocation = parseCommand(chosen.command, [...before, ...chosen.rest])
  if (invocation.help) {
    process.stdout.write(commandHelp(chosen.command))
    return 0
  }
  // Before anything else is loaded: a user's commands run in namespaces of the user's.
  if (chosen.command.anywhere !== true) await enterNamespaces(storageDirectory(invocation.storage), argv)
  return (await chosen.command.load())(invocation)
}

/** Returns the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on('error', (e: NodeJS.ErrnoException) => {
    // Whoever read has gone: that is no failure of ours.
    process.exit(e.code === 'EPIPE' ? 0 : 1)
  })
  try {
    return await run(argv)
  } catch (e: unknown) {
    if (e instanceof CommandUsageError) {
      const hint = e.command === undefined ? '' : `\nusage: tsdock ${e.command.name} ${e.command.usage}`
      process.stderr.write(`tsdock: ${e.message}${hint}\n`)
      return 125
    }
    const text = e instanceof DockerfileError ? formatDockerfileError(e) : e instanceof Error ? e.message : String(e)
    process.stderr.write(`tsdock: ${text}\n`)
    const exitCode = e instanceof Error && 'exitCode' in e ? e.exitCode : 1
    return typeof exitCode === 'number' ? exitCode : 1
  }
}
