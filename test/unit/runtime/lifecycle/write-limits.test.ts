// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { previousSetting, writeLimits } from '../../../../runtime/lifecycle/write-limits.ts'

for (const [file, text, value, expected] of [
  ['pids.max', '40\n', '9', '40'],
  ['cpu.max', 'max 100000\n', '5000 10000', 'max 100000'],
  ['memory.max', '', '9', undefined],
  ['io.weight', 'default 100\n', '200', 'default 100'],
  ['io.bfq.weight', 'default 100\n8:0 300\n', '200', 'default 100'],
  ['io.bfq.weight', 'default 100\n8:0 300\n', '8:0 200', '8:0 300'],
  ['io.bfq.weight', 'default 100\n', '8:0 200', '8:0 default'],
  ['blkio.throttle.read_bps_device', '8:0 4096\n8:16 1\n', '8:0 9', '8:0 4096'],
  ['blkio.throttle.read_bps_device', '8:16 1\n', '8:0 9', '8:0 0'],
  ['io.max', '8:0 rbps=1 wbps=max riops=max wiops=max\n', '8:0 rbps=9', '8:0 rbps=1'],
  ['io.max', '', '8:0 rbps=9', '8:0 rbps=max'],
  [
    'rdma.max',
    'mlx 5\nib0 hca_handle=2 hca_object=max\n',
    'ib0 hca_handle=9 hca_object=9',
    'ib0 hca_handle=2 hca_object=max',
  ],
] as const) {
  test(`${file} with ${JSON.stringify(text)}: "${value}" is taken back by "${expected}"`, () => {
    assert.is(previousSetting(text, { file, value }), expected)
  })
}

test('a setting that the kernel does not have is named with its field, and what was written is taken back', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsrun-limits-'))
  try {
    writeFileSync(join(directory, 'pids.max'), '40')
    const change = (field: string, file: string) => ({
      ...{ controller: '', directory, file, value: '50', pointer: `/linux/resources/${field}` },
    })
    const changes = [change('pids/limit', 'pids.max'), change('memory/kernelTCP', 'memory.kmem.tcp.limit_in_bytes')]
    assert.throws(
      () => writeLimits(changes),
      /^linux\.resources\.memory\.kernelTCP: write "50" to ".*tcp\.limit_in_bytes", a setting that this kernel does not have: .*ENOENT/,
    )
    assert.is(readFileSync(join(directory, 'pids.max'), 'utf8'), '40')
    assert.throws(
      () => writeLimits([{ ...change('pids/limit', 'pids.max'), directory: `${directory}/none` }]),
      /max": no/,
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test.run()
