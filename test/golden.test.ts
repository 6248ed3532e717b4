// SPDX-License-Identifier: Apache-2.0
// Plans as text: test/golden/plans/CASE/{config.json,facts.json} -> plan.txt. What a change of the compiler changes for
// containers can be read in the difference. TSRUN_WRITE_GOLDEN=1 writes the texts anew.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { HostFacts, PlanRequest } from '../runtime/facts/request.ts'
import { decodePlan } from '../runtime/plan/decode.ts'
import { encodePlan } from '../runtime/plan/encode.ts'
import type { Plan } from '../runtime/plan/plan.ts'
import { planToJson, printPlan } from '../runtime/plan/print.ts'
import { planFromRequest } from '../runtime/plan-request.ts'

const folder = join(import.meta.dirname, 'golden/plans')

interface Case {
  readonly request: Omit<PlanRequest, 'config' | 'facts' | 'options'> & {
    readonly options: Readonly<Record<string, string | readonly string[]>>
  }
  readonly facts: Omit<HostFacts, 'env'> & { readonly env: Readonly<Record<string, string>> }
}

function readRequest(name: string): PlanRequest {
  const read = (file: string): string => readFileSync(join(folder, name, file), 'utf8')
  const { request, facts } = JSON.parse(read('facts.json')) as Case
  return {
    ...request,
    options: new Map(Object.entries(request.options)),
    config: read('config.json'),
    facts: { ...facts, env: new Map(Object.entries(facts.env)) },
  }
}

/** What is left of a plan on the wire: all but the pointers that its labels were made from. */
function withoutCauses(plan: Plan): Plan {
  const sections = Object.entries(plan.sections).map(([name, ops]) => [name, ops.map((op) => ({ ...op, cause: '' }))])
  return { ...plan, sections: Object.fromEntries(sections) as Plan['sections'] }
}

for (const name of readdirSync(folder).sort()) {
  test(`the plan of ${name}`, () => {
    const text = printPlan(planFromRequest(readRequest(name)))
    const path = join(folder, name, 'plan.txt')
    if (process.env['TSRUN_WRITE_GOLDEN'] === '1') writeFileSync(path, text)
    assert.ok(existsSync(path), 'run with TSRUN_WRITE_GOLDEN=1 to write plan.txt')
    assert.fixture(text, readFileSync(path, 'utf8'))
  })

  test(`the plan of ${name} survives the wire`, () => {
    const plan = planFromRequest(readRequest(name))
    assert.is(printPlan(decodePlan(encodePlan(plan))), printPlan(withoutCauses(plan)))
  })

  test(`the plan of ${name} is JSON`, () => {
    const json = planToJson(planFromRequest(readRequest(name)))
    assert.equal(JSON.parse(JSON.stringify(json)), json)
  })
}

test.run()
