// SPDX-License-Identifier: Apache-2.0
import type { HostFacts, PlanRequest } from '../../../../runtime/facts/request.ts'
import { checkPlan } from '../../../../runtime/plan/check.ts'
import type { Op, OpKind, OpOf, SectionName } from '../../../../runtime/plan/ops.ts'
import type { Plan } from '../../../../runtime/plan/plan.ts'
import { planFromRequest } from '../../../../runtime/plan-request.ts'
import { factsOf, unified } from '../cgroups/hosts.ts'

type Json = { readonly [key: string]: unknown }

interface Changes {
  readonly process?: Json | undefined
  readonly linux?: Json | undefined
  /** Other fields at the top. */
  readonly config?: Json | undefined
  readonly request?: Partial<Omit<PlanRequest, 'options' | 'facts'>> | undefined
  readonly options?: Readonly<Record<string, string | readonly string[]>> | undefined
  readonly facts?: Partial<HostFacts> | undefined
}

/** A small config, with changes laid over parts of it; an undefined field is left out. */
export function makeRequest({ process, linux, config, request, options, facts }: Changes = {}): PlanRequest {
  const document = {
    ociVersion: '1.3.0',
    process: { args: ['sh'], cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'], ...process },
    root: { path: 'rootfs' },
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], ...linux },
    ...config,
  }
  return {
    verb: 'create',
    id: 'c1',
    bundle: '/b',
    root: '/run/tsrun',
    args: [],
    config: JSON.stringify(document),
    options: new Map(Object.entries(options ?? {})),
    facts: { ...factsOf(unified), ...facts },
    ...request,
  }
}

export function planOf(changes: Changes = {}): Plan {
  const plan = planFromRequest(makeRequest(changes))
  checkPlan(plan)
  return plan
}

/** `exec` with its flags, in a container of the same config. */
export function execPlanOf(args: readonly string[], { request, ...changes }: Changes = {}): Plan {
  const target = { pid: 99, cgroup: '0::/\n' }
  return planOf({ ...changes, request: { verb: 'exec', args, state: '{}', target, ...request } })
}

/** The only op of a kind. */
export function find<K extends OpKind>(plan: Plan, section: SectionName, kind: K): OpOf<K> {
  const found = plan.sections[section].filter((op): op is Extract<Op, { kind: K }> => op.kind === kind)
  if (found.length !== 1) throw new Error(`${found.length} ops ${kind} in ${section}`)
  return found[0] as unknown as OpOf<K>
}

export function kindsOf(plan: Plan, section: SectionName): readonly OpKind[] {
  return plan.sections[section].map(({ kind }) => kind)
}

/** What a call fails with. */
export function refusalOf(call: () => unknown): string {
  try {
    call()
  } catch (e: unknown) {
    return (e as Error).message
  }
  return 'no refusal'
}
