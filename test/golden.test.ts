// SPDX-License-Identifier: Apache-2.0
// Plans as text: test/golden/plans/CASE/{config.json,facts.json} -> plan.txt. What a change of the compiler changes for
// containers can be read in the difference. TSRUN_WRITE_GOLDEN=1 writes the texts anew.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { checkPlan } from '../runtime/plan/check.ts'
import { decodePlan } from '../runtime/plan/decode.ts'
import { encodePlan } from '../runtime/plan/encode.ts'
import type { Plan } from '../runtime/plan/plan.ts'
import { planToJson, printPlan } from '../runtime/plan/print.ts'
import { planFromRequest } from '../runtime/plan-request.ts'
import { goldenCases, goldenPlans, readGoldenRequest } from './helpers/golden.ts'

/** What is left of a plan on the wire: all but the pointers that its labels were made from. */
function withoutCauses(plan: Plan): Plan {
  const sections = Object.entries(plan.sections).map(([name, ops]) => [name, ops.map((op) => ({ ...op, cause: '' }))])
  return { ...plan, sections: Object.fromEntries(sections) as Plan['sections'] }
}

for (const name of goldenCases()) {
  test(`the plan of ${name}`, () => {
    const text = printPlan(planFromRequest(readGoldenRequest(name)))
    const path = join(goldenPlans, name, 'plan.txt')
    if (process.env['TSRUN_WRITE_GOLDEN'] === '1') writeFileSync(path, text)
    assert.ok(existsSync(path), 'run with TSRUN_WRITE_GOLDEN=1 to write plan.txt')
    assert.fixture(text, readFileSync(path, 'utf8'))
  })

  test(`the plan of ${name} survives the wire`, () => {
    const plan = planFromRequest(readGoldenRequest(name))
    checkPlan(plan)
    assert.is(printPlan(decodePlan(encodePlan(plan))), printPlan(withoutCauses(plan)))
  })

  test(`the plan of ${name} is JSON`, () => {
    const json = planToJson(planFromRequest(readGoldenRequest(name)))
    assert.equal(JSON.parse(JSON.stringify(json)), json)
  })
}

test.run()
