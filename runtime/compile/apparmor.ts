// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { Op } from '../plan/ops.ts'
import type { CompileContext } from './context.ts'
import { processOrigin } from './process-origin.ts'

/** The AppArmor profile of the process. Spec: config.md#linux-process. Errors: not-supported where AppArmor is off. */
export function compileApparmor(context: CompileContext): Op[] {
  const profile = context.process.apparmorProfile ?? ''
  if (profile === '') return []
  const from = processOrigin(context, 'apparmorProfile', 'apparmor', profile)
  if (!context.facts.lsm.includes('apparmor')) {
    // DIFFERS: peers run the process without the confinement that was asked for.
    if (profile === 'unconfined') return []
    throw new TsrunError('not-supported', `${from.label}: AppArmor is not active on this host; leave the profile out`, {
      pointer: '/process/apparmorProfile',
    })
  }
  return [{ kind: 'lsm-label', lsm: 'apparmor', value: profile, ...from }]
}
