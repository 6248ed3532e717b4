// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../../spec/runtime/config.ts'
import { compileCgroups } from '../cgroups/compile-cgroups.ts'
import type { PlanRequest } from '../facts/request.ts'
import type { Op, SectionName } from '../plan/ops.ts'
import type { Plan } from '../plan/plan.ts'
import { checkAnnotations, compilePidfdReceiver } from './annotations.ts'
import { chooseCgroups } from './cgroup-manager.ts'
import { compileConsole } from './console.ts'
import { type CompileContext, createContext, hasFlag, invalid } from './context.ts'
import { compileDevices } from './devices.ts'
import { compileFinal } from './final.ts'
import { compileHookFiles, compileHooks, hasRuntimeHooks } from './hooks.ts'
import { compileIdMappings } from './id-mappings.ts'
import { compileIntelRdt } from './intel-rdt.ts'
import { compileKeyring } from './keyring.ts'
import { compileMounts } from './mounts.ts'
import { compileNamespaces } from './namespaces.ts'
import { compileNetDevices } from './net-devices.ts'
import { compileOomScore } from './oom-score.ts'
import { withNotifySocket } from './notify-socket.ts'
import { compileFields } from './plan-fields.ts'
import { compileCwd, compileProcess } from './process.ts'
import { compileRootfs, placeOpens } from './rootfs.ts'
import { compileSeccomp } from './seccomp.ts'
import { compileNullStdio } from './stdio.ts'

/**
 * THE table of contents of a container's life: every op of `create`, `start` and `delete` has its place here, and the
 * reasons for the order stand beside it. Pure. Errors: invalid-config, not-supported, cgroup, usage.
 */
export function compile(request: PlanRequest, given: Spec): Plan {
  const warnings: string[] = []
  const spec = withNotifySocket(request, given)
  if (spec.process === undefined) throw invalid('/process', undefined, 'must not be empty: it names what to run')
  const context = createContext(request, spec, spec.process, warnings)
  checkAnnotations(context)
  const cgroups = chooseCgroups(context, compileCgroups)
  const namespaces = compileNamespaces(context)
  const rootfs = compileRootfs(context)
  const mounts = compileMounts(context, cgroups)
  const devices = compileDevices(context)
  const final = compileFinal(context)
  const opens = placeOpens(context, [rootfs, mounts, devices, final])
  const seccomp = compileSeccomp(context)
  const intelRdt = compileIntelRdt(context)
  const netDevices = compileNetDevices(context)
  const pidfd = compilePidfdReceiver(context)
  const process = compileProcess(context, seccomp.load, compileHooks(context, 'startContainer'))

  const sections: Record<SectionName, readonly Op[]> = {
    // The front, before init is there: whatever needs the host's paths, or can fail without anything to clean up.
    prepare: [
      ...namespaces.prepare,
      // With all limits in force before init enters.
      ...cgroups.prepare,
      ...opens.front,
      ...seccomp.prepare,
      ...pidfd.prepare,
      ...compileHookFiles(context),
      ...netDevices.prepare,
      ...intelRdt.prepare,
    ],
    // The front, while init waits: what must be done from outside.
    adopt: [
      // First: until then init has no ids, and no powers over its namespaces.
      ...compileIdMappings(context),
      ...compileOomScore(context),
      // Before it goes on, so that all that it does is accounted.
      ...cgroups.adopt,
      ...netDevices.adopt,
      ...intelRdt.adopt,
    ],
    // The front, when init is at its hooks-point: namespaces are there, the root is not changed yet.
    hooks: [...compileHooks(context, 'prestart'), ...compileHooks(context, 'createRuntime')],
    // Init.
    setup: [
      // Before anything else is done, so that all of it is accounted; the cgroup namespace starts where init then is.
      ...cgroups.setup,
      ...namespaces.setup,
      ...compileKeyring(context, hasFlag(request, 'no-new-keyring')),
      ...opens.init,
      // From here on the root can be named by its descriptor, and the host's paths are covered.
      ...rootfs.setup,
      ...mounts.setup,
      // On top of the mounts: /dev usually is one of them.
      ...devices.setup,
      // While the root can be written to.
      ...compileCwd(context),
      ...compileConsole(context),
      // Spec: runtime.md#lifecycle: these hooks see the mounts, and come before pivot_root.
      ...compileHooksPoint(context),
      ...compileHooks(context, 'createContainer'),
      // pivot_root; then sysctls (hooks may have made the devices that they are about), masks, read-only paths and root.
      ...final.setup,
      ...compileNullStdio(context),
    ],
    // First of all: a signal to the caller's terminal is not for the container.
    drop: [process.session, ...process.drop],
    start: process.start,
    commit: [...process.commit, ...pidfd.commit],
    poststart: compileHooks(context, 'poststart'),
    // Processes first: what they are in cannot be removed.
    undo: [...cgroups.undo, ...intelRdt.undo, ...rootfs.undo],
    poststop: compileHooks(context, 'poststop'),
    pause: cgroups.pause,
    resume: cgroups.resume,
  }
  return {
    sections,
    fields: compileFields(context, cgroups, intelRdt),
    spawn: {
      ...namespaces.spawn,
      cgroupSlot: cgroups.cgroupSlot,
      terminal: context.process.terminal === true,
      exec: false,
    },
    slots: context.slots.count,
    warnings: [...warnings, ...cgroups.warnings],
  }
}

/** Init stops there only for a reason: it costs a round trip. */
function compileHooksPoint(context: CompileContext): Op[] {
  return hasRuntimeHooks(context) ? [{ kind: 'hooks-point', cause: '/hooks', label: 'hooks' }] : []
}
