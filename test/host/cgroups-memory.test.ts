// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { withArgs } from '../helpers/bundle.ts'
import { cgroupFile, expectFiles, MEBIBYTE, needsCgroupFile } from '../helpers/cgroup-files.ts'
import { mustSucceed, runOnce, withContainer, withRunning } from '../helpers/container.ts'
import { needsCgroup1, needsCgroup2, needsController } from '../helpers/host.ts'
import { isTsrun, type Outcome } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('cgroups memory')

test(
  'memory.limit and memory.reservation, v1',
  () =>
    expectFiles({ memory: { limit: 64 * MEBIBYTE, reservation: 32 * MEBIBYTE } }, 'memory', {
      'memory.limit_in_bytes': `${64 * MEBIBYTE}`,
      'memory.soft_limit_in_bytes': `${32 * MEBIBYTE}`,
    }),
  { needs: [needsCgroup1, needsController('memory')] },
)

test(
  'memory.swap, v1',
  () =>
    expectFiles({ memory: { limit: 64 * MEBIBYTE, swap: 96 * MEBIBYTE } }, 'memory', {
      'memory.limit_in_bytes': `${64 * MEBIBYTE}`,
      'memory.memsw.limit_in_bytes': `${96 * MEBIBYTE}`,
    }),
  { needs: [needsCgroup1, needsCgroupFile('memory', 'memory.memsw.limit_in_bytes')] },
)

test(
  'memory.swappiness and disableOOMKiller, v1',
  () =>
    expectFiles({ memory: { swappiness: 10, disableOOMKiller: true } }, 'memory', {
      'memory.swappiness': '10',
      'memory.oom_control': /^oom_kill_disable 1$/m,
    }),
  { needs: [needsCgroup1, needsCgroupFile('memory', 'memory.swappiness')] },
)

test(
  'memory.useHierarchy, v1: it is in force whatever is said',
  () =>
    expectFiles({ memory: { limit: 64 * MEBIBYTE, useHierarchy: true } }, 'memory', { 'memory.use_hierarchy': '1' }),
  { needs: [needsCgroup1, needsController('memory')] },
)

test(
  'memory.limit beyond 2^53 keeps its digits, v1',
  async () => {
    // The kernel rounds down to pages: a double would have given the next page.
    const limit = '9007199254749183'
    await withContainer(withArgs(['true'], { linux: { resources: { memory: { limit: 'HERE' } } } }), (container) => {
      const path = `${container.bundle}/config.json`
      writeFileSync(path, readFileSync(path, 'utf8').replace('"HERE"', limit))
      mustSucceed(container.create())
      const value = BigInt(cgroupFile(container, 'memory', 'memory.limit_in_bytes'))
      assert.is(value, (BigInt(limit) / 4096n) * 4096n)
    })
  },
  { needs: [needsCgroup1, needsController('memory')] },
)

test(
  'memory.kernel is told to be without effect',
  async () => {
    const outcome = await runOnce(withArgs(['true'], { linux: { resources: { memory: { kernel: 1e8 } } } }))
    mustSucceed(outcome)
    if (isTsrun) assert.match(outcome.stderr, /level=warning.*linux\.resources\.memory\.kernel: .*ignored/)
  },
  { differsFrom: { crun: 'fails on cgroup v2' } },
)

test(
  'memory.kernelTCP, v1',
  async () => {
    const kernelTCP = 8 * MEBIBYTE
    await withContainer(withArgs(['true'], { linux: { resources: { memory: { kernelTCP } } } }), (container) => {
      assert.is(mustSucceed(container.create()).stderr, '')
      assert.is(cgroupFile(container, 'memory', 'memory.kmem.tcp.limit_in_bytes'), `${kernelTCP}`)
    })
  },
  {
    needs: [needsCgroup1, needsCgroupFile('memory', 'memory.kmem.tcp.limit_in_bytes')],
    differsFrom: { runc: 'ignores it' },
  },
)

test(
  'memory.kernelTCP is told to be without effect, v2',
  async () => {
    const outcome = await runOnce(withArgs(['true'], { linux: { resources: { memory: { kernelTCP: 1e8 } } } }))
    mustSucceed(outcome)
    if (isTsrun) assert.match(outcome.stderr, /level=warning.*linux\.resources\.memory\.kernelTCP: ignored.*v2/)
  },
  { needs: [needsCgroup2], differsFrom: { crun: 'refuses it' } },
)

test(
  'memory.kernelTCP is changed by update, v1',
  async () => {
    await withRunning(withArgs(['sleep', '60']), (container) => {
      const limit = (): string => cgroupFile(container, 'memory', 'memory.kmem.tcp.limit_in_bytes')
      const none = limit()
      const update = (value: string): Outcome => mustSucceed(container.call('update', ['--kernel-memory-tcp', value]))
      assert.is(update(`${8 << 20}`).stderr, '')
      assert.is(limit(), `${8 << 20}`)
      // What is not written says nothing of it.
      mustSucceed(container.call('update', ['--pids-limit', '100']))
      assert.is(limit(), `${8 << 20}`)
      update('-1')
      assert.is(limit(), none)
    })
  },
  {
    needs: [needsCgroup1, needsCgroupFile('memory', 'memory.kmem.tcp.limit_in_bytes')],
    differsFrom: { runc: 'ignores it, or no longer has the flag' },
  },
)

test(
  'memory.kernelTCP is ignored by update with a warning, v2',
  async () => {
    await withRunning(withArgs(['sleep', '60']), (container) => {
      const { stderr } = mustSucceed(container.call('update', ['--kernel-memory-tcp', '8m']))
      assert.match(stderr, /level=warning msg="linux\.resources\.memory\.kernelTCP: ignored, on cgroup v2/)
    })
  },
  {
    needs: [needsCgroup2],
    differsFrom: { runc: 'warns in other words, or no longer has the flag', crun: 'refuses it' },
  },
)

test(
  'memory.limit and reservation, v2',
  () =>
    expectFiles({ memory: { limit: 64 * MEBIBYTE, reservation: 32 * MEBIBYTE, swap: 64 * MEBIBYTE } }, 'memory', {
      'memory.max': `${64 * MEBIBYTE}`,
      'memory.low': `${32 * MEBIBYTE}`,
      'memory.swap.max': '0',
    }),
  { needs: [needsCgroup2, needsController('memory')] },
)

test(
  'memory.swap -1 is no limit, and without a memory limit it is refused, v2',
  async () => {
    await expectFiles({ memory: { limit: 2 ** 26, swap: -1 } }, 'memory', {
      'memory.max': `${2 ** 26}`,
      'memory.swap.max': 'max',
    })
    await withContainer({ linux: { resources: { memory: { swap: 2 ** 26 } } } }, (container) => {
      assertFailure(container.create(), { tsrun: /linux\.resources\.memory\.swap/ })
    })
  },
  { needs: [needsCgroup2, needsController('memory')] },
)

test(
  'memory.limit holds: the process is killed',
  async () => {
    const config = withArgs(['probe', 'memory', '200'], {
      linux: { resources: { memory: { limit: 20 * MEBIBYTE, swap: 20 * MEBIBYTE } } },
    })
    assert.is((await runOnce(config)).status, 137)
  },
  { needs: [needsController('memory')] },
)

test(
  'memory.swappiness and disableOOMKiller are refused by name, v2',
  async () => {
    for (const [field, memory] of Object.entries({
      swappiness: { swappiness: 10 },
      disableOOMKiller: { disableOOMKiller: true },
    })) {
      await withContainer({ linux: { resources: { memory } } }, (container) => {
        assertFailure(container.create(), { tsrun: new RegExp(`linux\\.resources\\.memory\\.${field}: .*v2`) })
      })
    }
  },
  { needs: [needsCgroup2] },
)

test(
  'memory.checkBeforeUpdate: a limit below what is in use is refused',
  async () => {
    const memory = { limit: 256 * MEBIBYTE, checkBeforeUpdate: true }
    await withRunning(withArgs(['sleep', '60'], { linux: { resources: { memory } } }), (container) => {
      const outcome = container.call('update', ['--memory', '4096'])
      assertFailure(outcome, { tsrun: /linux\.resources\.memory\.limit/ })
    })
  },
  { needs: [needsController('memory')] },
)

run()
