// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatDescriptors, inheritedPipes } from '../../../../runtime/criu/descriptors.ts'
import { refusalOf } from '../compile/requests.ts'

const test = suite('descriptors')

test('pipes are handed on by the descriptor that they stand for', () => {
  const text = formatDescriptors(['/dev/null', 'pipe:[12]', 'pipe:[13]'])
  assert.equal(inheritedPipes(text, 'f'), [
    { key: 'pipe:[12]', fd: 1 },
    { key: 'pipe:[13]', fd: 2 },
  ])
})

test('one pipe for both outputs is handed on once', () => {
  assert.equal(inheritedPipes('["", "pipe:[7]", "pipe:[7]"]', 'f'), [{ key: 'pipe:[7]', fd: 1 }])
})

test('what is not the name of a pipe is not handed to criu', () => {
  for (const key of [
    'pipe:',
    'pipe:[x]',
    'net[1]:pipe:[1]',
    'file[1:2]',
    'pipe:[1] ',
    '/pipe:[1]',
    `pipe:[${'9'.repeat(30)}]`,
  ]) {
    assert.equal(inheritedPipes(JSON.stringify([key]), 'f'), [], key)
  }
})

test('another form is refused', () => {
  for (const text of ['{}', 'null', '[1]', '["a","b","c","d"]', '"pipe:[1]"', 'pipe', '']) {
    assert.match(
      refusalOf(() => inheritedPipes(text, 'f')),
      /f/,
      text,
    )
  }
})

test.run()
