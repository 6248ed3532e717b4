// SPDX-License-Identifier: Apache-2.0
/** The library: containers from Node or Bun, planned in this process and made by the program tsrun. */

export { type ErrorCode, TsrunError } from '../spec/error.ts'
export type { Spec } from '../spec/runtime/config.ts'
export type { Features } from '../spec/runtime/features.ts'
export {
  deleteContainer as delete,
  kill,
  list,
  pause,
  resume,
  start,
  state,
} from './lifecycle/control.ts'
export { type Created, type CreateOptions, create, type PlanOptions, plan } from './lifecycle/create.ts'
export { type ExecOptions, type ExecResult, exec } from './lifecycle/exec.ts'
export { makeSpec, type RootlessOwner, type SpecTarget } from './lifecycle/make-spec.ts'
export type { RuntimeOptions, Stdio } from './lifecycle/run-front.ts'
export { type UpdateOptions, update } from './lifecycle/update.ts'
export type { Op, Provenance, SectionName } from './plan/ops.ts'
export type { Plan } from './plan/plan.ts'
export { planToJson, printPlan } from './plan/print.ts'
export type { ContainerReport, ContainerStatus } from './state/container.ts'
