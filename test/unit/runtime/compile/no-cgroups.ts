// SPDX-License-Identifier: Apache-2.0
import { compileCgroups } from '../../../../runtime/cgroups/compile-cgroups.ts'
import { type CgroupPlan, NO_CGROUPS } from '../../../../runtime/cgroups/cgroup-plan.ts'
import type { CompileContext } from '../../../../runtime/compile/context.ts'

/** Of a host without any. */
export const noCgroups: CgroupPlan = NO_CGROUPS

/** Of the host in the context; its slots come from elsewhere, so that those of mounts count from 0. */
export function cgroupsOf({ spec, request, facts, rootless }: CompileContext): CgroupPlan {
  const slots = { next: () => 99, count: 0 }
  return compileCgroups({ spec, id: request.id, facts, rootless, systemd: false, slots: slots as never })
}
