// SPDX-License-Identifier: Apache-2.0
// RUN --device: what a CDI file of the host says of a device reaches the step.

import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase, Dock, newContext, nothingLeft, type Run } from '../helpers/tsdock.ts'
import { mark, newDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const kind = `${mark}.example/wheel`
const DIRECTORY = '/etc/cdi'
const file = join(DIRECTORY, `${mark}.json`)
const isNew = !existsSync(DIRECTORY)
const source = newDir('library')

function writeDevices(text: string): void {
  mkdirSync(DIRECTORY, { recursive: true })
  writeFileSync(file, text)
}

function withdraw(): void {
  rmSync(file, { force: true })
  if (isNew) rmdirSync(DIRECTORY)
}

const devices = JSON.stringify({
  cdiVersion: '0.6.0',
  kind,
  containerEdits: { env: ['WHEEL=1'] },
  devices: [
    {
      name: 'one',
      containerEdits: {
        deviceNodes: [{ path: '/dev/wheel', hostPath: '/dev/zero', permissions: 'rw' }],
        mounts: [{ hostPath: source, containerPath: '/opt/wheel', options: ['rbind', 'ro'] }],
        additionalGids: [4711],
      },
    },
  ],
})

const build = (run: string): Run =>
  dock.run('build', '--no-cache', newContext({ Dockerfile: `FROM localhost/base\nRUN ${run}\n` }))

if (process.getuid?.() !== 0) process.stdout.write('SKIP devices: needs root\n')
else {
  test.before(() => {
    buildBase(dock)
    writeFileSync(join(source, 'lib'), 'rolls\n')
    writeDevices(devices)
  })
  test.after(withdraw)

  test('its node, its files, its variables and its groups', () => {
    const { status, stderr } = build(
      `--device=${kind}=one head -c 3 /dev/wheel | od -An -tx1; cat /opt/wheel/lib; echo "WHEEL=$WHEEL"; id -G`,
    )
    assert.is(status, 0, stderr)
    for (const line of [/ 00 00 00$/m, / rolls$/m, / WHEEL=1$/m, /\b4711\b/]) assert.match(stderr, line)
    // The step alone has them.
    const without = build('test ! -e /dev/wheel && test ! -e /opt/wheel/lib && test -z "$WHEEL"')
    assert.is(without.status, 0, without.stderr)
  })

  test('a device that is not known', () => {
    const optional = build(`--device=${kind}=two true`)
    assert.is(optional.status, 0, optional.stderr)
    const { status, stderr } = build(`--device=${kind}=two,required true`)
    assert.is(status, 1)
    assert.match(stderr, new RegExp(`unresolvable CDI devices ${kind}=two .*there are: .*${kind}=one`))
  })

  test('a file that is damaged is named', () => {
    writeDevices('{"cdiVersion": ')
    const { status, stderr } = build(`--device=${kind}=one,required true`)
    assert.is(status, 1)
    assert.match(stderr, new RegExp(`${file}: `))
    nothingLeft(dock)
  })

  test.run()
}
