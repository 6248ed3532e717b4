// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { unitText, unitWord } from '../../../../bundles/host/boot-unit.ts'
import { inOrder, startsAtBoot } from '../../../../bundles/containers/boot.ts'
import type { Container } from '../../../../bundles/containers/container-store.ts'

const container = (
  name: string,
  policy: string,
  more: { started?: boolean; status?: string; mode?: string } = {},
): Container =>
  ({
    record: {
      id: name.padEnd(64, '0'),
      name,
      hostConfig: { RestartPolicy: { Name: policy }, NetworkMode: more.mode ?? 'none', PidMode: '', IpcMode: '' },
    },
    state: { status: more.status ?? 'exited', startedAt: more.started === false ? '' : '2026-11-25T08:00:00Z' },
  }) as unknown as Container

test('words of units', () => {
  assert.is(unitWord('/a b'), '"/a b"')
  assert.is(unitWord('/$HOME/50%/"q"\\'), '"/$$HOME/50%%/\\"q\\"\\\\"')
  for (const text of ['a\nb', 'a\0b', '\t', '\x7f']) assert.throws(() => unitWord(text), /cannot stand in a unit/)
})

test('the unit', () => {
  const text = unitText('/usr/bin/tsdock', '/var/lib/tsdock', false)
  assert.match(text, '\nExecStart="/usr/bin/tsdock" "--storage" "/var/lib/tsdock" "system" "start-all"\n')
  assert.match(text, '\nWantedBy=multi-user.target\n')
  assert.match(unitText('/x', '/y', true), '\nWantedBy=default.target\n')
  assert.not.match(unitText('/x', '/y', true), 'network-online')
})

test('which containers start at boot', () => {
  const starts = (one: Container, wasStopped = false): boolean => startsAtBoot(one, wasStopped)
  assert.ok(starts(container('a', 'always')))
  assert.ok(starts(container('a', 'always'), true))
  assert.ok(starts(container('a', 'unless-stopped')))
  assert.not.ok(starts(container('a', 'unless-stopped'), true))
  for (const policy of ['no', 'on-failure']) assert.not.ok(starts(container('a', policy)))
  assert.not.ok(starts(container('a', 'always', { started: false, status: 'created' })))
  for (const status of ['running', 'restarting']) assert.not.ok(starts(container('a', 'always', { status })))
})

test('each comes after those that it needs', () => {
  const names = (...all: readonly Container[]): string =>
    inOrder(all)
      .map(({ record }) => record.name)
      .join('')
  const a = container('a', 'always', { mode: 'container:b' })
  const b = container('b', 'always', { mode: `container:c${'0'.repeat(11)}` })
  const c = container('c', 'always')
  const d = container('d', 'always', { mode: 'container:elsewhere' })
  assert.is(names(a, b, c, d), 'cdba')
  const e = container('e', 'always', { mode: 'container:f' })
  const f = container('f', 'always', { mode: 'container:e' })
  assert.is(names(e, f, c), 'cef')
})

test.run()
