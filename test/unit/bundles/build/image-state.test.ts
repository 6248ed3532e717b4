// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { configStep } from '../../../../bundles/build/config-step.ts'
import { emptyState, imageConfigOf, type ImageState, stateOf } from '../../../../bundles/build/image-state.ts'
import { parseDockerfile } from '../../../../bundles/dockerfile/parse.ts'
import { evaluate, openBuild, openStage } from '../../../../bundles/dockerfile/scope.ts'
import { imageConfigMisfit } from '../../../../spec/image/validate.ts'

const platform = { os: 'linux', architecture: 'amd64' }

/** The state after instructions that change the configuration alone. */
function after(text: string, base: ImageState = emptyState(platform, 0)): ImageState {
  const dockerfile = parseDockerfile(`FROM scratch\n${text}\n`)
  const build = openBuild(dockerfile, { buildArgs: new Map(), buildPlatform: platform, targetPlatform: platform })
  const scope = openStage(undefined, [])
  const memory = { cmdSet: false }
  return (dockerfile.stages[0]?.instructions ?? []).reduce((state, instruction) => {
    const { instruction: expanded } = evaluate(build, scope, dockerfile.source, instruction)
    return configStep(state, expanded, memory) ?? state
  }, base)
}

const runOf = (text: string, base?: ImageState) => imageConfigOf(after(text, base)).config ?? {}

test('ENV: the later value counts, where the first stood', () => {
  assert.equal(runOf('ENV A=1 B=2\nENV A=3').Env?.slice(1), ['A=3', 'B=2'])
})

test('LABEL, EXPOSE and VOLUME add up, in the order of their names', () => {
  const run = runOf('LABEL z=1 a=2\nLABEL a=3\nEXPOSE 90 80/udp\nVOLUME /v\nVOLUME ["/a b"]')
  assert.is(JSON.stringify(run.Labels), '{"a":"3","z":"1"}')
  assert.is(JSON.stringify(run.ExposedPorts), '{"80/udp":{},"90/tcp":{}}')
  assert.is(JSON.stringify(run.Volumes), '{"/a b":{},"/v":{}}')
})

test('ENTRYPOINT takes away the CMD of the base, and not one of its own stage', () => {
  const base = after('CMD ["old"]')
  assert.is(runOf('ENTRYPOINT ["/e"]', base).Cmd, null)
  assert.equal(runOf('CMD ["new"]\nENTRYPOINT ["/e"]', base).Cmd, ['new'])
  assert.equal(runOf('CMD echo $X').Cmd, ['/bin/sh', '-c', 'echo $X'])
  assert.equal(runOf('SHELL ["/bin/bash", "-c"]\nCMD x').Cmd, ['/bin/bash', '-c', 'x'])
})

test('HEALTHCHECK keeps what was given alone', () => {
  assert.equal(runOf('HEALTHCHECK --interval=5s --retries=2 CMD true').Healthcheck, {
    Test: ['CMD-SHELL', 'true'],
    Interval: 5e9,
    Retries: 2,
  })
  assert.equal(runOf('HEALTHCHECK NONE').Healthcheck, { Test: ['NONE'] })
})

test('each instruction stands in the history, as one that made no layer', () => {
  const { history, author } = imageConfigOf(after('MAINTAINER me\nUSER a\nSTOPSIGNAL SIGINT\nONBUILD RUN x'))
  assert.equal(
    history?.map(({ created_by, empty_layer }) => [created_by, empty_layer]),
    [
      ['MAINTAINER me', true],
      ['USER a', true],
      ['STOPSIGNAL SIGINT', true],
      ['ONBUILD RUN x', true],
    ],
  )
  assert.is(author, 'me')
})

test('the configuration is one that the specification knows', () => {
  const config = imageConfigOf(after('ENV A=1\nEXPOSE 80\nHEALTHCHECK CMD true\nENTRYPOINT []'))
  assert.is(imageConfigMisfit(JSON.parse(JSON.stringify(config))), undefined)
})

test('without a time of the user, what is new is as old as the base', () => {
  const config = { ...platform, created: '2020-01-02T03:04:05.678Z', rootfs: { type: 'layers', diff_ids: [] } } as const
  const descriptor = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: `sha256:${'0'.repeat(64)}`,
    size: 1,
  }
  const manifest = { schemaVersion: 2, config: descriptor, layers: [] } as const
  assert.is(imageConfigOf(stateOf(manifest, config, undefined)).created, '2020-01-02T03:04:05Z')
  assert.is(imageConfigOf(stateOf(manifest, config, 86400)).created, '1970-01-02T00:00:00Z')
})

test.run()
