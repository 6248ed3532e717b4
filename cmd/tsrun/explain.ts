// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path'
import { cgroupManager } from '../../runtime/compile/cgroup-manager.ts'
import { readFacts } from '../../runtime/facts/read.ts'
import { readBundle } from '../../runtime/lifecycle/read-bundle.ts'
import { checkPlan } from '../../runtime/plan/check.ts'
import type { Plan } from '../../runtime/plan/plan.ts'
import { planToJson, printPlan } from '../../runtime/plan/print.ts'
import { planFromRequest } from '../../runtime/plan-request.ts'
import { readContainer } from '../../runtime/state/container.ts'
import { resolveStateRoot } from '../../runtime/state/state-root.ts'
import type { Invocation } from './cli.ts'

/** Flags that change the plan of a bundle. */
const planFlags = ['systemd-cgroup', 'cgroup-manager', 'rootless'] as const

function planOfBundle({ text, warn }: Invocation): Plan {
  const { path, config } = readBundle(text('bundle') ?? '.')
  const options = new Map<string, string>()
  for (const name of planFlags) {
    const value = text(name)
    if (value !== undefined && value !== 'false') options.set(name, value)
  }
  const name = basename(path)
  const plan = planFromRequest({
    verb: 'create',
    id: /^[A-Za-z0-9_+.-]+$/.test(name) ? name : 'container',
    bundle: path,
    root: resolveStateRoot(text('root')),
    options,
    args: [],
    config,
    facts: readFacts(cgroupManager({ options }) === 'systemd'),
  })
  checkPlan(plan)
  for (const warning of plan.warnings) warn(warning)
  return plan
}

/** `tsrun explain` */
export function runExplain(invocation: Invocation): number {
  const { positionals, text, isSet } = invocation
  const [id] = positionals
  const plan = id === undefined ? planOfBundle(invocation) : readContainer(resolveStateRoot(text('root')), id).plan
  process.stdout.write(isSet('json') ? `${JSON.stringify(planToJson(plan), null, 2)}\n` : printPlan(plan))
  return 0
}
