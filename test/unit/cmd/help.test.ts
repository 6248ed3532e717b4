// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { globalFlags, verbs } from '../../../cmd/flags.ts'
import { programHelp, verbHelp } from '../../../cmd/tsrun/help.ts'
import { versionText } from '../../../cmd/tsrun/version.ts'

const test = suite('help')

test('the help of the program names every verb and every global flag', () => {
  const text = programHelp()
  for (const { name, summary, hidden } of verbs) {
    assert.is(new RegExp(`^   ${name} +${summary}`, 'm').test(text), hidden !== true, name)
  }
  for (const { name } of globalFlags) assert.ok(text.includes(`--${name}`), name)
})

for (const verb of verbs) {
  test(`the help of ${verb.name} names its flags, but for hidden ones`, () => {
    const text = verbHelp(verb)
    assert.match(text, new RegExp(`^NAME:\n   tsrun ${verb.name} - ${verb.summary}\n`))
    for (const { name, short, hidden } of verb.flags) {
      const shown = text.split('\n').some((line) => new RegExp(`^   --${name}[ ,]`).test(line))
      assert.is(shown, hidden !== true, name)
      if (short !== undefined && hidden !== true) assert.ok(text.includes(`, -${short} `), short)
    }
    assert.ok(text.split('\n').every((line) => line.trimEnd() === line && line.length <= 160))
  })
}

test('the version is what callers parse', () => {
  assert.match(versionText(), /^tsrun version \S+\ncommit: \S+\nspec: 1\.3\.0\n/)
})

test.run()
