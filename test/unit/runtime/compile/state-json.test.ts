// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toTemplate } from '../../../../runtime/compile/state-json.ts'
import { PLACEHOLDER } from '../../../../runtime/plan/plan.ts'
import { planOf } from './requests.ts'

const test = suite('state-json')

function fill(template: string): Record<string, unknown> {
  const text = template
    .replaceAll(PLACEHOLDER.pid, '42')
    .replaceAll(PLACEHOLDER.status, 'running')
    .replaceAll(PLACEHOLDER.startTime, '77')
  return JSON.parse(text) as Record<string, unknown>
}

test('writes what JSON.stringify writes', () => {
  const value = { a: [1, { b: 'x"\n\u0001\u007f\u2028' }, []], c: {}, d: null, e: undefined, f: true, 'ü"': '' }
  assert.is(toTemplate(value), JSON.stringify(value))
  assert.is(toTemplate(value, 2), JSON.stringify(value, null, 2))
})

test('no text of the config is taken for a placeholder', () => {
  const annotations = { '\u0001': '\u0001', 'pid': '"\u0002"', 'x': '\u0003\u0002' }
  const { stateJson, stateOutput } = planOf({ config: { annotations } }).fields
  assert.equal(fill(stateOutput)['annotations'], annotations)
  assert.is(fill(stateOutput)['pid'], 42)
  const { labels } = fill(stateJson)['config'] as { labels: readonly string[] }
  assert.ok(labels.includes('\u0001=\u0001'))
})

test('state: keys of runc in its order, two spaces, no newline at the end', () => {
  const { stateOutput } = planOf({ config: { annotations: { a: 'b' } } }).fields
  const keys = ['ociVersion', 'id', 'pid', 'status', 'bundle', 'rootfs', 'created', 'annotations', 'owner']
  assert.equal(Object.keys(fill(stateOutput)), keys)
  assert.ok(stateOutput.startsWith('{\n  "ociVersion": "1.3.0",\n  "id": "c1",\n  "pid": \x01,\n  "status": "\x02",\n'))
  assert.ok(stateOutput.endsWith('\n}'))
  assert.not.ok('annotations' in fill(planOf().fields.stateOutput))
})

test('state.json: keys of runc', () => {
  const namespaces = [{ type: 'mount' }, { type: 'network', path: '/run/netns/x' }]
  const state = fill(planOf({ linux: { namespaces, cgroupsPath: '/x' } }).fields.stateJson)
  assert.equal(
    [state['id'], state['init_process_pid'], state['init_process_start'], state['rootless']],
    ['c1', 42, 77, false],
  )
  const config = state['config'] as Record<string, unknown>
  assert.is(config['rootfs'], '/b/rootfs')
  assert.equal(config['labels'], ['bundle=/b'])
  assert.equal(config['namespaces'], [
    { type: 'NEWNS', path: '' },
    { type: 'NEWNET', path: '/run/netns/x' },
  ])
  assert.equal(state['cgroup_paths'], { '': '/sys/fs/cgroup/x' })
  const paths = state['namespace_paths'] as Record<string, string>
  assert.is(paths['NEWNS'], '/proc/42/ns/mnt')
  assert.is(paths['NEWNET'], '/run/netns/x')
})

test.run()
