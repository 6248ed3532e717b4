// SPDX-License-Identifier: Apache-2.0
import type { CgroupPlan } from '../cgroups/cgroup-plan.ts'
import type { Plan } from '../plan/plan.ts'
import { type CompileContext, findNamespace, isNew } from './context.ts'
import { rootfsPath, type StatePaths, stateJsonTemplate, stateOutputTemplate } from './state-json.ts'

/** What a stored plan tells other verbs about a container. */
export function compileFields(
  context: CompileContext,
  cgroups: CgroupPlan,
  intelRdt: Pick<StatePaths, 'intelRdt' | 'intelRdtMonitor'>,
): Plan['fields'] {
  const { intelRdt: group, intelRdtMonitor } = intelRdt
  return {
    id: context.request.id,
    stateJson: stateJsonTemplate(context, { cgroups: cgroups.paths, intelRdt: group, intelRdtMonitor }, cgroups.unit),
    stateOutput: stateOutputTemplate(context),
    freezerFile: cgroups.freezerFile,
    killDir: cgroups.killDir,
    sharesPidNamespace: !isNew(findNamespace(context.linux, 'pid')),
    bundle: context.request.bundle,
    rootfs: rootfsPath(context),
    created: context.facts.time,
    procsDirs: cgroups.procsDirs,
  }
}
