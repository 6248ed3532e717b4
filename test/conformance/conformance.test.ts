// SPDX-License-Identifier: Apache-2.0
// Nothing of a config.json for Linux is ignored: the list of fields is that of the official schema, the compiler does
// something with each, and a test of a real container has each.
//
// The official list stands in test/data/runtime-spec-fields.json. With OCI_RUNTIME_SPEC_SCHEMA=<folder "schema" of
// runtime-spec 1.3.0> it is compared with the schemas again; with RECORD=1 besides, it is written anew.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sectionOf } from '../../spec/section.ts'
import { readExercised } from '../helpers/coverage.ts'
import { projectDir } from '../helpers/work-dir.ts'
import { findEffects } from './effects.ts'
import { readFields } from './fields.ts'
import { ignoredFields, staleReasons, unexercised } from './findings.ts'
import { fileOf, toPointer } from './merge.ts'
import { PEER_OPTIONS, PEER_ROWS, startsWithField } from './peers.ts'
import { MOUNT_OPTIONS } from './mount-options.ts'
import { SETTINGS } from './samples.ts'
import { OTHER_PLATFORMS, SECTIONS } from './sections.ts'
import { DOCUMENT, linuxFields, makeDocument } from './table.ts'

interface OfficialFields {
  readonly source: string
  readonly fields: readonly string[]
}

const FILE = join(projectDir, 'test/data/runtime-spec-fields.json')
const official = process.env['OCI_RUNTIME_SPEC_SCHEMA'] ?? ''
const fields = linuxFields()
const exercised = readExercised()
const effects = findEffects(SETTINGS, fields)

function officialPaths(): readonly string[] {
  return readFields(official, 'config-schema.json')
    .map(({ path }) => path)
    .filter((path) => !OTHER_PLATFORMS.includes(/^\w+/.exec(path)?.[0] ?? ''))
    .sort()
}

if (official !== '' && process.env['RECORD'] === '1') {
  const source = 'fields for Linux of config-schema.json of github.com/opencontainers/runtime-spec, tag v1.3.0'
  writeFileSync(FILE, `${JSON.stringify({ source, fields: officialPaths() }, null, 2)}\n`)
}

const listed = JSON.parse(readFileSync(FILE, 'utf8')) as OfficialFields

test('the fields are those of the official schema', () => {
  assert.equal(fields.map(({ path }) => path).sort(), listed.fields)
  assert.ok(listed.fields.length > 250)
  if (official !== '') assert.equal(officialPaths(), listed.fields)
})

test('every field is in a section that has a test file', () => {
  for (const { path } of fields) {
    const files = SECTIONS[sectionOf(toPointer(path))]
    assert.ok(files !== undefined || path === 'process', `${path}: ${sectionOf(toPointer(path))}`)
    for (const file of files ?? []) assert.ok(existsSync(join(projectDir, `test/host/${file}.test.ts`)), file)
  }
})

test('no field is ignored by the compiler', () => {
  assert.equal(ignoredFields(fields, effects), [])
})

test('a field that nothing reads is found', () => {
  const field = { path: 'linux.brandNew', type: 'string', names: [] }
  const [setting] = SETTINGS
  assert.ok(setting)
  const linux = { ...(setting.config['linux'] as object), brandNew: 'value' }
  const settings = [{ ...setting, config: { ...setting.config, linux } }]
  assert.equal(ignoredFields([field], findEffects(settings, [...fields, field])), ['linux.brandNew'])
})

test('every field, name and mount option is exercised by a host test, or says why not', () => {
  assert.equal(unexercised(fields, exercised), [])
  assert.equal(staleReasons(fields, exercised), [])
})

test('a field that no host test exercises is found, and a reason that is none', () => {
  const { 'process.cwd': _, ...others } = exercised
  assert.equal(unexercised(fields, others), ['process.cwd'])
  const all = { ...exercised, 'process.selinuxLabel': ['linux process: x'] }
  assert.ok(staleReasons(fields, all).includes('process.selinuxLabel'))
})

test('tests that are named are in files that there are', () => {
  for (const name of new Set(Object.values(exercised).flat())) {
    assert.ok(existsSync(join(projectDir, `test/host/${fileOf(name)}.test.ts`)), name)
  }
})

test('what is said of other runtimes is about fields and options that there are', () => {
  for (const row of PEER_ROWS)
    assert.ok(
      fields.some(({ path }) => startsWithField(path, row)),
      row,
    )
  const options = Object.values(MOUNT_OPTIONS).flat()
  for (const option of PEER_OPTIONS) assert.ok(options.includes(option), option)
})

test('docs/spec-conformance.md is up to date: npm run conformance -- --table', () => {
  assert.is(readFileSync(DOCUMENT, 'utf8'), makeDocument(exercised, effects))
})

test.run()
