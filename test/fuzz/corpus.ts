// SPDX-License-Identifier: Apache-2.0
// `bun test/fuzz/corpus.ts DIR` writes good plans for the fuzzers to begin with.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePlan } from '../../runtime/plan/encode.ts'
import { sequence } from '../unit/spec/mutate.ts'
import { randomPlan } from '../wire/random-plan.ts'

const dir = process.argv[2]
if (dir === undefined) {
  process.stderr.write('usage: bun test/fuzz/corpus.ts DIR\n')
  process.exit(2)
}
mkdirSync(dir, { recursive: true })
const random = sequence(4)
for (let count = 0; count < 16; count++) writeFileSync(join(dir, `plan-${count}`), encodePlan(randomPlan(random)))
