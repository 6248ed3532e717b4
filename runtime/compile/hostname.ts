// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'

/** Spec: config.md#hostname, config.md#domainname */
export function compileHostname({ spec }: CompileContext): Op[] {
  const { hostname = '', domainname = '' } = spec
  const ops: Op[] = []
  if (hostname !== '') ops.push({ kind: 'sethostname', name: hostname, ...origin('/hostname') })
  if (domainname !== '') ops.push({ kind: 'setdomainname', name: domainname, ...origin('/domainname') })
  return ops
}
