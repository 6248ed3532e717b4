// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDuration, parseSize } from '../../../cmd/tsrun/go-values.ts'

const test = suite('go-values')
const KB = 1024

test('sizes', () => {
  const sizes: Readonly<Record<string, number>> = {
    0: 0,
    32: 32,
    '32b': 32,
    '32B': 32,
    '32k': 32 * KB,
    '32K': 32 * KB,
    '32kb': 32 * KB,
    '32KiB': 32 * KB,
    '64m': 64 * KB ** 2,
    '64 MB': 64 * KB ** 2,
    '1g': KB ** 3,
    '1.5g': 1.5 * KB ** 3,
    '.5m': KB ** 2 / 2,
    '1t': KB ** 4,
    '2P': 2 * KB ** 5,
    '32.3kb': 33075,
    '9223372036854775807': 2 ** 63,
  }
  for (const [text, bytes] of Object.entries(sizes)) assert.is(parseSize(text), bytes, text)
})

test('what is no size', () => {
  for (const text of [
    '',
    ' ',
    'k',
    '-1',
    '-64m',
    '10x',
    '10mm',
    '10ki',
    '1 0',
    '10  m',
    '1m ',
    'ten',
    '0x10',
    '1.2.3m',
    '10bb',
  ]) {
    assert.is(parseSize(text), undefined, text)
  }
})

test('durations', () => {
  const durations: Readonly<Record<string, number>> = {
    0: 0,
    '0s': 0,
    '5s': 5000,
    '+5s': 5000,
    '-5s': -5000,
    '500ms': 500,
    '1.5s': 1500,
    '1m30s': 90_000,
    '1h0.5m': 3_630_000,
    '250us': 0.25,
    '250µs': 0.25,
    '1000ns': 0.001,
  }
  for (const [text, ms] of Object.entries(durations)) assert.is(parseDuration(text), ms, text)
})

test('what is no duration', () => {
  for (const text of ['', '5', 's', '5x', '5 s', '1s ', '--5s', '1.2.3s', 'always']) {
    assert.is(parseDuration(text), undefined, text)
  }
})

test.run()
