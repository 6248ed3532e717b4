// SPDX-License-Identifier: Apache-2.0
// Sources of ADD that are not in the context: URLs and git repositories.

import { cleanPath } from './go-path.ts'
import { parseGoBool } from './go-values.ts'
import { Problem } from './located-error.ts'

export interface UrlSource {
  readonly kind: 'url'
  readonly url: string
  /** The name that the file gets in a directory. */
  readonly fileName: string
}

export interface GitSource {
  readonly kind: 'git'
  /** What git is to fetch, without what follows `#` and `?`. */
  readonly remote: string
  readonly ref: string | undefined
  /** Inside of the repository; without slashes around. */
  readonly subdir: string | undefined
  readonly checksum: string | undefined
  readonly keepGitDir: boolean | undefined
  readonly submodules: boolean | undefined
  readonly mtime: 'checkout' | 'commit' | undefined
  readonly fetchByCommit: boolean
}

type Query = Omit<GitSource, 'kind' | 'remote'>

/** The one value of each name. */
function queryValues(query: string, source: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (values.has(name)) throw new Problem(`${source}: ${name} is given twice`, { at: name })
    const alone = ['submodules', 'keep-git-dir', 'fetch-by-commit'].includes(name)
    if (value === '' && !alone)
      throw new Problem(`${source}: ${name} has no value`, { at: name, expected: `${name}=VALUE` })
    values.set(name, value)
  }
  return values
}

const QUERY_NAMES: ReadonlySet<string> = new Set(
  'ref tag branch subdir checksum commit keep-git-dir submodules mtime fetch-by-commit'.split(' '),
)

/** One of several ways to say the same. */
function agree(source: string, what: string, values: readonly (string | undefined)[]): string | undefined {
  const given = values.filter((value) => value !== undefined && value !== '')
  const [first] = given
  const other = given.find((value) => value !== first)
  if (other !== undefined) throw new Problem(`${source}: ${what} is ${first} and ${other}`, { at: source })
  return first
}

const withPrefix = (prefix: string, name: string | undefined): string | undefined =>
  name === undefined || name.startsWith(prefix) ? name : prefix + name

function parseQuery(source: string, query: string, fragment: string): Query {
  const values = queryValues(query, source)
  for (const name of values.keys()) {
    if (!QUERY_NAMES.has(name)) throw new Problem(`${source}: unknown option ${name}`, { at: name })
  }
  const boolean = (name: string): boolean | undefined => {
    const value = values.get(name)
    if (value === undefined) return undefined
    const found = value === '' ? true : parseGoBool(value)
    if (found === undefined)
      throw new Problem(`${source}: ${name} is ${value}`, { at: value, expected: 'true or false' })
    return found
  }
  const colon = fragment.indexOf(':')
  const fragmentRef = colon < 0 ? fragment : fragment.slice(0, colon)
  // CVE-2026-33748: no way out of the repository by its name; links are up to who follows them.
  const subdirOf = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : cleanPath(`/${path}`).slice(1)
  const tag = withPrefix('refs/tags/', values.get('tag'))
  const branch = withPrefix('refs/heads/', values.get('branch'))
  const mtime = values.get('mtime')
  if (mtime !== undefined && mtime !== 'checkout' && mtime !== 'commit') {
    throw new Problem(`${source}: mtime is ${mtime}`, { at: mtime, expected: 'checkout or commit' })
  }
  return {
    ref: agree(source, 'the ref', [fragmentRef, values.get('ref'), tag, branch]),
    subdir: agree(source, 'the subdirectory', [
      colon < 0 ? undefined : subdirOf(fragment.slice(colon + 1)),
      subdirOf(values.get('subdir')),
    ]),
    checksum: agree(source, 'the checksum', [values.get('checksum'), values.get('commit')]),
    keepGitDir: boolean('keep-git-dir'),
    submodules: boolean('submodules'),
    mtime,
    fetchByCommit: boolean('fetch-by-commit') === true,
  }
}

/** A git repository: git:// and ssh:// always, http:// and https:// with a path that ends in .git, and user@host:path. */
function parseGit(source: string): GitSource | undefined {
  const hash = source.indexOf('#')
  const fragment = hash < 0 ? '' : source.slice(hash + 1)
  const beforeHash = hash < 0 ? source : source.slice(0, hash)
  const question = beforeHash.indexOf('?')
  const query = question < 0 ? '' : beforeHash.slice(question + 1)
  const remote = question < 0 ? beforeHash : beforeHash.slice(0, question)
  const protocol = /^([a-z0-9]+):\/\//i.exec(remote)?.[1]?.toLowerCase()
  const isGit =
    protocol === undefined
      ? /^[\w-]+@[a-z0-9.-]+:/i.test(remote)
      : protocol === 'git' || protocol === 'ssh' || (/^https?$/.test(protocol) && remote.endsWith('.git'))
  return isGit ? { kind: 'git', remote, ...parseQuery(source, query, fragment) } : undefined
}

/** The last name of a URL's path, as a name that is safe in a directory. */
function fileNameOf(url: string): string {
  let path: string
  try {
    path = decodeURIComponent(new URL(url).pathname)
  } catch {
    return '__unnamed__'
  }
  const name = path.split('/').findLast((part) => part !== '') ?? ''
  // `..%2f` decodes to a way out of the directory.
  return name === '' || name === '.' || name === '..' || /[\\]/.test(name) || name.includes('\0') ? '__unnamed__' : name
}

/** Reads a source that is not in the context. Undefined for a path. Errors: Problem for bad options of a repository. */
export function parseRemoteSource(source: string): UrlSource | GitSource | undefined {
  const git = parseGit(source)
  if (git !== undefined) return git
  return /^https?:\/\//.test(source) ? { kind: 'url', url: source, fileName: fileNameOf(source) } : undefined
}
