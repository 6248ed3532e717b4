// SPDX-License-Identifier: Apache-2.0
import { type ModeChange, parseModeChange } from '../file-mode.ts'
import { parseFlags } from '../flags.ts'
import { Problem } from '../located-error.ts'
import { type GitSource, parseRemoteSource, type UrlSource } from '../remote-source.ts'
import type { Statement } from '../statement.ts'
import { type Expander, type Placed, placeOf } from './arguments.ts'
import { expandFlag } from './copy.ts'
import {
  checkExcludes,
  checkGlobs,
  expandSources,
  type InlineSource,
  type PathSource,
  parseSources,
} from './copy-sources.ts'

/** ADD [flags] source ... destination */
export interface AddInstruction extends Placed {
  readonly kind: 'add'
  readonly sources: readonly (PathSource | InlineSource)[]
  readonly destination: string
  readonly chown: string | undefined
  readonly chmod: string | undefined
  readonly link: boolean
  readonly exclude: readonly string[]
  /** Of a URL `sha256:...`, of a repository the beginning of a commit. */
  readonly checksum: string | undefined
  readonly keepGitDir: boolean | undefined
  /** Whether archives are unpacked; undefined for the usual: local ones are, others are not. */
  readonly unpack: boolean | undefined
}

export interface ExpandedAdd extends Omit<AddInstruction, 'sources'> {
  readonly sources: readonly (PathSource | InlineSource | UrlSource | GitSource)[]
  readonly mode: ModeChange | undefined
}

const FLAGS = {
  'chown': 'string',
  'chmod': 'string',
  'link': 'boolean',
  'keep-git-dir': 'boolean',
  'checksum': 'string',
  'unpack': 'boolean',
  'exclude': 'list',
} as const

export function parseAdd(statement: Statement): AddInstruction {
  const { sources, destination } = parseSources(statement)
  const flags = parseFlags(statement.flags, FLAGS)
  return {
    kind: 'add',
    ...placeOf(statement),
    sources,
    destination,
    chown: flags.chown,
    chmod: flags.chmod,
    link: flags.link === true,
    exclude: checkExcludes(flags.exclude),
    checksum: flags.checksum,
    keepGitDir: flags['keep-git-dir'],
    unpack: flags.unpack,
  }
}

function checkChecksum(checksum: string, sources: ExpandedAdd['sources']): void {
  const [source] = sources
  const fail = (reason: string, expected?: string): never => {
    throw new Problem(`--checksum: ${reason}`, { at: checksum, expected })
  }
  if (sources.length !== 1) fail('there are several sources', 'one')
  if (source?.kind === 'url' && !/^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/.test(checksum)) {
    fail(`${checksum} is no digest`, 'sha256: and 64 hexadecimal digits')
  }
  if (source?.kind === 'git' && !/^[0-9a-f]{7,64}$/i.test(checksum)) {
    fail(`${checksum} is no commit`, '7 to 64 hexadecimal digits')
  }
  if (source?.kind !== 'url' && source?.kind !== 'git') fail('the source is in the context', 'a URL or a repository')
}

/** What the flags and the options of a repository say, which must not contradict each other. */
function withFlags(source: GitSource, checksum: string | undefined, keepGitDir: boolean | undefined): GitSource {
  if (checksum !== undefined && source.checksum !== undefined && checksum !== source.checksum) {
    throw new Problem(`--checksum is ${checksum}, and that of ${source.remote} is ${source.checksum}`, { at: checksum })
  }
  if (keepGitDir !== undefined && source.keepGitDir !== undefined && keepGitDir !== source.keepGitDir) {
    throw new Problem(`--keep-git-dir contradicts the option of ${source.remote}`, { at: 'keep-git-dir' })
  }
  return { ...source, checksum: checksum ?? source.checksum, keepGitDir: keepGitDir ?? source.keepGitDir }
}

export function expandAdd(instruction: AddInstruction, expander: Expander): ExpandedAdd {
  const expanded = expandSources(instruction, expander)
  const checksum = expandFlag(instruction.checksum, expander)
  const remote = expanded.sources.map((source) =>
    source.kind === 'path' ? (parseRemoteSource(source.path) ?? source) : source,
  )
  if (checksum !== undefined) checkChecksum(checksum, remote)
  const sources = remote.map((source) =>
    source.kind === 'git' ? withFlags(source, checksum, instruction.keepGitDir) : source,
  )
  checkGlobs(sources.filter((source) => source.kind === 'path'))
  const chmod = expandFlag(instruction.chmod, expander)
  return {
    ...instruction,
    sources,
    destination: expanded.destination,
    checksum,
    chown: expandFlag(instruction.chown, expander),
    chmod,
    mode: chmod === undefined ? undefined : parseModeChange(chmod),
  }
}
