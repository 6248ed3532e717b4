// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { programOf } from '../../../../bundles/dockerfile/instructions/run.ts'
import { joinWorkdir } from '../../../../bundles/dockerfile/instructions/workdir.ts'
import { type Dockerfile, parseDockerfile } from '../../../../bundles/dockerfile/parse.ts'
import { PROXY_ARGS } from '../../../../bundles/dockerfile/predefined-args.ts'
import {
  type BuildScope,
  evaluate,
  openBuild,
  openStage,
  type StageScope,
} from '../../../../bundles/dockerfile/scope.ts'
import { findStage, reachableStages, resolveSource, resolveStages } from '../../../../bundles/dockerfile/stages.ts'
import { inputs } from './inputs.ts'

interface Opened {
  readonly dockerfile: Dockerfile
  readonly build: BuildScope
  /** Of each stage, after its last instruction. */
  readonly scopes: readonly StageScope[]
}

function open(text: string, buildArgs: Readonly<Record<string, string>> = {}): Opened {
  const dockerfile = parseDockerfile(text)
  const build = openBuild(dockerfile, inputs(buildArgs))
  const scopes: StageScope[] = []
  for (const { base, instructions } of resolveStages(dockerfile, build)) {
    const scope = openStage(base.kind === 'stage' ? scopes[base.index] : undefined, [])
    for (const { source, instruction } of instructions) evaluate(build, scope, source, instruction)
    scopes.push(scope)
  }
  return { dockerfile, build, scopes }
}

const variable = (opened: Opened, name: string, stage = -1): string | undefined =>
  opened.scopes.at(stage)?.variables.get(name)

test('global arguments see those before them, and are for FROM alone', () => {
  const text = 'ARG A=1\nARG B=$A-${TARGETARCH} C\nFROM img:$B\nARG B\nENV seen=$A/$B'
  assert.is(variable(open(text), 'seen'), '/1-arm64')
  const { build } = open(text, { A: '2', C: 'given' })
  assert.equal([build.globals.get('A'), build.globals.get('B'), build.globals.get('C')], ['2', '2-arm64', 'given'])
  assert.equal([...build.declared], ['A', 'B', 'C'])
})

test('an argument of a stage is given, has a default, or is that of all', () => {
  const text = 'ARG G=global\nFROM a\nARG G\nARG D=default$G\nARG U\nARG TARGETPLATFORM BUILDARCH'
  const opened = open(text)
  assert.equal(
    ['G', 'D', 'U', 'TARGETPLATFORM', 'BUILDARCH'].map((name) => variable(opened, name)),
    ['global', 'defaultglobal', undefined, 'linux/arm64', 'amd64'],
  )
  const given = open(text, { D: 'x', U: 'y', TARGETPLATFORM: 'linux/s390x' })
  assert.equal(
    ['D', 'U', 'TARGETPLATFORM'].map((name) => variable(given, name)),
    ['x', 'y', 'linux/s390x'],
  )
  assert.equal([...(given.scopes[0]?.args ?? [])].slice(0, 2), [
    ['G', 'global'],
    ['D', 'x'],
  ])
})

test('an argument is not seen before its line, nor without one', () => {
  const opened = open('ARG A=1\nFROM a\nENV before=$A\nARG A\nENV after=$A other=$HTTP_PROXY', { HTTP_PROXY: 'p' })
  assert.equal([variable(opened, 'before'), variable(opened, 'after'), variable(opened, 'other')], ['', '1', ''])
  assert.ok(PROXY_ARGS.includes('no_proxy') && PROXY_ARGS.length === 10)
})

test('ENV sees what was before it, ARG what is left of it', () => {
  const opened = open('FROM a\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\nARG x=1 y=$x')
  assert.equal(
    ['def', 'ghi', 'y'].map((name) => variable(opened, name)),
    ['hello', 'bye', '1'],
  )
})

test('ARG and ENV: the last one counts, and only ENV is in the image', () => {
  const opened = open('FROM a\nARG v=arg\nENV v=env\nFROM a\nENV v=env\nARG v=arg')
  assert.is(variable(opened, 'v', 0), 'env')
  assert.is(variable(opened, 'v', 1), 'arg')
  assert.equal(
    [...(opened.scopes[1]?.env ?? [])].filter(([name]) => name !== 'PATH'),
    [['v', 'env']],
  )
})

test('a stage begins with the variables of its base', () => {
  const opened = open('FROM a AS base\nARG one=1\nENV two=2\nFROM base\nENV all=$one$two\nFROM a\nENV none=$one$two')
  assert.is(variable(opened, 'all', 1), '12')
  assert.is(variable(opened, 'none', 2), '')
  assert.match(variable(opened, 'PATH', 2) ?? '', /^\/usr\/local\/sbin:/)
  assert.is(openStage(undefined, [['PATH', '/bin']]).variables.get('PATH'), '/bin')
})

test('stages are known by name and number', () => {
  const text =
    'FROM a AS One\nFROM one AS two\nCOPY --from=ONE x y\nFROM scratch\nCOPY --from=1 x y\nRUN --mount=from=one,target=/o x'
  const dockerfile = parseDockerfile(text)
  const stages = resolveStages(dockerfile, openBuild(dockerfile, inputs()))
  assert.equal(
    stages.map(({ base, dependencies }) => [base, dependencies]),
    [
      [{ kind: 'image', name: 'a' }, []],
      [{ kind: 'stage', index: 0 }, [0]],
      [{ kind: 'scratch' }, [0, 1]],
    ],
  )
  assert.equal([findStage(dockerfile), findStage(dockerfile, 'TWO'), findStage(dockerfile, '0')], [2, 1, 0])
  assert.throws(() => findStage(dockerfile, 'tow'), /there is no stage tow: expected one, two \(did you mean two\?\)/)
  assert.throws(() => findStage(dockerfile, '3'), /there is no stage 3/)
  const range = { start: 3, end: 3 }
  assert.equal(resolveSource(dockerfile, 1, 'scratch', range), { kind: 'scratch' })
  assert.equal(resolveSource(dockerfile, 1, 'busybox', range), { kind: 'image', name: 'busybox' })
})

test('stages that nothing needs are left out', () => {
  const dockerfile = parseDockerfile(
    'FROM a AS a1\nFROM b AS unused\nFROM a1 AS a2\nFROM c AS tools\nFROM a2\nCOPY --from=tools x y\nFROM a1 AS last',
  )
  const stages = resolveStages(dockerfile, openBuild(dockerfile, inputs()))
  assert.equal(reachableStages(stages, 4), [0, 2, 3, 4])
  assert.equal(reachableStages(stages, findStage(dockerfile)), [0, 5])
})

test('of stages with one name the last one above counts', () => {
  const dockerfile = parseDockerfile('FROM a AS x\nFROM x AS x\nFROM x\nCOPY --from=x a b')
  const stages = resolveStages(dockerfile, openBuild(dockerfile, inputs()))
  assert.equal(
    stages.map(({ dependencies }) => dependencies),
    [[], [0], [1]],
  )
})

test('the triggers of a base are done first, once', () => {
  const dockerfile = parseDockerfile(
    'FROM t AS tools\nFROM a AS base\nONBUILD COPY --from=tools x y\nONBUILD ENV a=1\nFROM base AS next\nENV b=$a\nFROM next',
  )
  const build = openBuild(dockerfile, inputs())
  const stages = resolveStages(dockerfile, build)
  assert.equal(
    stages.map(({ instructions }) => instructions.map(({ instruction, onbuild }) => [instruction.kind, onbuild])),
    [
      [],
      [
        ['onbuild', false],
        ['onbuild', false],
      ],
      [
        ['copy', true],
        ['env', true],
        ['env', false],
      ],
      [],
    ],
  )
  assert.equal(stages[2]?.dependencies, [0, 1])
  assert.is(variable(open(dockerfile.source.lines.join('\n')), 'b'), '1')
})

test('platforms of FROM are those of the build, or their own', () => {
  const dockerfile = parseDockerfile(
    'ARG P=linux/386\nFROM --platform=$BUILDPLATFORM a\nFROM --platform=$P a\nFROM --platform=${TARGETOS}/riscv64 a\nFROM a',
  )
  const stages = resolveStages(dockerfile, openBuild(dockerfile, inputs()))
  assert.equal(
    stages.map(({ platform }) => platform?.architecture),
    ['amd64', '386', 'riscv64', undefined],
  )
})

test('a command becomes arguments', () => {
  const program = (text: string) => {
    const { stages } = parseDockerfile(`FROM a\n${text}`)
    const run = stages[0]?.instructions[0]
    if (run?.kind !== 'run') throw new Error('no RUN')
    return programOf(run.command, ['/bin/sh', '-c'])
  }
  assert.equal(program('RUN ["a", "b c"]'), { args: ['a', 'b c'], script: undefined })
  assert.equal(program('RUN a \\\n b').args, ['/bin/sh', '-c', 'a  b'])
  assert.equal(program('RUN <<-EOF\n\ta\n\t\tb\n\tEOF').args, ['/bin/sh', '-c', 'a\nb\n'])
  assert.equal(program('RUN <<-EOF cat\n\ta\n\tEOF').args, ['/bin/sh', '-c', '<<-EOF cat\n\ta\nEOF'])
  assert.equal(program('RUN cat <<A <<B\na\nA\nb\nB').args, ['/bin/sh', '-c', 'cat <<A <<B\na\nA\nb\nB'])
  assert.equal(program('RUN <<run.py\n#!/usr/bin/python3\nx\nrun.py'), {
    args: ['/bin/sh', '-c', '/dev/pipes/run.py'],
    script: { name: 'run.py', text: '#!/usr/bin/python3\nx\n', path: '/dev/pipes/run.py' },
  })
  assert.is(program('RUN <<../../x\n#!/bin/sh\n../../x').script?.path, '/dev/pipes/x')
  const dots = program('RUN <<..\n#!/bin/sh\n..').script
  assert.equal([dots?.name, dots?.path], ['script', '/dev/pipes/script'])
})

test('a working directory goes on from the one before it', () => {
  assert.equal(
    [joinWorkdir('/', 'a'), joinWorkdir('/a', '../b/'), joinWorkdir('/a', '/c'), joinWorkdir('', '.')],
    ['/a', '/b', '/c', '/'],
  )
})

test('comments describe arguments and stages', () => {
  const { stages, globalArgs } = parseDockerfile(
    '# version what to build\nARG version=1\n# build makes it\n#\nFROM a AS first\n# build makes it\nFROM a AS build\n# x is x\n# y is y\nARG x y=1 z',
  )
  assert.is(globalArgs[0]?.definitions[0]?.description, 'what to build')
  assert.equal(
    stages.map(({ from }) => from.description),
    [undefined, 'makes it'],
  )
  const arg = stages[1]?.instructions[0]
  assert.equal(arg?.kind === 'arg' ? arg.definitions.map(({ description }) => description) : [], [
    'is x',
    'is y',
    undefined,
  ])
})

test('directives stand in front of all else', () => {
  const directives = (text: string) => parseDockerfile(`${text}\nFROM a`).directives
  assert.is(directives('#escape=`').escape, '`')
  assert.is(directives('  #  ESCAPE = `  ').escape, '`')
  assert.is(directives('# a comment\n# escape=`').escape, '\\')
  assert.is(directives('\n# escape=`').escape, '\\')
  assert.is(directives('# unknown=1\n# escape=`').escape, '\\')
  assert.is(directives('#!/usr/bin/env x\n# check=skip=all').check?.value, 'skip=all')
  assert.equal(
    [
      'docker/dockerfile:1',
      'docker.io/docker/dockerfile:1.4-labs',
      'docker/dockerfile-upstream:master',
      'm:5000/docker/dockerfile@sha256:0',
    ].map((image) => {
      const syntax = directives(`# syntax=${image}`).syntax
      return [syntax?.major, syntax?.minor, syntax?.labs]
    }),
    [
      [1, undefined, false],
      [1, 4, true],
      [undefined, undefined, false],
      [undefined, undefined, false],
    ],
  )
})

test.run()
