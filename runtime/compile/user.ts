// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { Op } from '../plan/ops.ts'
import { keepsGroups } from './annotations.ts'
import { type CompileContext, invalid, origin } from './context.ts'
import { deniesSetgroups, isDeniedSetgroups } from './id-mappings.ts'
import { processOrigin } from './process-origin.ts'

const DEFAULT_UMASK = 0o022
const SET_GROUPS = 1
/** NGROUPS_MAX of <linux/limits.h>. */
const MAX_GROUPS = 65536
/** The last one, (uid_t)-1, means "leave it as it is" to the kernel. */
const MAX_ID = 0xfffffffe

export interface UserPlan {
  readonly umask: Op
  readonly ids: Op
}

/** Who the process is. Spec: config.md#posix-platform-user. Errors: invalid-config for groups that cannot be set. */
export function compileUser(context: CompileContext): UserPlan {
  const { uid, gid = 0, umask = DEFAULT_UMASK, additionalGids = [] } = context.process.user
  const from = processOrigin(context, 'user', 'user')
  const denied = deniesSetgroups(context) || isDeniedSetgroups(context)
  const kept = keepsGroups(context)
  if (kept && additionalGids.length > 0) {
    const { label } = origin('/process/user/additionalGids')
    context.warn(`${label}: without effect, because of the annotation run.oci.keep_original_groups`)
  }
  if (!kept && denied && additionalGids.length > 0) {
    throw invalid(
      '/process/user/additionalGids',
      undefined,
      'cannot be set by a caller without privileges, who may map only its own group; map more ids, or leave it out',
    )
  }
  if (additionalGids.length > MAX_GROUPS) {
    throw invalid(
      '/process/user/additionalGids',
      undefined,
      `${additionalGids.length} are too many, ${MAX_GROUPS} at most`,
    )
  }
  return {
    umask: { kind: 'umask', mask: umask, ...processOrigin(context, 'user') },
    ids: { kind: 'ids', uid, gid, groups: toGroups(additionalGids), flags: denied || kept ? 0 : SET_GROUPS, ...from },
  }
}

/** u32 each, as this machine writes them. */
function toGroups(gids: readonly number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(gids).buffer)
}

/**
 * `UID` or `UID:GID`, decimal numbers and nothing else: no name is ever looked up, and nothing that is no number may
 * become 0 (CVE-2026-30892). Errors: usage.
 */
export function parseUser(text: string): { readonly uid: number; readonly gid: number | undefined } {
  const parts = text.split(':')
  if (parts.length > 2) throw badUser(text, 'give UID or UID:GID')
  const [uid = '', gid] = parts
  return { uid: parseId(uid, text), gid: gid === undefined ? undefined : parseId(gid, text) }
}

function parseId(text: string, whole: string): number {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (!(id <= MAX_ID)) throw badUser(whole, `${JSON.stringify(text)} is no id: give a number from 0 to ${MAX_ID}`)
  return id
}

function badUser(text: string, what: string): TsrunError {
  return new TsrunError('usage', `--user ${JSON.stringify(text)}: ${what}`)
}

/** Errors: usage. */
export function parseGroup(text: string): number {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (id <= MAX_ID) return id
  throw new TsrunError(
    'usage',
    `--additional-gids ${JSON.stringify(text)}: no group id: give a number from 0 to ${MAX_ID}`,
  )
}
