// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { annotationProperties } from '../../../../../runtime/cgroups/systemd/annotations.ts'
import { parseVariant } from '../../../../../runtime/cgroups/systemd/gvariant.ts'
import { propertyText } from '../../../../../runtime/cgroups/systemd/property.ts'

const parse = (text: string): string => {
  const { type, values } = parseVariant(text)
  return `${type} ${values.join('|')}`
}

test('reads every kind of value', () => {
  const cases: readonly (readonly [text: string, value: string])[] = [
    ["'a b'", 's a b'],
    ['"it\'s"', "s it's"],
    ["'\\'\\\\\\u00e4'", "s '\\ä"],
    ['true', 'b true'],
    ['5', 'i 5'],
    ['-5', 'i -5'],
    ['0x10', 'i 16'],
    ['010', 'i 8'],
    ['1.5', 'd 1.5'],
    ['uint32 4294967295', 'u 4294967295'],
    ['uint64 18446744073709551615', 't 18446744073709551615'],
    ['int64 -9223372036854775808', 'x -9223372036854775808'],
    ['byte 255', 'y 255'],
    ["['a', 'b']", 'as 2|a|b'],
    ['[uint32 1, 2]', 'au 2|1|2'],
    ['@as []', 'as 0'],
    ['@t 7', 't 7'],
    ["('a', uint64 5)", '(st) a|5'],
    ["[('/dev/null', 'rw'), ('/dev/zero', 'r')]", 'a(ss) 2|/dev/null|rw|/dev/zero|r'],
    ['@a(ss) []', 'a(ss) 0'],
    ['  1  ', 'i 1'],
  ]
  for (const [text, value] of cases) assert.is(parse(text), value, text)
})

test('refuses everything else', () => {
  const cases: readonly (readonly [text: string, why: RegExp])[] = [
    ['', /ends too early/],
    ['word', /no value/],
    ["'open", /cannot be read/],
    ['1 2', /left over/],
    ['2147483648', /does not fit/],
    ['uint32 -1', /does not fit/],
    ['byte 256', /does not fit/],
    ['uint32 1.5', /not of the type/],
    ["uint32 'a'", /not of the type/],
    ['[]', /needs its type/],
    ["[1, 'a']", /not of the type|different types/],
    ['[1 2]', /comma/],
    ['[1', /comma|too early/],
    ['{1: 2}', /cannot be read/],
    ['<1>', /cannot be read/],
    ['nothing', /no value/],
    ["'a\\nb'", /control characters/],
    ['089', /octal/],
    ['@v 1', /cannot|supported/],
    ['@uu 1', /more than one/],
    ['()', /not of the type/],
  ]
  for (const [text, why] of cases)
    assert.throws(
      () => parseVariant(text),
      (e: Error) => why.test(e.message),
      text,
    )
})

const read = (annotations: Record<string, string>): readonly string[] =>
  annotationProperties(annotations).map(propertyText)

test('annotations are properties; seconds become microseconds', () => {
  assert.equal(
    read({
      'other.annotation': 'x',
      'org.systemd.property.CollectMode': "'inactive-or-failed'",
      'org.systemd.property.TimeoutStopUSec': 'uint64 123456789',
      'org.systemd.property.TimeoutStopSec': '5',
      'org.systemd.property.RuntimeMaxSec': '1.5',
      'org.systemd.property.After': "['a.service', 'b.service']",
    }),
    [
      'CollectMode=s inactive-or-failed',
      'TimeoutStopUSec=t 123456789',
      'TimeoutStopUSec=t 5000000',
      'RuntimeMaxUSec=t 1500000',
      'After=as 2\ta.service\tb.service',
    ],
  )
})

test('errors name the annotation', () => {
  const refused = (name: string, value: string, why: RegExp): void =>
    assert.throws(
      () => read({ [`org.systemd.property.${name}`]: value }),
      (e: Error) => e.message.includes(`annotations["org.systemd.property.${name}"]`) && why.test(e.message),
    )
  refused('Ab', '1', /not the name of a property/)
  refused('A-Property', '1', /not the name of a property/)
  refused('CollectMode', 'inactive', /in quotes/)
  refused('TimeoutStopSec', "'5'", /not a number of seconds/)
  refused('TimeoutStopSec', '-5', /not a number of seconds/)
})

test.run()
