// SPDX-License-Identifier: Apache-2.0
// What ADD fetches: files by URL, and git repositories.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, open, readdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { GitSource, UrlSource } from '../dockerfile/remote-source.ts'
import { DockError, messageOf } from '../error.ts'

/** Downloads a file: mode 600, as old as the server says. Errors: DockError. */
export async function fetchUrl(source: UrlSource, path: string, checksum: string | undefined): Promise<string> {
  const response = await fetch(source.url, { redirect: 'follow' }).catch((e: unknown) => {
    throw new DockError(`${source.url}: ${messageOf(e)}`)
  })
  if (!response.ok || response.body === null)
    throw new DockError(`${source.url}: ${response.status} ${response.statusText}`)
  const hash = createHash('sha256')
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      hash.update(chunk)
      await file.write(chunk)
    }
  } finally {
    await file.close()
  }
  const digest = `sha256:${hash.digest('hex')}`
  if (checksum !== undefined && checksum !== digest) {
    await rm(path, { force: true })
    throw new DockError(`${source.url}: its checksum is ${digest} where ${checksum} was expected`)
  }
  const modified = Date.parse(response.headers.get('last-modified') ?? '')
  const time = new Date(Number.isFinite(modified) ? modified : 0)
  await utimes(path, time, time)
  return digest
}

/** What git may do: no prompt, no program of the repository's, no protocol that runs one. */
const gitSettings = [
  '-c',
  'protocol.ext.allow=never',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'advice.detachedHead=false',
]

async function git(args: readonly string[], cwd: string): Promise<string> {
  const child = spawn('git', [...gitSettings, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' },
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (e: NodeJS.ErrnoException) => {
      reject(new DockError(e.code === 'ENOENT' ? 'git is missing: install the package git' : `git: ${e.message}`))
    })
  })
  const [code] = (await Promise.race([once(child, 'close'), failed])) as [number | null]
  if (code !== 0) throw new DockError(`git ${args[0]}: ${err.trim().split('\n').at(-1) ?? `status ${code}`}`)
  return out.trim()
}

/** Names, refs and addresses are arguments of git, and must not look like its options. */
function checkWord(word: string, what: string): string {
  if (word.startsWith('-')) throw new DockError(`git: ${what} "${word}" begins with a dash`)
  return word
}

/** Leaves what a ref means in FETCH_HEAD. Errors: DockError. */
async function fetchRef(directory: string, ref: string): Promise<void> {
  const plain = ['fetch', '--quiet']
  // A server of plain files gives away nothing shallow, and others no commit by its name or its first digits.
  for (const depth of [['--depth=1'], []]) {
    const failed = await git([...plain, ...depth, 'origin', ref], directory).then(
      () => false,
      () => true,
    )
    if (!failed) return
  }
  await git([...plain, '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*'], directory)
  const commit = await git(['rev-parse', '--verify', `${ref}^{commit}`], directory).catch(() => {
    throw new DockError(`git: the repository has no branch, tag or commit ${JSON.stringify(ref)}`)
  })
  await git(['update-ref', 'FETCH_HEAD', commit], directory)
}

/** Fetches one commit into an empty directory. Returns the commit's id. Errors: DockError. */
export async function fetchGit(source: GitSource, directory: string, keepGitDir: boolean): Promise<string> {
  await mkdir(directory, { recursive: true })
  await git(['init', '--quiet'], directory)
  await git(['remote', 'add', 'origin', checkWord(source.remote, 'the address')], directory)
  const ref = checkWord(source.ref ?? 'HEAD', 'the ref')
  await fetchRef(directory, ref)
  const commit = await git(['rev-parse', '--verify', 'FETCH_HEAD^{commit}'], directory)
  if (source.checksum !== undefined && !commit.startsWith(source.checksum)) {
    throw new DockError(`${source.remote}: the commit is ${commit} where ${source.checksum} was expected`)
  }
  await git(['checkout', '--quiet', '--force', commit], directory)
  if (source.submodules !== false)
    await git(['submodule', 'update', '--quiet', '--init', '--recursive', '--depth=1'], directory)
  if (!keepGitDir) {
    await rm(join(directory, '.git'), { recursive: true, force: true })
    if (source.submodules !== false) await removeNested(directory)
  }
  return commit
}

/** Submodules have a `.git` of their own, a file. */
async function removeNested(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (entry.name === '.git') await rm(join(entry.parentPath, '.git'), { recursive: true, force: true })
  }
}
