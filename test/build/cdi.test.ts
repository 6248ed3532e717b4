// SPDX-License-Identifier: Apache-2.0
// Devices by CDI for RUN --device and for run --device; the filter of system calls of RUN.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase, Dock, newContext, nothingLeft } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const cdi = newDir('cdi')
writeFileSync(
  join(cdi, 'acme.yaml'),
  `cdiVersion: 0.6.0
kind: acme.example/wheel
devices:
  - name: one
    containerEdits:
      env: [WHEEL=turns]
      deviceNodes: [{path: /dev/wheel, hostPath: /dev/zero, permissions: rw}]
      mounts: [{hostPath: ${cdi}, containerPath: /opt/wheel, options: [bind, ro]}]
      additionalGids: [4321]
`,
)
const labs = '# syntax=docker/dockerfile:1-labs\nFROM localhost/base\n'
const look = 'echo $WHEEL; head -c 3 /dev/wheel | wc -c; ls /opt/wheel; id -G'
const seen = 'turns\n3\nacme.yaml\n'

test('RUN gets what the device needs, and the image none of it', () => {
  const context = newContext({
    Dockerfile: `${labs}RUN --device=acme.example/wheel=one (${look}) > /seen\nRUN test -z "$WHEEL" && test ! -e /dev/wheel\n`,
  })
  dock.must('build', '-q', '--cdi-spec-dir', cdi, '-t', 'wheel', context)
  const read = dock.runImage('wheel', '/bin/cat', '/seen')
  assert.is(read.slice(0, seen.length), seen)
  assert.match(read, /\b4321\b/)
  assert.not.match(dock.must('inspect', 'wheel').stdout, /WHEEL/)
})

test('a device that there is not', () => {
  const context = newContext({ Dockerfile: `${labs}RUN --device=acme.example/wheel=nine,required true\n` })
  const { status, stderr } = dock.run('build', '--cdi-spec-dir', cdi, context)
  assert.is(status, 1)
  assert.match(stderr, /unresolvable CDI devices acme.example\/wheel=nine .*there are: acme.example\/wheel=one/)
  const optional = newContext({ Dockerfile: `${labs}RUN --device=acme.example/wheel=nine,required=false true\n` })
  dock.must('build', '-q', '--cdi-spec-dir', cdi, optional)
})

test('run, and start again', () => {
  const args = ['--cdi-spec-dir', cdi, '--device', 'acme.example/wheel=one', '--net', 'none']
  dock.must('create', '--name', 'wheel', ...args, 'localhost/base', 'sh', '-c', look)
  for (let i = 0; i < 2; i++) {
    const { stdout } = dock.must('start', '-a', 'wheel')
    assert.is(stdout.slice(0, seen.length), seen)
    assert.match(stdout, /\b4321\b/)
  }
  dock.must('rm', 'wheel')
  const refused = dock.run(
    'run',
    '--rm',
    '--device',
    'acme.example/wheel=one',
    '--net',
    'none',
    'localhost/base',
    'true',
  )
  assert.is(refused.status, 125)
  assert.match(refused.stderr, /unresolvable CDI devices acme.example\/wheel=one \(in \/etc\/cdi and \/var\/run\/cdi/)
})

test('RUN has a filter of system calls, unless it is insecure', () => {
  const status = (flag: string): string => {
    const context = newContext({ Dockerfile: `${labs}RUN ${flag} grep Seccomp: /proc/self/status > /s\n` })
    dock.must('build', '-q', '--allow', 'security.insecure', '-t', 'filter', context)
    return dock.runImage('filter', '/bin/cat', '/s').trim()
  }
  assert.is(status('--security=sandbox'), 'Seccomp:\t2')
  assert.is(status('--security=insecure'), 'Seccomp:\t0')
  nothingLeft(dock)
})

const hasSeccomp = spawnSync('grep', ['-q', '^Seccomp:', '/proc/self/status']).status === 0
if (process.getuid?.() !== 0) process.stdout.write('SKIP devices: needs root\n')
else if (!hasSeccomp) process.stdout.write('SKIP devices: this kernel has no seccomp\n')
else {
  buildBase(dock)
  test.run()
}
