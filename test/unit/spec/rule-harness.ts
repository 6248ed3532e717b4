// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { validateConfig, warnConfig } from '../../../spec/index.ts'
import type { Rule } from '../../../spec/rule.ts'
import { RULES, WARNINGS } from '../../../spec/rules.ts'
import type { Spec } from '../../../spec/runtime/config.ts'
import { fullConfig, type Json } from './configs.ts'
import { withValue } from './mutate.ts'

/** Changes of a good config: pointer -> new value, undefined taking the field away. */
export type Changes = Readonly<Record<string, unknown>>

/** What one rule says of changed configs. */
export interface RuleCases {
  /** Changes that it lets pass; the unchanged config is one anyway. */
  readonly good?: readonly Changes[]
  /** Changes that it objects to, each with the pointers that it names, in order. */
  readonly bad: readonly (readonly [Changes, ...string[]])[]
}

function changed(base: Json, changes: Changes): Json {
  return Object.entries(changes).reduce((config, [pointer, value]) => withValue(config, pointer, value), base)
}

/** What one rule reports of a config, alone. */
export function pointersOf(rule: Rule, config: Json): readonly string[] {
  const pointers: string[] = []
  rule.check(config as unknown as Spec, (pointer) => pointers.push(pointer))
  return pointers
}

/** Declares the tests of rules, from a config that has every field. */
export function testRules(cases: Readonly<Record<string, RuleCases>>): void {
  for (const [name, { good = [], bad }] of Object.entries(cases)) {
    const rule = [...RULES, ...WARNINGS].find((one) => one.name === name)
    if (rule === undefined) throw new Error(`there is no rule ${name}`)
    const judge = WARNINGS.includes(rule) ? warnConfig : validateConfig
    for (const changes of [{}, ...good]) {
      test(`${name} lets pass ${JSON.stringify(changes)}`, () => {
        assert.equal(pointersOf(rule, changed(fullConfig(), changes)), [])
      })
    }
    for (const [changes, ...pointers] of bad) {
      test(`${name} objects to ${JSON.stringify(changes)} (${rule.section})`, () => {
        const config = changed(fullConfig(), changes)
        assert.equal(pointersOf(rule, config), pointers)
        const told = judge(config).filter((problem) => problem.section === rule.section)
        for (const pointer of pointers) {
          assert.ok(
            told.some((problem) => problem.pointer === pointer),
            `no problem at ${pointer}: ${JSON.stringify(told)}`,
          )
        }
      })
    }
  }
}
