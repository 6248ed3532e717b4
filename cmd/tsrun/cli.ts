// SPDX-License-Identifier: Apache-2.0
import { type Flag, findVerb, globalFlags, type Verb, verbs } from '../flags.ts'
import { openLog, type ReportOptions, reportError } from '../report.ts'
import { type CommandLine, checkPositionals, parseGoFlags, UsageError } from './go-flags.ts'

/** What a verb gets. */
export interface Invocation {
  readonly positionals: readonly string[]
  /** Values of flags that were given, global ones too. */
  readonly text: (name: string) => string | undefined
  readonly isSet: (name: string) => boolean
  readonly warn: (message: string) => void
}

type Handler = (invocation: Invocation) => number | Promise<number>

/** Loaded when needed: a verb must not pay for the others. */
const handlers: Readonly<Record<string, () => Promise<Handler>>> = {
  list: async () => (await import('./list.ts')).runList,
  ps: async () => (await import('./ps.ts')).runPs,
  update: async () => (await import('./update.ts')).runUpdate,
  events: async () => (await import('./events.ts')).runEvents,
  spec: async () => (await import('./spec.ts')).runSpec,
  features: async () => (await import('./features.ts')).runFeatures,
  check: async () => (await import('./check.ts')).runCheck,
  explain: async () => (await import('./explain.ts')).runExplain,
}

const yargsTypes = { bool: 'boolean', string: 'string', list: 'array', int: 'number', ints: 'array' } as const

function yargsOptions(flags: readonly Flag[]): Readonly<Record<string, { type: (typeof yargsTypes)[Flag['type']] }>> {
  return Object.fromEntries(flags.map((flag) => [flag.name, { type: yargsTypes[flag.type] }]))
}

/**
 * Runs a verb through yargs. The words come from parseGoFlags, so that yargs has nothing to guess: numbers stay text,
 * `--no-pivot` is a name, a dot is a dot, and what stands behind the `--` is left alone.
 */
async function dispatch(line: CommandLine, verb: Verb, options: ReportOptions): Promise<number> {
  const { default: yargs } = await import('yargs')
  let status = 1
  const parser = yargs([...line.flags, verb.name, '--', ...line.positionals])
    .scriptName('tsrun')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'short-option-groups': false,
    })
    .help(false)
    .version(false)
    .exitProcess(false)
    .strictOptions()
    .options(yargsOptions(globalFlags))
    .fail((message, error) => {
      throw error ?? new UsageError(message, verb)
    })
  parser.command({
    command: verb.name,
    describe: verb.summary,
    builder: yargsOptions(verb.flags),
    handler: async (values) => {
      const load = handlers[verb.name]
      if (load === undefined) {
        throw new Error(`"${verb.name}" is a verb of the program tsrun: tsrun-plan does not run it`)
      }
      const { reportWarning } = await import('../report.ts')
      const handle = await load()
      status = await handle({
        positionals: line.positionals,
        text: (name) => (values[name] === undefined ? undefined : String(values[name])),
        isSet: (name) => values[name] === true,
        warn: (message) => reportWarning(message, options),
      })
    },
  })
  await parser.parseAsync()
  return status
}

/** --log and --log-format have to be known even when the rest of the line is wrong. */
function reportOptions(flags: readonly string[]): ReportOptions {
  const last = (name: string): string | undefined =>
    flags.findLast((flag) => flag.startsWith(`--${name}=`))?.slice(name.length + 3)
  return { log: last('log'), logFormat: last('log-format') }
}

async function printHelp(name: string | undefined, options: ReportOptions): Promise<number> {
  const { programHelp, verbHelp } = await import('./help.ts')
  const verb = name === undefined ? undefined : findVerb(name)
  if (name !== undefined && verb === undefined) {
    const known = verbs.flatMap((verb) => (verb.hidden ? [] : [verb.name])).join(' ')
    reportError(`No help topic for '${name}'; there are: ${known} help`, options)
    return 3
  }
  process.stdout.write(verb === undefined ? programHelp() : verbHelp(verb))
  return 0
}

async function printUsageError(error: UsageError, options: ReportOptions): Promise<number> {
  const { programHelp, verbHelp } = await import('./help.ts')
  const counted = error.message.startsWith('tsrun: ')
  const separator = error.verb === undefined ? '.' : ':'
  const head = counted ? 'Incorrect Usage.' : `Incorrect Usage${separator} ${error.message}`
  process.stdout.write(`${head}\n\n${error.verb === undefined ? programHelp() : verbHelp(error.verb)}\n`)
  reportError(error.message, options)
  return 1
}

async function run(line: CommandLine, options: ReportOptions): Promise<number> {
  if (line.version) {
    process.stdout.write((await import('./version.ts')).versionText())
    return 0
  }
  if (line.verb !== undefined && line.help) {
    return printHelp(line.verb.name, options)
  }
  if (line.help || line.verbName === undefined || line.verbName === 'help' || line.verbName === 'h') {
    return printHelp(line.help ? undefined : line.positionals[0], options)
  }
  if (line.verb === undefined) {
    return printHelp(line.verbName, options)
  }
  if (options.logFormat && !['text', 'json'].includes(options.logFormat)) {
    throw new Error(`invalid log-format: ${options.logFormat}`)
  }
  const fault = openLog(options)
  if (fault !== undefined) {
    reportError(fault, { logFormat: options.logFormat })
    return 1
  }
  checkPositionals(line.verb, line.positionals)
  return dispatch(line, line.verb, options)
}

/** The command line for verbs that TypeScript runs. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let options: ReportOptions | undefined
  try {
    // The front has started it (csrc/front/planner.h).
    if (argv[0] === 'plan-criu') return await (await import('./plan-criu.ts')).answerCriu()
    const line = parseGoFlags(argv)
    options = reportOptions(line.flags)
    return await run(line, options)
  } catch (e: unknown) {
    if (e instanceof UsageError) {
      return printUsageError(e, options ?? reportOptions(e.globals))
    }
    reportError(e instanceof Error ? e.message : String(e), options ?? {})
    const exitCode = e instanceof Error && 'exitCode' in e ? e.exitCode : 1
    return typeof exitCode === 'number' ? exitCode : 1
  }
}
