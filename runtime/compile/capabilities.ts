// SPDX-License-Identifier: Apache-2.0
import { CAPABILITIES } from '../../spec/capability.ts'
import type { Op } from '../plan/ops.ts'
import type { CompileContext } from './context.ts'
import { processOrigin } from './process-origin.ts'
import { needsAdminForSeccomp } from './seccomp.ts'

const CAP_SYS_ADMIN = capabilityMask(['CAP_SYS_ADMIN'])

/** Names -> bits. A name that Linux does not have is left out, and warned of by spec/. */
export function capabilityMask(names: readonly string[] | undefined): bigint {
  let mask = 0n
  for (const name of names ?? []) {
    const number = CAPABILITIES.indexOf(name)
    if (number >= 0) mask |= 1n << BigInt(number)
  }
  return mask
}

/** Bits -> names. */
export function capabilityNames(mask: bigint): readonly string[] {
  return CAPABILITIES.filter((_, number) => (mask & (1n << BigInt(number))) !== 0n)
}

export interface CapabilityPlan {
  /** While init is still root: it takes CAP_SETPCAP. */
  readonly bound: Op
  /** After the ids are set, which takes away the effective ones. */
  readonly sets: Op
}

/** The five capability sets. Spec: config.md#linux-process */
export function compileCapabilities(context: CompileContext): CapabilityPlan {
  const { capabilities } = context.process
  const from = processOrigin(context, 'capabilities', 'cap')
  const permitted = capabilityMask(capabilities?.permitted)
  const inheritable = capabilityMask(capabilities?.inheritable)
  const kept = needsAdminForSeccomp(context) ? CAP_SYS_ADMIN : 0n
  return {
    bound: { kind: 'cap-bound', mask: capabilityMask(capabilities?.bounding), ...from },
    sets: {
      kind: 'caps',
      effective: capabilityMask(capabilities?.effective) | kept,
      permitted: permitted | kept,
      inheritable,
      // The kernel refuses any other; spec/ has warned of them.
      ambient: capabilityMask(capabilities?.ambient) & permitted & inheritable,
      ...from,
    },
  }
}
