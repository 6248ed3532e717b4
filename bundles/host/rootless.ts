// SPDX-License-Identifier: Apache-2.0
// tsdock as an ordinary user: all its commands on one storage share a user namespace, where the user is root, and a mount
// namespace (csrc/rootless). Each command starts itself again in there.

import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { mkdir, realpath } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { DockError } from '../error.ts'
import { findProgram } from './files.ts'
import { INSIDE } from './namespaces.ts'
import { runtimeDirectoryOf } from './places.ts'
import { sharedScope } from './scope.ts'

/** The ranges of a user in the text of /etc/subuid or /etc/subgid: [first, count]. Pure. */
export function subordinateIds(text: string, name: string, id: number): readonly (readonly [number, number])[] {
  return text.split('\n').flatMap((line) => {
    const [owner, first = '', count = ''] = line.trim().split(':')
    const isOwn = owner === name || owner === String(id)
    return isOwn && /^\d+$/.test(first) && /^[1-9]\d*$/.test(count) ? [[Number(first), Number(count)] as const] : []
  })
}

/** `INSIDE:OUTSIDE:COUNT`: the user is 0, and the ranges follow. Pure. */
export function idMaps(own: number, ranges: readonly (readonly [number, number])[]): readonly string[] {
  let next = 1
  return [
    `0:${own}:1`,
    ...ranges.map(([first, count]) => {
      const map = `${next}:${first}:${count}`
      next += count
      return map
    }),
  ]
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** As the machine has it, whatever the environment says: in its own file, or in what it asks for names. */
function userName(uid: number): string {
  const line = textOf('/etc/passwd')
    .split('\n')
    .find((one) => one.split(':')[2] === String(uid))
  const name = line?.split(':')[0] ?? spawnSync('id', ['-un'], { encoding: 'utf8' }).stdout?.trim() ?? ''
  return name === '' ? String(uid) : name
}

function mapArguments(): readonly string[] {
  const uid = process.getuid?.() ?? 0
  const gid = process.getgid?.() ?? 0
  const username = userName(uid)
  const uids = subordinateIds(textOf('/etc/subuid'), username, uid)
  const gids = subordinateIds(textOf('/etc/subgid'), username, uid)
  const both = uids.length > 0 && gids.length > 0
  const warning = `${username} has no subordinate ids in /etc/subuid and /etc/subgid: containers have the user and group 0 alone (try: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username})`
  return [
    ...idMaps(uid, both ? uids : []).map((map) => `--uids=${map}`),
    ...idMaps(gid, both ? gids : []).map((map) => `--gids=${map}`),
    ...(both ? [] : [`--warning=${warning}`]),
  ]
}

/** For the process that holds the namespaces. */
function scopeArguments(runtime: string): readonly string[] {
  const scope = sharedScope(runtime)
  if (scope === undefined) return []
  const properties = scope.properties.map((one) => `--scope-property=${one}`)
  return [`--scope-program=${scope.program}`, `--scope-unit=${scope.unit}`, ...properties]
}

/** Errors: DockError, for a directory that somebody else has made. */
async function makePrivate(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { uid, mode } = statSync(directory)
  if (uid === process.getuid?.() && (mode & 0o077) === 0) return
  throw new DockError(`${directory}: it has to be a directory of this user alone (mode 700)`, { exitCode: 125 })
}

/** Users' PATH may lack where iptables is. */
function withSystemPrograms(path = '/usr/local/bin:/usr/bin:/bin'): string {
  const there = path.split(delimiter)
  return [...there, ...['/usr/sbin', '/sbin'].filter((one) => !there.includes(one))].join(delimiter)
}

/**
 * Starts this program again in the user's namespaces, unless it runs as root, or in there already: then it returns.
 * Errors: DockError.
 */
export async function enterNamespaces(storage: string, argv: readonly string[]): Promise<void> {
  if (process.getuid?.() === 0) return
  await mkdir(storage, { recursive: true, mode: 0o700 }).catch((e: NodeJS.ErrnoException) => {
    throw new DockError(`${storage}: ${e.code}: the storage cannot be made there (try: --storage DIR, or TSDOCK_ROOT)`)
  })
  const directory = await realpath(storage)
  const runtime = runtimeDirectoryOf(directory)
  await makePrivate(join(runtime, '..'))
  await makePrivate(runtime)
  const program = findProgram('tsdock-rootless')
  const own = findProgram('tsdock')
  const env = {
    ...process.env,
    PATH: withSystemPrograms(process.env['PATH']),
    TSDOCK_ROOT: directory,
    [INSIDE]: runtime,
    // For those who ask the user's own systemd.
    ...(runtime.startsWith('/run/user/') ? { XDG_RUNTIME_DIR: join(runtime, '../..') } : {}),
  }
  const args = [program, 'enter', ...mapArguments(), ...scopeArguments(runtime), runtime, own, ...argv]
  if (process.execve === undefined) throw new DockError('this build of Bun has no execve')
  process.execve(program, args, env)
}
