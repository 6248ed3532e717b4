// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { applyCdi, resolveCdi } from '../../../../bundles/containers/cdi.ts'
import type { Spec } from '../../../../spec/runtime/config.ts'
import { newDir } from '../../../helpers/work-dir.ts'

const [etc, run] = [newDir('etc-cdi'), newDir('run-cdi')]
writeFileSync(
  join(etc, 'acme.yaml'),
  `cdiVersion: 0.6.0
kind: acme.com/wheel
containerEdits:
  env: [ACME=1]
devices:
  - name: one
    containerEdits:
      deviceNodes:
        - {path: /dev/wheel, hostPath: /dev/null, permissions: rw}
        - {path: /dev/made, type: b, major: 7, minor: 3, uid: 5}
      mounts:
        - {hostPath: /usr/lib, containerPath: /opt/wheel}
      hooks:
        - {hookName: createContainer, path: /bin/true, args: ["true"]}
      additionalGids: [44]
      intelRdt: {closID: x}
  - name: two
    containerEdits: {env: [SECOND=yes]}
`,
)
writeFileSync(
  join(run, 'newer.json'),
  JSON.stringify({
    cdiVersion: '0.6.0',
    kind: 'acme.com/wheel',
    devices: [{ name: 'two', containerEdits: { env: ['SECOND=newer'] } }],
  }),
)
const directories = [etc, run]
const spec: Spec = { ociVersion: '1.0.2', process: { user: { uid: 0, gid: 0 }, cwd: '/', env: ['A=1'] }, linux: {} }

test('what a device needs goes into config.json', async () => {
  const edited = await applyCdi(spec, ['acme.com/wheel=one'], directories)
  assert.equal(edited.process?.env, ['A=1', 'ACME=1'])
  assert.equal(edited.process?.user.additionalGids, [44])
  assert.equal(edited.mounts, [
    { destination: '/opt/wheel', source: '/usr/lib', type: 'bind', options: ['rbind', 'ro', 'nosuid', 'nodev'] },
  ])
  assert.equal(edited.hooks, { createContainer: [{ path: '/bin/true', args: ['true'] }] })
  assert.equal(edited.linux?.intelRdt, { closID: 'x' })
  const [wheel, made] = edited.linux?.devices ?? []
  assert.equal([wheel?.path, wheel?.type, wheel?.major, wheel?.minor], ['/dev/wheel', 'c', 1, 3])
  assert.equal(made, { path: '/dev/made', type: 'b', major: 7, minor: 3, uid: 5 })
  assert.equal(edited.linux?.resources?.devices, [
    { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
    { allow: true, type: 'b', major: 7, minor: 3, access: 'rwm' },
  ])
})

test('a file of the later directory counts, and its own edits once', async () => {
  assert.equal((await applyCdi(spec, ['acme.com/wheel=two'], directories)).process?.env, ['A=1', 'SECOND=newer'])
  const both = await resolveCdi(['acme.com/wheel=one', 'acme.com/wheel=one'], directories)
  assert.is(both.filter(({ env }) => env?.includes('ACME=1')).length, 1)
})

test('nothing is asked for, nothing is read', async () => {
  assert.is(await applyCdi(spec, [], ['/nowhere']), spec)
})

test('errors say what there is', async () => {
  const failure = async (names: readonly string[], places: readonly string[]): Promise<string> =>
    resolveCdi(names, places).then(
      () => 'no error',
      (e: unknown) => (e instanceof Error ? e.message : String(e)),
    )
  assert.match(
    await failure(['acme.com/wheel=nine'], directories),
    /unresolvable CDI devices acme.com\/wheel=nine .*wheel=one/,
  )
  assert.match(await failure(['x/y=z'], ['/nowhere']), /there are: none/)
  const broken = newDir('broken')
  writeFileSync(join(broken, 'a.json'), '{')
  assert.match(await failure(['x/y=z'], [broken]), /a\.json: /)
  writeFileSync(join(broken, 'a.json'), '{}')
  assert.match(await failure(['x/y=z'], [broken]), /it is no CDI file/)
})

test.run()
