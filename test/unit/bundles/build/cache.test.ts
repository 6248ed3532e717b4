// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cacheKey, explainMiss, type InputFile, type StepInputs } from '../../../../bundles/build/cache.ts'

const file = (path: string, more: Partial<InputFile> = {}): InputFile => ({
  path,
  type: 'file',
  mode: 0o644,
  owner: '',
  content: 'c',
  ...more,
})
const inputs = (more: Partial<StepInputs> = {}): StepInputs => ({
  parent: 'p',
  settings: { command: 'x', user: '' },
  files: {},
  ...more,
})

test('equal inputs have equal keys, in whatever order they are set', () => {
  const other = { parent: 'p', files: {}, settings: { user: '', command: 'x' } }
  assert.is(cacheKey(inputs()), cacheKey(other))
})

test('each part of the inputs counts', () => {
  const base = inputs({ files: { 'COPY a': [file('a')] } })
  const changed: readonly StepInputs[] = [
    { ...base, parent: 'q' },
    { ...base, settings: { ...base.settings, user: '1' } },
    { ...base, settings: { command: 'x' } },
    { ...base, files: { 'COPY b': [file('a')] } },
    { ...base, files: { 'COPY a': [] } },
    ...(['path', 'type', 'owner', 'content'] as const).map((key) => ({
      ...base,
      files: { 'COPY a': [file('a', { [key]: 'z' })] },
    })),
    { ...base, files: { 'COPY a': [file('a', { mode: 0o755 })] } },
  ]
  const keys = new Set([base, ...changed].map(cacheKey))
  assert.is(keys.size, changed.length + 1)
})

test('a miss is told in words', () => {
  const now = inputs({ files: { 'COPY src': [file('a'), file('b', { mode: 0o755 }), file('c')] } })
  const before = inputs({ files: { 'COPY src': [file('a', { content: 'o' }), file('b'), file('d')] } })
  assert.is(explainMiss(undefined, now), 'it has not been built before')
  assert.is(explainMiss(before, now), 'COPY src: 4 files changed: a content, b mode 644 -> 755, + c, - d')
  assert.is(explainMiss(inputs({ settings: { command: 'y', user: '' } }), inputs()), 'command: y -> x')
  assert.is(explainMiss(inputs({ settings: { command: 'x' } }), inputs()), 'user is new: ')
  assert.is(explainMiss(inputs({ parent: 'o' }), inputs()), 'an earlier step made another result')
  assert.is(explainMiss(inputs(), inputs()), 'what it made is no longer in the cache')
})

test.run()
