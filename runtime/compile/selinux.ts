// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { Op } from '../plan/ops.ts'
import type { CompileContext } from './context.ts'
import { processOrigin } from './process-origin.ts'

/** The SELinux label of the process. Spec: config.md#linux-process. Errors: not-supported where SELinux is off. */
export function compileSelinux(context: CompileContext): Op[] {
  const label = context.process.selinuxLabel ?? ''
  if (label === '') return []
  const from = processOrigin(context, 'selinuxLabel', 'process-label', label)
  if (!context.facts.lsm.includes('selinux')) {
    throw new TsrunError('not-supported', `${from.label}: SELinux is not active on this host; leave the label out`, {
      pointer: '/process/selinuxLabel',
    })
  }
  return [{ kind: 'lsm-label', lsm: 'selinux', value: label, ...from }]
}
