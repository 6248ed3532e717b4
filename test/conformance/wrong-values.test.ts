// SPDX-License-Identifier: Apache-2.0
// Whatever is wrong with a field is told, with its place and the section of the specification; nothing crashes.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { PlanRequest } from '../../runtime/facts/request.ts'
import { planFromRequest } from '../../runtime/plan-request.ts'
import { TsrunError } from '../../spec/error.ts'
import { pointerLabel } from '../../spec/pointer.ts'
import { sectionOf } from '../../spec/section.ts'
import { validateConfig } from '../../spec/validate.ts'
import type { Json } from '../unit/spec/configs.ts'
import { withValue } from '../unit/spec/mutate.ts'
import { OTHER_PLATFORMS } from './sections.ts'
import { SETTINGS } from './samples.ts'
import { linuxFields } from './table.ts'
import { CONFLICTS, wrongConfigs } from './wrong-values.ts'

const [setting] = SETTINGS
assert.ok(setting)
const { facts, config: good } = setting
const fields = linuxFields()
const all = wrongConfigs(
  SETTINGS.map(({ config }) => config),
  fields,
)

function refusal(config: Json): string {
  const request: PlanRequest = {
    ...{ verb: 'create', id: 'box', bundle: '/bundle', root: '/run/tsrun', options: new Map(), args: [] },
    ...{ config: JSON.stringify(config), facts },
  }
  try {
    planFromRequest(request)
  } catch (e: unknown) {
    if (e instanceof TsrunError && e.code === 'invalid-config') return e.message
    throw e
  }
  throw new Error('it was taken')
}

/** The section of a problem is that of its field, or one that says more. */
function assertTold(config: Json, pointer: string, what: string): void {
  const told = validateConfig(config).filter((problem) => problem.pointer === pointer)
  assert.ok(told.length > 0, `${what}: no problem at ${pointer}`)
  for (const { section } of told) assert.match(section, /^config(-linux)?\.md#[a-z-]+$/, what)
  assert.ok(refusal(config).includes(`${pointerLabel(pointer)}: `), what)
}

test('every field has three wrong values at least', () => {
  for (const field of fields) {
    const count = all.filter((wrong) => wrong.field.path === field.path).length
    assert.ok(count >= 3, `${field.path}: ${count}`)
  }
  assert.ok(all.length > 1500, String(all.length))
})

test('every wrong value of a field is told with its pointer and section', () => {
  for (const { pointer, why, value, config } of all) {
    assertTold(config, pointer, `${pointer}: ${JSON.stringify(value)} (${why})`)
  }
})

test('the section is that of the field where the schema finds the fault', () => {
  for (const { pointer, why, config } of all) {
    if (!why.startsWith('no ') || pointer.startsWith('/annotations')) continue
    const [told] = validateConfig(config).filter((problem) => problem.pointer === pointer)
    if (told?.message.includes(': give ')) assert.is(told.section, sectionOf(pointer), pointer)
  }
})

test('fields that contradict each other are told', () => {
  for (const [changes, pointer] of CONFLICTS) {
    const config = Object.entries(changes).reduce((document, [at, value]) => withValue(document, at, value), good)
    assertTold(config, pointer, `${JSON.stringify(changes)}`)
  }
})

test('the config that they are put into is fine', () => {
  assert.equal(validateConfig(good), [])
})

test('what is for another platform is refused with one sentence', () => {
  const smallest: Json = { vm: { kernel: { path: '/vmlinuz' } }, windows: { layerFolders: ['C:\\layer'] } }
  for (const platform of OTHER_PLATFORMS) {
    const message = refusal({ ...good, [platform]: smallest[platform] ?? {} })
    assert.match(message, new RegExp(`^config\\.json: ${platform}: configures another platform than Linux[^;]*$`))
  }
})

test.run()
