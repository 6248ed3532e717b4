// SPDX-License-Identifier: Apache-2.0
// Configs with one wrong value, through the whole runtime: each is refused with the field's name, and nothing is left.

import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { pointerLabel } from '../../spec/pointer.ts'
import { SETTINGS } from '../conformance/samples.ts'
import { linuxFields } from '../conformance/table.ts'
import { type WrongConfig, wrongConfigs } from '../conformance/wrong-values.ts'
import { newContainer } from '../helpers/container.ts'
import { isTsrun } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('wrong values')

const all = wrongConfigs(
  SETTINGS.map(({ config }) => config),
  linuxFields(),
)

/** The first and the last of each field: one of a wrong type, and one that only fails for what it says. */
function someOf(configs: readonly WrongConfig[]): readonly WrongConfig[] {
  return configs.filter((one, index) => {
    const path = one.field.path
    return configs[index - 1]?.field.path !== path || configs[index + 1]?.field.path !== path
  })
}

const groups = Map.groupBy(someOf(all), ({ pointer }) =>
  pointer
    .split('/')
    .slice(1, 3)
    .join('.')
    .replace(/\.\d+$/, ''),
)

for (const [name, configs] of groups) {
  test(
    `of ${name} (${configs.length} configs)`,
    () => {
      const container = newContainer()
      for (const { pointer, value, config } of configs) {
        writeFileSync(join(container.bundle, 'config.json'), JSON.stringify(config))
        const outcome = container.create()
        assertFailure(outcome)
        // The log has quotes around the message.
        const label = `${pointerLabel(pointer)}: `.replaceAll('"', '\\"')
        assert.ok(outcome.stderr.includes(label), `${label}${JSON.stringify(value)}\n${outcome.stderr}`)
        assert.equal(readdirSync(stateRoot), [])
      }
    },
    { needs: [() => (isTsrun ? undefined : 'is about the messages of tsrun')], timeoutMs: 120_000 },
  )
}

run()
