// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDocument, parseJson } from '../../../runtime/json.ts'
import { compileResourcesV1 } from '../../../runtime/cgroups/v1/resources.ts'
import { compileResourcesV2 } from '../../../runtime/cgroups/v2/resources.ts'
import { planFromRequest } from '../../../runtime/plan-request.ts'
import { compileSeccompPolicy } from '../../../runtime/seccomp/policy.ts'
import { exactInteger, withExactIntegers } from '../../../spec/exact-integer.ts'
import type { LinuxResources } from '../../../spec/runtime/resources.ts'
import type { LinuxSeccomp } from '../../../spec/runtime/seccomp.ts'
import { find, makeRequest } from './compile/requests.ts'

const test = suite('json')

type Numbers = Record<'a' | 'b', number>

test('a number beyond 2^53 keeps its digits', () => {
  const text = '{"a": 9007199254740993, "list": [{"b": -9223372036854775807}], "t": "say \\"9007199254740993\\""}'
  const value = parseJson(text, 'x') as Numbers & { list: Numbers[]; t: string }
  assert.is(exactInteger(value, 'a'), 9007199254740993n)
  assert.is(exactInteger(value.list[0] as Numbers, 'b'), -9223372036854775807n)
  assert.is(value.t, 'say "9007199254740993"')
  assert.is(typeof value.a, 'number')
  assert.is(exactInteger(withExactIntegers({ ...value }, value), 'a'), 9007199254740993n)
})

test('numbers that a double holds, absent ones and strings like marks', () => {
  const text = '{"a": 9007199254740991, "m": "integer 0: 18446744073709551615", "b": 18446744073709551615}'
  const value = parseJson(text, 'x') as Numbers & { m: string; c?: number }
  assert.is(exactInteger(value, 'a'), 9007199254740991n)
  assert.is(exactInteger(value, 'b'), 18446744073709551615n)
  assert.is(exactInteger(value, 'c'), 0n)
  assert.is(value.m, 'integer 0: 18446744073709551615')
})

test('what is no JSON is told as ever', () => {
  assert.throws(() => parseJson('{"a": 90071992547409931, }', 'x'), /x: not valid JSON: unexpected "}" at line 1/)
  assert.throws(() => parseJson('{"a": 00071992547409931111}', 'x'), /not valid JSON/)
})

test('limits, seccomp arguments, rlimits and offsets reach the kernel with all of their digits', () => {
  const limits = parseJson('{"memory": {"limit": 9223372036854771713}}', 'x') as LinuxResources
  const values = (writes: ReturnType<typeof compileResourcesV1>) => writes.map(({ value }) => value)
  assert.equal(values(compileResourcesV1(limits)), ['9223372036854771713'])
  assert.equal(values(compileResourcesV2(limits)), ['9223372036854771713'])

  const profile = `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO",
    "args": [{"index": 0, "value": 18446744073709551614, "valueTwo": 9007199254740993, "op": "SCMP_CMP_MASKED_EQ"}]}]}`
  const { policy } = compileSeccompPolicy(parseJson(profile, 'x') as LinuxSeccomp, 'x86_64')
  assert.match(new TextDecoder().decode(policy), / 0:masked_eq:18446744073709551614:9007199254740993 /)
  const tooLarge = parseJson(profile.replace('6744073709551614', '6744073709551616'), 'x') as LinuxSeccomp
  assert.throws(() => compileSeccompPolicy(tooLarge, 'x86_64'), /args\[0\]\.value: 18446744073709551616 is not/)

  const request = makeRequest({ process: { rlimits: [{ type: 'RLIMIT_FSIZE', soft: 0, hard: 7 }] } })
  const plan = planFromRequest({ ...request, config: request.config.replace(':7}', ':4611686018427387905}') })
  assert.is(find(plan, 'drop', 'prlimit').hard, 4611686018427387905n)
})

for (const [text, value] of [
  ['{"a":null,"b":{"c":null,"d":1},"e":[{"f":null}]}', { b: { d: 1 }, e: [{}] }],
  // What is listed is there, and is for the schema to judge; so is the document itself.
  ['{"a":[null,1]}', { a: [null, 1] }],
  ['null', null],
  ['{"a":"null"}', { a: 'null' }],
] as const) {
  test(`${text} without the fields that are null`, () => assert.equal(parseDocument(text, 'x'), value))
}

test('no field becomes the prototype of its object', () => {
  const value = parseDocument('{"__proto__":{"polluted":1},"a":null}', 'x') as { readonly polluted?: unknown }
  assert.is(value.polluted, undefined)
  assert.ok(Object.hasOwn(value, '__proto__'))
})

test('the digits of a large number stay where a field beside it is null', () => {
  const value = parseDocument('{"a":9007199254740993,"b":null}', 'x') as { readonly a: number }
  assert.is(exactInteger(value, 'a'), 9007199254740993n)
})

test.run()
