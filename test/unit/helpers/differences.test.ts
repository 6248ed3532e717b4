// SPDX-License-Identifier: Apache-2.0
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { crunDifferenceSuites } from '../../helpers/crun-differences.ts'
import { compareVersions, findDifference } from '../../helpers/differences.ts'
import { projectDir } from '../../helpers/work-dir.ts'

test('versions are compared by number', () => {
  assert.is(compareVersions('1.3.6+ds1', '1.3.6'), 0)
  assert.ok(compareVersions('1.1.15', '1.2') < 0)
  assert.ok(compareVersions('1.28', '1.9') > 0)
  assert.is(compareVersions('1.2.0-rc.1', '1.2'), 0)
})

test('a difference is one of a runtime and of its versions', () => {
  const differences = { 'runc<1.2': 'old', 'runc>=1.2': 'new', crun: 'any' }
  assert.is(findDifference(differences, 'runc', '1.1.5+ds1'), 'old')
  assert.is(findDifference(differences, 'runc', '1.2.0'), 'new')
  assert.is(findDifference(differences, 'crun', '1.8.1'), 'any')
  assert.is(findDifference(differences, 'tsrun', '0.1.0'), undefined)
  assert.is(findDifference({ 'runc<1.2': 'old' }, 'runc', '1.3.6'), undefined)
  assert.throws(() => findDifference({ 'runc > 1': 'x' }, 'runc', '1.3.6'), /runc > 1/)
})

test('every suite with differences of crun is one that there is', () => {
  const files = globSync('test/{host,security}/*.test.ts', { cwd: projectDir })
  const texts = files.map((file) => readFileSync(join(projectDir, file), 'utf8')).join('\n')
  const names = [...texts.matchAll(/\b(?:host|systemd)Suite\('([^']+)'\)/g)].map((match) => match[1])
  assert.equal(
    crunDifferenceSuites.filter((name) => !names.includes(name)),
    [],
  )
})

test.run()
