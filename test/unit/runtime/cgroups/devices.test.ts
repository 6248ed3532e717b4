// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileDeviceFilter } from '../../../../runtime/cgroups/device-filter.ts'
import {
  ACCESS_MKNOD,
  ACCESS_READ,
  ACCESS_WRITE,
  compileDevicePolicy,
} from '../../../../runtime/cgroups/device-policy.ts'
import { compileDevicesV1 } from '../../../../runtime/cgroups/v1/devices.ts'
import type { LinuxDeviceCgroup } from '../../../../spec/runtime/devices.ts'
import { runDeviceFilter } from './ebpf-interpreter.ts'

const denyAll: LinuxDeviceCgroup = { allow: false, access: 'rwm' }
const allowAll: LinuxDeviceCgroup = { allow: true, access: 'rwm' }
const fuse: LinuxDeviceCgroup = { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }
const disks: LinuxDeviceCgroup = { allow: true, type: 'b', major: 8, access: 'r' }

/** Rules of containers, each with what is to be allowed: type, major, minor, access. */
const cases: [rules: LinuxDeviceCgroup[], allowed: string[], denied: string[]][] = [
  [
    [],
    ['c 1:3 rwm', 'c 1:8 rw', 'c 136:7 rw', 'c 5:0 rw', 'c 10:200 rw', 'b 8:0 m', 'c 9:9 m'],
    ['c 1:1 r', 'b 8:0 r', 'b 8:0 rm', 'c 10:229 rw', 'c 1:4 w', 'b 1:3 r'],
  ],
  [[denyAll], ['c 1:3 rw'], ['b 8:0 r', 'c 10:229 r']],
  [
    [denyAll, fuse, disks],
    ['c 10:229 r', 'c 10:229 rw', 'b 8:0 r', 'b 8:31 r', 'c 10:229 m'],
    ['c 10:229 rwm', 'c 10:228 r', 'b 8:0 w', 'b 8:0 rw', 'b 9:0 r', 'c 8:0 r'],
  ],
  [[allowAll], ['c 1:1 rwm', 'b 8:0 rwm'], []],
  [
    [allowAll, { ...fuse, allow: false }, { ...disks, allow: false, access: 'w' }],
    ['c 10:229 m', 'b 8:0 r', 'c 10:228 rwm'],
    ['c 10:229 r', 'c 10:229 wm', 'b 8:0 w', 'b 8:3 rw'],
  ],
  [[fuse, denyAll], ['c 1:3 r'], ['c 10:229 r']],
  [[denyAll, fuse, { ...fuse, allow: false, access: 'w' }], ['c 10:229 r'], ['c 10:229 rw']],
  [[denyAll, fuse, { ...fuse, allow: false }], ['c 1:3 r'], ['c 10:229 r']],
  [[denyAll, { allow: true, type: 'c', access: 'r' }], ['c 77:1 r', 'c 1:3 w'], ['c 77:1 rw']],
  [
    [denyAll, { allow: true, type: 'c', major: 4294967295, minor: 2147483648, access: 'rwm' }],
    ['c 4294967295:2147483648 rwm'],
    ['c 4294967295:0 r', 'c 2147483647:2147483648 r'],
  ],
]

function access(text: string) {
  const [type, numbers, letters] = text.split(' ') as [string, string, string]
  const [major, minor] = numbers.split(':').map(Number) as [number, number]
  const bits = { r: ACCESS_READ, w: ACCESS_WRITE, m: ACCESS_MKNOD }
  let mask = 0
  for (const letter of letters) mask |= bits[letter as keyof typeof bits]
  return { accessType: (mask << 16) | (type === 'b' ? 1 : 2), major, minor }
}

test('the program allows what the rules say, and nothing else', () => {
  for (const [rules, allowed, denied] of cases) {
    const program = compileDeviceFilter(compileDevicePolicy(rules))
    const verdict = (text: string) => runDeviceFilter(program, access(text))
    for (const text of allowed) assert.is(verdict(text), 1, `${JSON.stringify(rules)}: ${text}`)
    for (const text of denied) assert.is(verdict(text), 0, `${JSON.stringify(rules)}: ${text}`)
  }
})

test('the kernel takes every program', () => {
  if (process.getuid?.() !== 0) return console.log('skipped: loading eBPF needs root')
  const work = mkdtempSync(join(tmpdir(), 'tsrun-bpf-'))
  try {
    const loader = join(work, 'load')
    const source = fileURLToPath(new URL('load-device-filter.c', import.meta.url))
    const cc = process.env['CC'] ?? 'cc'
    const built = spawnSync(cc, ['-Wall', '-Wextra', '-Werror', source, '-o', loader])
    if (built.error !== undefined) return console.log(`skipped: no C compiler (${cc})`)
    assert.is(built.status, 0, built.stderr.toString())
    for (const [rules] of cases) {
      const program = compileDeviceFilter(compileDevicePolicy(rules))
      const loaded = spawnSync(loader, { input: program })
      if (loaded.status === 77) return console.log(`skipped: ${loaded.stderr}`)
      assert.is(loaded.status, 0, `${JSON.stringify(rules)}\n${loaded.stderr}`)
    }
  } finally {
    rmSync(work, { recursive: true })
  }
})

test('v1 gets the default first and then the exceptions', () => {
  const writes = compileDevicesV1(compileDevicePolicy([denyAll, fuse, disks]))
  assert.equal(
    writes.map(({ file, value, pointer }) => [file, value, pointer]),
    [
      ['devices.deny', 'a', '/linux/resources/devices/0'],
      ['devices.allow', 'c 10:229 rw', '/linux/resources/devices/1'],
      ['devices.allow', 'b 8:* r', '/linux/resources/devices/2'],
      ['devices.allow', 'c *:* m', 'runtime'],
      ['devices.allow', 'b *:* m', 'runtime'],
      ['devices.allow', 'c 1:3 rwm', 'runtime'],
      ['devices.allow', 'c 1:5 rwm', 'runtime'],
      ['devices.allow', 'c 1:7 rwm', 'runtime'],
      ['devices.allow', 'c 1:8 rwm', 'runtime'],
      ['devices.allow', 'c 1:9 rwm', 'runtime'],
      ['devices.allow', 'c 5:0 rwm', 'runtime'],
      ['devices.allow', 'c 5:2 rwm', 'runtime'],
      ['devices.allow', 'c 10:200 rwm', 'runtime'],
      ['devices.allow', 'c 136:* rwm', 'runtime'],
    ],
  )
  const open = compileDevicesV1(compileDevicePolicy([allowAll, { ...fuse, allow: false }]))
  assert.equal(
    open.map(({ file, value }) => [file, value]),
    [
      ['devices.allow', 'a'],
      ['devices.deny', 'c 10:229 rw'],
    ],
  )
})

test('refuses rules that it could not keep', () => {
  const wild: LinuxDeviceCgroup = { allow: true, type: 'c', major: 10, access: 'rw' }
  const refused: [LinuxDeviceCgroup[], RegExp][] = [
    [[{ allow: true, type: 'c' }], /^linux\.resources\.devices\[0\]\.access: must not be empty/],
    [[denyAll, { ...fuse, access: 'rx' }], /devices\[1\]\.access: "rx" has a letter/],
    [[{ ...fuse, major: 2 ** 32 }], /devices\[0\]\.major: 4294967296 is not a device number/],
    [
      [denyAll, wild, { ...fuse, allow: false }],
      /devices\[2\]: cannot make an exception from linux\.resources\.devices\[1\] \(c 10:\* rw\)/,
    ],
  ]
  for (const [rules, message] of refused) {
    assert.throws(
      () => compileDevicePolicy(rules),
      (error: Error) => message.test(error.message),
    )
  }
})

test.run()
