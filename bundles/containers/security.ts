// SPDX-License-Identifier: Apache-2.0
// --security-opt. Pure.

import { DockError } from '../error.ts'

export interface SecurityOptions {
  readonly noNewPrivileges: boolean
  /** Undefined: the default profile. */
  readonly seccomp: 'unconfined' | { readonly file: string } | undefined
  readonly apparmor: string | undefined
  readonly selinuxLabel: string | undefined
  readonly systemPathsUnconfined: boolean
}

/** Errors: DockError for what is unknown. */
export function parseSecurity(options: readonly string[]): SecurityOptions {
  let result: SecurityOptions = {
    noNewPrivileges: false,
    seccomp: undefined,
    apparmor: undefined,
    selinuxLabel: undefined,
    systemPathsUnconfined: false,
  }
  for (const text of options) result = { ...result, ...one(text) }
  return result
}

function one(text: string): Partial<SecurityOptions> {
  const match = /^([a-z-]+)(?:[=:](.*))?$/.exec(text)
  const value = match?.[2]
  switch (match?.[1]) {
    case 'no-new-privileges':
      if (value === undefined || value === 'true') return { noNewPrivileges: true }
      if (value === 'false') return { noNewPrivileges: false }
      break
    case 'seccomp':
      if (value === 'unconfined') return { seccomp: 'unconfined' }
      if (value === 'builtin') return { seccomp: undefined }
      if (value !== undefined && value !== '') return { seccomp: { file: value } }
      break
    case 'apparmor':
      if (value === 'unconfined') return { apparmor: undefined }
      if (value !== undefined && value !== '') return { apparmor: value }
      break
    case 'label':
      if (value === 'disable') return { selinuxLabel: undefined }
      break
    case 'systempaths':
      if (value === 'unconfined') return { systemPathsUnconfined: true }
      break
  }
  throw new DockError(
    `invalid --security-opt "${text}": it is no-new-privileges, seccomp=unconfined|builtin|FILE, apparmor=PROFILE, label=disable or systempaths=unconfined`,
    { exitCode: 125 },
  )
}
