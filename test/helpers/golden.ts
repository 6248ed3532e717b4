// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HostFacts, PlanRequest } from '../../runtime/facts/request.ts'
import { projectDir } from './work-dir.ts'

/** test/golden/plans: a directory for each case, with config.json, facts.json and plan.txt. */
export const goldenPlans: string = join(projectDir, 'test/golden/plans')

/** Names of the cases. */
export function goldenCases(): readonly string[] {
  return readdirSync(goldenPlans).sort()
}

interface Case {
  readonly request: Omit<PlanRequest, 'config' | 'facts' | 'options'> & {
    readonly options: Readonly<Record<string, string | readonly string[]>>
  }
  readonly facts: Omit<HostFacts, 'env'> & { readonly env: Readonly<Record<string, string>> }
}

/** The request of a case. */
export function readGoldenRequest(name: string): PlanRequest {
  const read = (file: string): string => readFileSync(join(goldenPlans, name, file), 'utf8')
  const { request, facts } = JSON.parse(read('facts.json')) as Case
  return {
    ...request,
    options: new Map(Object.entries(request.options)),
    config: read('config.json'),
    facts: { ...facts, env: new Map(Object.entries(facts.env)) },
  }
}
