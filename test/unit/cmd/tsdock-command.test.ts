// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Command, parseCommand } from '../../../cmd/tsdock/command.ts'

const command: Command = {
  name: 'x',
  summary: '',
  usage: '',
  flags: [
    { name: 'many', short: 'm', type: 'list', summary: '' },
    { name: 'one', short: 'o', type: 'string', summary: '' },
    { name: 'yes', short: 'y', type: 'boolean', summary: '' },
  ],
  positionals: { min: 0, max: 9 },
  examples: [],
  load: async () => async () => 0,
}

test('a list keeps all that is given, and of others the last one counts', async () => {
  const words = ['-m', 'a', '--many', 'b,c', '--many=d', '-o', '1', '--one=2', '-y', '-y', 'p']
  const { list, text, isSet, positionals } = await parseCommand(command, words)
  assert.equal(list('many'), ['a', 'b,c', 'd'])
  assert.is(text('one'), '2')
  assert.ok(isSet('yes'))
  assert.equal(positionals, ['p'])
  assert.equal((await parseCommand(command, [])).list('many'), [])
})

test.run()
