// SPDX-License-Identifier: Apache-2.0
// A template that TypeScript makes of one config gives, filled in by C with another config of the same shape, the plan that
// TypeScript would have made for it; and nothing whatsoever makes C touch memory that is not the template's.

import { spawnSync } from 'node:child_process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cgroupManager } from '../../runtime/compile/cgroup-manager.ts'
import type { PlanRequest } from '../../runtime/facts/request.ts'
import { decodePlan } from '../../runtime/plan/decode.ts'
import { encodePlan } from '../../runtime/plan/encode.ts'
import { fillHoles } from '../../runtime/plan/template.ts'
import { findHoles, type Hole } from '../../runtime/plan/template-holes.ts'
import { planFromRequest } from '../../runtime/plan-request.ts'
import { templateFromRequest } from '../../runtime/template-request.ts'
import { requestHoles, templateText, withTemplateText } from '../../runtime/template-text.ts'
import type { Spec } from '../../spec/runtime/config.ts'
import { goldenCases, readGoldenRequest } from '../helpers/golden.ts'
import { sequence } from '../unit/spec/mutate.ts'
import { compileProgram } from './compile.ts'

const other = {
  id: 'another_id.7',
  bundle: '/srv/other bundle'.replace(' ', '-'),
  time: '2031-12-31T23:59:59.999999999Z',
}

interface Trial {
  readonly template: Uint8Array
  readonly text: string
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

/** Fills templates in; undefined for those that do not fit. */
function fill(
  program: string,
  trials: readonly Trial[],
  ...more: readonly string[]
): readonly (Uint8Array | undefined)[] {
  const input = trials.flatMap(({ template, text }) => {
    const bytes = Buffer.from(text)
    return [word(template.length), word(bytes.length), template, bytes]
  })
  const result = spawnSync(program, [other.id, other.bundle, other.time, ...more], {
    input: Buffer.concat(input),
    maxBuffer: 256 << 20,
  })
  assert.is(
    result.status,
    0,
    `status ${result.status}, signal ${result.signal}: ${result.stderr.toString().slice(0, 3000)}`,
  )
  const plans: (Uint8Array | undefined)[] = []
  for (let at = 0; at < result.stdout.length; ) {
    const length = result.stdout.readUInt32LE(at)
    plans.push(length === 0 ? undefined : Uint8Array.from(result.stdout.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  assert.is(plans.length, trials.length)
  return plans
}

function makeTemplate(request: PlanRequest): Uint8Array {
  const template = templateFromRequest(request, planFromRequest(request))
  assert.ok(template, 'no template was made')
  return template as Uint8Array
}

const alternatives = {
  path: ['/x', '/var/lib/other/0123456789abcdef/merged', '/a.b/..c/d-e_f'],
  word: ['h', 'Other-Host.example', 'x'.repeat(64)],
  text: [' ', 'other value: {}[],=/~', "it's;$(x)`y`", 'z'.repeat(3000)],
  number: ['0', '17', '9'.repeat(20)],
  unit: ['u', '0123_abcDEF', 'x'.repeat(64)],
} as const

/** What is linked keeps its equals, and gets no new ones. */
function linkedValue(text: string, round: number): string {
  return round === 0 ? text : `${text.slice(0, 40)}-${round}`
}

function valuesOf(text: string, holes: readonly Hole[], round: number): readonly string[] {
  return holes.map(({ hole, linked, start, end }, index) => {
    if (linked) return linkedValue(text.slice(start, end), round)
    const list = alternatives[hole]
    return list[(index + round) % list.length] ?? ''
  })
}

const holesOf = (request: PlanRequest): readonly Hole[] =>
  findHoles(request.config, JSON.parse(request.config) as Spec, cgroupManager(request) === 'systemd')

const shown = (plan: Uint8Array): string =>
  JSON.stringify(decodePlan(plan), (_, item: unknown) =>
    typeof item === 'bigint' ? `${item}n` : item instanceof Uint8Array ? [...item] : item,
  )

const program = compileProgram('template', 'static')
if (!('path' in program)) throw new Error(program.reason)

/** A request that a template may be made of: without --cgroup, and init is in the cgroup that it was put into. */
function ordinaryRequest(name: string): PlanRequest {
  const request = readGoldenRequest(name)
  const options = new Map(request.options)
  options.delete('cgroup')
  const { target } = request
  const moved =
    target && name === 'exec-process' ? { ...target, cgroup: '4:memory:/web\n0::/user.slice/web\n' } : target
  return { ...request, options, target: moved }
}

for (const name of goldenCases()) {
  test(`${name}: a filled-in template is the plan of the other request`, () => {
    const request = ordinaryRequest(name)
    const template = makeTemplate(request)
    const whole = templateText(request)
    const holes = requestHoles(request) ?? []
    for (let round = 0; round < 4; round++) {
      const text = fillHoles(whole, holes, valuesOf(whole, holes, round))
      const [plan] = fill(program.path, [{ template, text }])
      assert.ok(plan, `round ${round}: it does not fit`)
      const facts = { ...request.facts, time: other.time }
      const others = { ...withTemplateText(request, text), id: other.id, bundle: other.bundle, facts }
      const expected = encodePlan(planFromRequest(others))
      assert.is(shown(plan as Uint8Array), shown(expected))
    }
  })
}

test('a cgroupsPath that is relative has holes as well', () => {
  const golden = readGoldenRequest('rootless')
  const { linux, ...spec } = JSON.parse(golden.config) as Spec
  const withPath = (cgroupsPath: string): string => JSON.stringify({ ...spec, linux: { ...linux, cgroupsPath } })
  const request = { ...golden, config: withPath('parent/one') }
  const template = makeTemplate(request)
  const fitting = { ...request, config: withPath('above/two'), id: other.id, bundle: other.bundle }
  const unfit = ['one', '/above/two', 'above/../two', 'above/', '../two', 'a/b/c'].map(withPath)
  const [plan, ...none] = fill(
    program.path,
    [fitting.config, ...unfit].map((text) => ({ template, text })),
  )
  const facts = { ...request.facts, time: other.time }
  assert.is(shown(plan as Uint8Array), shown(encodePlan(planFromRequest({ ...fitting, facts }))))
  assert.ok(none.every((one) => one === undefined))
})

test('engines have many holes: paths, ids, arguments, environment', () => {
  const { config } = readGoldenRequest('engine')
  const holes = findHoles(config, JSON.parse(config) as Spec).map(({ hole, start, end }) => [
    hole,
    config.slice(start, end),
  ])
  assert.ok(holes.length >= 8, JSON.stringify(holes))
  assert.ok(holes.some(([hole]) => hole === 'path') && holes.some(([hole]) => hole === 'text'))
})

test('a source in the root is for the planner to see', () => {
  const request = readGoldenRequest('engine')
  const template = makeTemplate(request)
  const holes = holesOf(request)
  const values = holes.map(({ start, end }) => request.config.slice(start, end))
  const { root } = JSON.parse(request.config) as Spec
  const sources = holes.flatMap(({ hole }, index) => (hole === 'path' && values[index] !== root?.path ? [index] : []))
  assert.ok(sources.length > 0)
  const trials = [`${root?.path}x`, `${root?.path}/in`].map((source) => ({
    template,
    text: fillHoles(request.config, holes, values.with(sources[0] ?? 0, source)),
  }))
  const [beside, inside] = fill(program.path, trials)
  assert.ok(beside)
  assert.is(inside, undefined)
})

for (const name of ['engine', 'systemd-pod'])
  test(`${name}: what does not fit a hole, or lies outside of it, does not fit`, () => {
    const request = readGoldenRequest(name)
    const template = makeTemplate(request)
    const holes = holesOf(request)
    const good = holes.map(({ start, end }) => request.config.slice(start, end))
    const bad = {
      path: [
        '',
        '/',
        'relative',
        '//x',
        '/a//b',
        '/a/../b',
        '/a/./b',
        '/..',
        '/a/.',
        '/a/',
        '/a b',
        '/ä',
        '/a\\u002fb',
        `/${'x'.repeat(200)}`,
      ],
      word: ['', 'a b', 'a/b', 'ä', 'x'.repeat(65)],
      text: ['', '\\n', 'ä', '\t', 'x'.repeat(4097), '\x7f'],
      unit: ['', 'a-b', 'a.slice', 'a+b', 'a:b', 'a/b', 'ä', 'x'.repeat(65)],
    } as const
    const trials: Trial[] = [{ template, text: request.config }]
    for (const hole of ['path', 'word', 'text', 'unit'] as const) {
      const at = holes.findIndex((candidate) => candidate.hole === hole)
      if (at < 0) continue
      for (const value of bad[hole]) {
        trials.push({ template, text: fillHoles(request.config, holes, good.with(at, value)) })
      }
    }
    for (const config of [`${request.config} `, ` ${request.config}`, request.config.slice(0, -1), '', '{}']) {
      trials.push({ template, text: config })
    }
    trials.push({ template, text: request.config.replace('"ociVersion"', '"ociVersioN"') })
    const [first, ...rest] = fill(program.path, trials)
    assert.ok(first)
    rest.forEach((plan, index) => {
      const text = trials[index + 1]?.text ?? ''
      assert.is(plan, undefined, `it fits: ${text.slice(0, 300)}`)
    })
  })

test('units of systemd: the name and the last part of a nested slice are holes', () => {
  const texts = (cgroupsPath: string): readonly string[] => {
    const config: Spec = { ociVersion: '1.3.0', linux: { cgroupsPath } }
    const json = JSON.stringify(config)
    return findHoles(json, config, true).map(({ start, end }) => json.slice(start, end))
  }
  assert.equal(texts('kubepods-besteffort-pod12_ab.slice:cri-containerd:0123'), ['pod12_ab', '0123'])
  assert.equal(texts('system.slice:docker:0123'), ['0123'])
  assert.equal(texts(':docker:0123'), ['0123'])
  // Without a prefix the name may begin as a file of cgroups does; one that ends in .slice is another kind of unit.
  assert.equal(texts('system.slice::0123'), [])
  assert.equal(texts('system.slice:docker:a.slice'), [])
  assert.equal(texts('system.slice:docker:a-b'), [])
  assert.equal(texts('a:b'), [])
})

test('with the systemd driver and no cgroupsPath there is no template', () => {
  const request = readGoldenRequest('systemd-pod')
  const { linux, ...spec } = JSON.parse(request.config) as Spec
  const config = JSON.stringify({ ...spec, linux: { ...linux, cgroupsPath: undefined } })
  const changed = { ...request, config }
  assert.is(templateFromRequest(changed, planFromRequest(changed)), undefined)
})

test('a value that decides something is no hole', () => {
  const texts = (config: Spec): readonly string[] => {
    const json = JSON.stringify(config)
    return findHoles(json, config).map(({ start, end }) => json.slice(start, end))
  }
  const base: Spec = { ociVersion: '1.3.0', process: { cwd: '/', user: { uid: 0, gid: 0 } } }
  assert.equal(texts(base), [])
  const env = ['HOME=/root', 'LISTEN_FDS=1', 'NOTIFY_SOCKET=/x', 'A=b', 'EMPTY=', 'noequals']
  assert.equal(texts({ ...base, process: { cwd: '/', user: { uid: 0, gid: 0 }, env } }), ['b'])
  const mounts = [
    { destination: '/proc', source: '/proc', options: ['rbind'] },
    { destination: '/data', source: '/src', options: ['rbind'] },
    { destination: '/tmp', source: '/tmp', type: 'tmpfs' },
    { destination: '/b', source: 'relative', options: ['bind'] },
  ]
  assert.equal(texts({ ...base, mounts }), ['/src'])
  assert.equal(texts({ ...base, annotations: { 'org.systemd.property.X': 'y', 'a.b': 'c' } }), ['c'])
})

test('exec: what decides by its value makes no template', () => {
  const request = ordinaryRequest('exec-process')
  const plan = (changed: PlanRequest): unknown => templateFromRequest(changed, planFromRequest(changed))
  assert.ok(plan(request))
  const { target } = request
  // Init has moved to a cgroup below the container's.
  assert.is(plan({ ...request, target: target && { ...target, cgroup: '0::/user.slice/web/init.scope\n' } }), undefined)
  assert.is(plan({ ...request, options: new Map([...request.options, ['cgroup', ['memory:sub']]]) }), undefined)
})

test('exec: a directory that two controllers share is shared in every container that fits', () => {
  const request = ordinaryRequest('exec-process')
  const template = makeTemplate(request)
  const state = request.state ?? ''
  const fits = (text: string): boolean =>
    fill(program.path, [{ template, text: templateText({ ...request, state: text }) }])[0] !== undefined
  assert.ok(fits(state))
  assert.ok(fits(state.replaceAll(/(cgroup[^"]*)\/web/g, '$1/other')))
  assert.not.ok(fits(state.replace('cpu,cpuacct/web', 'cpu,cpuacct/other')))
  assert.not.ok(fits(state.replaceAll('cpu,cpuacct/web', 'cpu,cpuacct/memory')))
  assert.not.ok(fits(state.replaceAll(/(cgroup[^"]*)\/web/g, '$1/we/b')))
})

test('exec: every part of the request counts', () => {
  const request = ordinaryRequest('exec-flags')
  const template = makeTemplate(request)
  const fits = (changed: Partial<PlanRequest>): boolean =>
    fill(program.path, [{ template, text: templateText({ ...request, ...changed }) }])[0] !== undefined
  assert.ok(fits({}))
  assert.ok(fits({ args: request.args.map(() => 'x') }))
  assert.not.ok(fits({ args: [...request.args, 'x'] }))
  assert.not.ok(fits({ args: request.args.slice(1) }))
  assert.not.ok(fits({ process: '{}' }))
  assert.not.ok(fits({ config: request.config.replace('"ociVersion"', '"ociversion"') }))
})

const sanitized = compileProgram('template', 'sanitized')
if ('path' in sanitized) {
  test('damaged templates are harmless', () => {
    const names = ['engine', 'exec-process']
    const made = names.map((name) => ({
      request: ordinaryRequest(name),
      template: makeTemplate(ordinaryRequest(name)),
    }))
    const random = sequence(11)
    const trials = Array.from({ length: 1500 }, (_, round) => {
      const { request, template } = made[round % 3 === 0 ? 1 : 0] ?? { template: new Uint8Array() }
      const damaged = Uint8Array.from(template)
      const words = new Uint32Array(damaged.buffer)
      for (let count = 0; count <= random(4); count++) {
        if (round % 2 === 0)
          words[random(round % 4 === 0 ? 15 : words.length)] = random(2) ? random(damaged.length) : random(0xffffffff)
        else damaged[random(damaged.length)] = random(256)
      }
      return {
        template: round % 10 === 0 ? damaged.slice(0, random(damaged.length)) : damaged,
        text: request ? templateText(request) : '',
      }
    })
    fill(sanitized.path, trials, 'any')
  })
} else {
  process.stdout.write(`SKIP wire: damaged templates are harmless: ${sanitized.reason}\n`)
  test.skip('damaged templates are harmless', () => undefined)
}

test.run()
