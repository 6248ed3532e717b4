// SPDX-License-Identifier: Apache-2.0
import type { Process } from '../../spec/runtime/process.ts'
import type { Provenance } from '../plan/ops.ts'
import { byFlag, type CompileContext, option, origin } from './context.ts'

/** Provenance of what a field of the process caused, or the flag of `exec` that replaced or extended the field. */
export function processOrigin(
  { request }: Pick<CompileContext, 'request'>,
  field: keyof Process,
  flag?: string,
  object?: string,
): Provenance {
  const replaced =
    flag !== undefined &&
    request.verb === 'exec' &&
    option(request, 'process') === undefined &&
    option(request, flag) !== undefined
  if (!replaced) return origin(`/process/${field}`, object)
  const { cause, label } = byFlag(flag)
  return { cause, label: object === undefined ? label : `${label} (${object})` }
}
