// SPDX-License-Identifier: Apache-2.0
// Who USER and --user mean, by the files of the image. They are untrusted: regular files of limited size, read through descriptors.

import type { User } from '../../spec/runtime/user.ts'
import { DockError, messageOf } from '../error.ts'

/** (uid_t)-1 means "leave it" to the kernel. */
const MAX_ID = 0xfffffffe

/** Reads a file of the image; undefined: there is none. */
export type ReadFile = (path: string) => Promise<string | undefined>

interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** What looks like a number is one: it is never looked up as a name. Errors: out of range. */
function parseId(text: string, what: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined
  const id = Number(text)
  if (!(id >= 0 && id <= MAX_ID)) throw new DockError(`${what} "${text}": an id is a number from 0 to ${MAX_ID}`)
  return id
}

function accounts(passwd: string): readonly Account[] {
  return passwd.split('\n').flatMap((line) => {
    const [name = '', , uid = '', gid = '', , home = ''] = line.split(':')
    return /^[0-9]{1,10}$/.test(uid) && /^[0-9]{1,10}$/.test(gid)
      ? [{ name, uid: Number(uid), gid: Number(gid), home }]
      : []
  })
}

interface Group {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

function groups(text: string): readonly Group[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , gid = '', members = ''] = line.split(':')
    return /^[0-9]{1,10}$/.test(gid) ? [{ name, gid: Number(gid), members: members.split(',') }] : []
  })
}

export interface ResolvedUser {
  readonly user: User
  readonly home: string
}

/**
 * `""`, `uid`, `name`, `uid:gid`, `name:group` ... Errors: DockError when a name is unknown, or an id out of range.
 * Supplementary groups are those of the user's name, when no group is given.
 */
export async function resolveUser(text: string, read: ReadFile): Promise<ResolvedUser> {
  const [who = '', group, ...more] = text.split(':')
  if (more.length > 0) throw new DockError(`the user ${JSON.stringify(text)}: it is USER or USER:GROUP`)
  const named = who === '' ? 0 : parseId(who, 'the user')
  const all = accounts((await read('etc/passwd')) ?? '')
  const account = named === undefined ? all.find(({ name }) => name === who) : all.find(({ uid }) => uid === named)
  const uid = named ?? account?.uid
  if (uid === undefined) throw new DockError(`unable to find user ${who}: no matching entries in passwd file`)
  const known = groups(account === undefined && group === undefined ? '' : ((await read('etc/group')) ?? ''))
  const gid = group === undefined || group === '' ? (account?.gid ?? 0) : groupId(group, known)
  const additional =
    group === undefined && account !== undefined ? known.filter(({ members }) => members.includes(account.name)) : []
  const additionalGids = [...new Set([...additional.map((one) => one.gid), gid])].sort((a, b) => a - b)
  return { user: { uid, gid, additionalGids }, home: account?.home || '/' }
}

function groupId(text: string, known: readonly Group[]): number {
  const gid = parseId(text, 'the group') ?? known.find(({ name }) => name === text)?.gid
  if (gid === undefined) throw new DockError(`unable to find group ${text}: no matching entries in group file`)
  return gid
}

/** Ids of groups by name or number. Errors: DockError when one is unknown. */
export async function resolveGroups(texts: readonly string[], read: ReadFile): Promise<readonly number[]> {
  if (texts.length === 0) return []
  const known = groups((await read('etc/group')) ?? '')
  return texts.map((text) => groupId(text, known))
}

/** For --chown of COPY and ADD: a user alone stands for both ids there. */
export async function resolveOwner(
  text: string,
  read: ReadFile,
): Promise<{ readonly uid: number; readonly gid: number }> {
  const [who = '', group] = text.split(':')
  const numeric = parseId(who, 'the user')
  const account =
    numeric === undefined ? accounts((await read('etc/passwd')) ?? '').find(({ name }) => name === who) : undefined
  const uid = numeric ?? account?.uid
  if (uid === undefined) throw new DockError(`unable to find user ${who}: no matching entries in passwd file`)
  if (group !== undefined) return { uid, gid: groupId(group, groups((await read('etc/group')) ?? '')) }
  return { uid, gid: account === undefined ? uid : account.gid }
}

/** A reader for `read` of files.ts: absent files are no failure. */
export function optionalFile(read: (path: string) => Promise<Buffer>): ReadFile {
  return async (path) => {
    try {
      return (await read(path)).toString('latin1')
    } catch (e: unknown) {
      if (/\((ENOENT|ENOTDIR)\)/.test(messageOf(e))) return undefined
      throw e
    }
  }
}
