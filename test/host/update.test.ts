// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, withContainer, withRunning } from '../helpers/container.ts'
import { cgroupVersion, needsCgroup1, needsCgroup2, needsController, readCgroupDir } from '../helpers/host.ts'
import { parseAttempts } from '../helpers/report.ts'
import { isTsrun, type Outcome, startProgram, until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { newPath, stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('update')
const sleeper = withArgs(['sleep', '60'])
const mebibyte = 1024 * 1024
const needs = ['memory', 'cpu', 'pids'].map(needsController)

/** Limits of a container as the kernel has them, in the words of config.json; swap includes memory. */
function limitsOf(container: Container): Json {
  const read = (controller: string, file: string): string => {
    const dir = readCgroupDir(container.pid(), cgroupVersion === 1 ? controller : '') ?? ''
    return readFileSync(join(dir, file), 'utf8').trim()
  }
  if (cgroupVersion === 1) {
    return {
      memory: Number(read('memory', 'memory.limit_in_bytes')),
      swap: Number(read('memory', 'memory.memsw.limit_in_bytes')),
      quota: read('cpu', 'cpu.cfs_quota_us'),
      period: read('cpu', 'cpu.cfs_period_us'),
      pids: read('pids', 'pids.max'),
      shares: read('cpu', 'cpu.shares'),
    }
  }
  const memory = Number(read('memory', 'memory.max'))
  const [quota, period] = read('cpu', 'cpu.max').split(' ')
  return {
    memory,
    swap: memory + Number(read('memory', 'memory.swap.max')),
    quota: quota === 'max' ? '-1' : quota,
    period,
    pids: read('pids', 'pids.max'),
    // Not asked for as shares, but as what they become.
    shares: { 100: '1024', 59: '512', 35: '256' }[Number(read('cpu', 'cpu.weight'))],
  }
}

const bytes = (megabytes: number): number => megabytes * mebibyte

function isLimited(container: Container, expected: Json): void {
  const found = limitsOf(container)
  for (const [name, value] of Object.entries(expected)) assert.is(found[name], value, name)
}

/** A disk of this host. */
function blockDevice(): string | undefined {
  const [name] = readdirSync('/sys/block').filter((disk) => existsSync(`/dev/${disk}`))
  return name === undefined ? undefined : `/dev/${name}`
}

function withJson(container: Container, resources: unknown): Outcome {
  return container.call('update', ['--resources', '-'], [], { stdin: JSON.stringify(resources) })
}

const limited = {
  memory: { limit: bytes(64), swap: bytes(64) },
  cpu: { shares: 1024, quota: 50000, period: 100000 },
  pids: { limit: 40 },
}
const config = withArgs(['sleep', '60'], { linux: { resources: limited } })

test(
  'flags: each changes its limit and no other',
  async () => {
    await withRunning(config, (container) => {
      const update = (...flags: readonly string[]): Outcome => mustSucceed(container.call('update', flags))
      const before = {
        memory: bytes(64),
        swap: bytes(64),
        quota: '50000',
        period: '100000',
        pids: '40',
        shares: '1024',
      }
      isLimited(container, before)
      update('--pids-limit', '20')
      isLimited(container, { ...before, pids: '20' })
      update('--cpu-share=512')
      isLimited(container, { ...before, pids: '20', shares: '512' })
      update('--memory', '128m', '--memory-swap', '192MiB')
      isLimited(container, { memory: bytes(128), swap: bytes(192), pids: '20', shares: '512' })
      update('--memory', '32m', '--memory-swap', '32m', '--pids-limit=-1')
      isLimited(container, { memory: bytes(32), swap: bytes(32), pids: 'max', quota: '50000', period: '100000' })
    })
  },
  { needs },
)

test(
  'quota or period alone keeps the other',
  async () => {
    await withRunning(config, (container) => {
      mustSucceed(container.call('update', ['--cpu-quota', '20000']))
      isLimited(container, { quota: '20000', period: '100000' })
      mustSucceed(container.call('update', ['--cpu-period', '50000']))
      isLimited(container, { quota: '20000', period: '50000' })
      mustSucceed(container.call('update', ['--cpu-quota', '-1']))
      isLimited(container, { quota: '-1', period: '50000' })
    })
  },
  { needs },
)

test(
  'the document of docker, as a file and from standard input: zeros change nothing',
  async () => {
    await withRunning(config, (container) => {
      const document = {
        memory: { limit: bytes(128), reservation: 0, swap: bytes(128), kernel: 0 },
        cpu: { shares: 256, quota: 25000, period: 100000 },
        pids: { limit: 60 },
        blockIO: { weight: 0 },
      }
      const after = {
        memory: bytes(128),
        swap: bytes(128),
        quota: '25000',
        period: '100000',
        pids: '60',
        shares: '256',
      }
      const file = newPath('resources')
      writeFileSync(file, JSON.stringify(document))
      const outcome = mustSucceed(container.call('update', ['-r', file]))
      assert.is(outcome.stdout + outcome.stderr, '')
      isLimited(container, after)
      mustSucceed(withJson(container, { cpu: { shares: 0, quota: 0, period: 0 }, memory: { limit: 0, swap: 0 } }))
      isLimited(container, { ...after, pids: limitsOf(container)['pids'] })
      mustSucceed(withJson(container, { ...document, memory: { limit: bytes(32), swap: bytes(48) } }))
      isLimited(container, { ...after, memory: bytes(32), swap: bytes(48) })
    })
  },
  { needs, differsFrom: { 'runc>=1.2': 'warns of kernel memory, although it is zero' } },
)

test(
  'names of fields in another case',
  async () => {
    await withRunning(config, (container) => {
      const { stderr } = mustSucceed(withJson(container, { Memory: { LIMIT: bytes(32), swap: bytes(48) } }))
      const limits = limitsOf(container)
      assert.is(limits['memory'], bytes(32))
      assert.is(limits['swap'], bytes(48))
      if (isTsrun) assert.match(stderr, 'Memory: it is taken as memory, as the specification spells it')
    })
  },
  { needs, differsFrom: { crun: 'minds the case, and passes over what it does not know' } },
)

test(
  'memory -1 without swap takes both limits away',
  async () => {
    await withRunning(config, (container) => {
      mustSucceed(container.call('update', ['--memory', '-1']))
      const { memory, swap } = limitsOf(container)
      if (cgroupVersion === 1) {
        assert.ok(Number(memory) > 2 ** 62 && Number(swap) > 2 ** 62, `${memory} ${swap}`)
      } else {
        const dir = readCgroupDir(container.pid(), '') ?? ''
        assert.is(readFileSync(join(dir, 'memory.max'), 'utf8'), 'max\n')
        assert.is(readFileSync(join(dir, 'memory.swap.max'), 'utf8'), 'max\n')
      }
    })
  },
  { needs },
)

test(
  'a created and a paused container have their limits changed, and go on',
  async () => {
    await withContainer(config, async (container) => {
      mustSucceed(container.create())
      mustSucceed(container.call('update', ['--pids-limit', '21']))
      isLimited(container, { pids: '21' })
      mustSucceed(container.start())
      mustSucceed(container.call('pause'))
      mustSucceed(container.call('update', ['--pids-limit', '22']))
      isLimited(container, { pids: '22' })
      assert.is(container.status(), 'paused')
      mustSucceed(container.call('resume'))
      const outcome = mustSucceed(container.exec(['probe', 'forks', '80']))
      const made = parseAttempts(outcome.stdout)[0]?.ret ?? 80
      assert.ok(made > 10 && made <= 21, `${made} processes`)
    })
  },
  { needs, differsFrom: { runc: 'exec hangs at times in a container that may have no more processes' } },
)

test(
  'flags may stand behind the id; no processes at all is one',
  async () => {
    await withRunning(config, (container) => {
      mustSucceed(container.call('update', [], ['--pids-limit', '30', '--cpu-share=512']))
      isLimited(container, { pids: '30', shares: '512' })
      mustSucceed(container.call('update', [], ['--pids-limit', '0']))
      isLimited(container, { pids: '1' })
    })
  },
  { needs, differsFrom: { 'runc<1.4': 'leaves the limit as it is', crun: 'takes no flags there' } },
)

test('device rules stay as they are', async () => {
  await withRunning(sleeper, (container) => {
    mustSucceed(withJson(container, { devices: [{ allow: true, access: 'rwm' }], pids: { limit: 30 } }))
    const outcome = container.exec(['probe', 'open', '/dev/null'], ['--cap', 'CAP_MKNOD'])
    assert.is(parseAttempts(outcome.stdout)[0]?.errno, '', outcome.stderr)
    const denied = container.exec(
      ['probe', 'mknod', '/dev/b', 'b', '7', '0', ',', 'open', '/dev/b'],
      ['--cap', 'CAP_MKNOD'],
    )
    assert.is(parseAttempts(denied.stdout)[1]?.errno, 'EPERM', denied.stderr)
  })
})

test('a container that is stopped, or not there, is refused', async () => {
  await withRunning(sleeper, async (container) => {
    mustSucceed(container.kill('KILL'))
    await container.waitForStatus('stopped')
    assertFailure(container.call('update', ['--pids-limit', '5']), { text: /container not running/ })
    mustSucceed(container.delete())
    assertFailure(container.call('update', ['--pids-limit', '5']), { text: /container does not exist/ })
  })
})

test('what is no limit is refused by name', async () => {
  await withRunning(sleeper, (container) => {
    const refuse = (flags: readonly string[], text: RegExp, tsrun = text): void =>
      assertFailure(container.call('update', flags), { text, tsrun })
    refuse(['--memory', '10x'], /invalid value for memory: /, /10x/)
    refuse(['--cpu-share', '-1'], /invalid value for cpu-share: /)
    refuse(['--pids-limit', 'x'], /invalid value .*x.* for flag -pids-limit: parse error/)
    refuse(['--resources', '/no/such/file'], /\/no\/such\/file.* no such file or directory/, /--resources.*ENOENT/)
    refuse(['--l3-cache-schema', 'L3:0=f'], /./, /--l3-cache-schema: the container has no resctrl group/)
    refuse(['--no-such-flag'], /flag provided but not defined: -no-such-flag/)
    assertFailure(container.call('update', ['-r', '-'], [], { stdin: '{' }), {
      tsrun: /standard input: not valid JSON/,
    })
  })
})

test(
  'values that make no sense are refused by field, with the rule',
  async () => {
    await withRunning(sleeper, (container) => {
      assertFailure(withJson(container, { memory: { limit: bytes(64), swap: bytes(32) } }), {
        tsrun: /linux\.resources\.memory\.swap: .*below the memory limit/,
      })
      assertFailure(withJson(container, { pids: { limit: 'many' } }), { tsrun: /linux\.resources\.pids\.limit: / })
      assertFailure(container.call('update', ['--blkio-weight', '9']), {
        tsrun: /linux\.resources\.blockIO\.weight: 9/,
      })
    })
  },
  { differsFrom: { runc: 'leaves values to the kernel, whose weights begin at 1' } },
)

test(
  'what the kernel refuses is told with field, file and errno, and what was changed before is taken back',
  async () => {
    await withRunning(config, (container) => {
      const outcome = container.call('update', ['--cpu-share', '512', '--pids-limit', '9', '--cpu-period', '5'])
      assertFailure(outcome, {
        tsrun: /linux\.resources\.cpu\.period: write .*5.* to .*\/cpu\..*: invalid argument \(EINVAL\)/,
      })
      isLimited(container, { shares: '1024', pids: '40' })
    })
  },
  { needs, differsFrom: { runc: 'takes nothing back', crun: 'takes nothing back' } },
)

test(
  'v1: limits of single devices are taken back as well',
  async () => {
    await withRunning(config, (container) => {
      const dir = readCgroupDir(container.pid(), 'blkio') ?? ''
      const rates = (): string => readFileSync(join(dir, 'blkio.throttle.read_bps_device'), 'utf8')
      const device = statSync(blockDevice() ?? '').rdev
      const [major, minor] = [(device >> 8) & 0xfff, device & 0xff]
      const blockIO = (rate: number): Json => ({ throttleReadBpsDevice: [{ major, minor, rate }] })
      const fail = { throttleWriteBpsDevice: [{ major: 4095, minor: 255, rate: 1 }] }
      assertFailure(withJson(container, { blockIO: { ...blockIO(4096), ...fail } }), { tsrun: /write_bps_device/ })
      assert.is(rates(), '')
      mustSucceed(withJson(container, { blockIO: blockIO(8192) }))
      assertFailure(withJson(container, { blockIO: { ...blockIO(4096), ...fail } }), { tsrun: /write_bps_device/ })
      assert.is(rates(), `${major}:${minor} 8192\n`)
    })
  },
  {
    needs: [needsCgroup1, needsController('blkio'), () => (blockDevice() ? undefined : 'no block device on this host')],
    differsFrom: { runc: 'takes nothing back', crun: 'takes nothing back' },
  },
)

test(
  'an update waits for whoever else changes the container',
  async () => {
    await withRunning(config, async (container) => {
      const lock = join(stateRoot, container.id, 'lock')
      const done = newPath('done')
      const holder = startProgram('flock', [lock, 'sh', '-c', `sleep 1; echo >${done}`])
      await until('it is held', () => spawnSync('flock', ['-n', lock, 'true']).status !== 0)
      mustSucceed(container.call('update', ['--pids-limit', '33']))
      assert.ok(existsSync(done), 'it did not wait')
      await holder.ended
      isLimited(container, { pids: '33' })
    })
  },
  { needs: [...needs, () => (isTsrun ? undefined : 'about the lock of tsrun')] },
)

test(
  'v1: a limit below what is in use is refused, and the other limits stay',
  async () => {
    await withRunning(config, (container) => {
      assertFailure(container.call('update', ['--memory', '4k', '--pids-limit', '9']), {
        text: /unable to set memory limit to 4096 \(current usage: \d+, peak usage: \d+\)/,
        tsrun: /memory\.limit_in_bytes.*EBUSY/,
      })
      isLimited(container, { memory: bytes(64), pids: '40' })
    })
  },
  { needs: [...needs, needsCgroup1] },
)

test(
  'v2: checkBeforeUpdate refuses a limit below what is in use',
  async () => {
    await withRunning(config, (container) => {
      assertFailure(withJson(container, { memory: { limit: 4096, swap: 4096, checkBeforeUpdate: true } }), {
        text: /rejecting memory(\+swap)? limit 4096 <= usage \d+/,
      })
      isLimited(container, { memory: bytes(64) })
      assert.is(container.status(), 'running')
    })
  },
  { needs: [...needs, needsCgroup2] },
)

test(
  'kernel memory is ignored with a warning',
  async () => {
    await withRunning(sleeper, (container) => {
      const outcome = mustSucceed(container.call('update', ['--kernel-memory', '50m']))
      assert.match(outcome.stderr, /level=warning msg="linux\.resources\.memory\.kernel: ignored/)
    })
  },
  { differsFrom: { runc: 'warns in other words, or no longer has the flags', crun: 'sets it' } },
)

test(
  'burst and idle: the order that the kernel takes is found',
  async () => {
    await withRunning(config, (container) => {
      const update = (...flags: readonly string[]): Outcome => mustSucceed(container.call('update', flags))
      const burst = (): string =>
        readFileSync(
          join(
            readCgroupDir(container.pid(), cgroupVersion === 1 ? 'cpu' : '') ?? '',
            cgroupVersion === 1 ? 'cpu.cfs_burst_us' : 'cpu.max.burst',
          ),
          'utf8',
        ).trim()
      update('--cpu-burst', '80000', '--cpu-quota', '80000')
      assert.is(burst(), '80000')
      update('--cpu-burst', '5000', '--cpu-quota', '6000')
      assert.is(burst(), '5000')
      update('--cpu-burst', '0')
      assert.is(burst(), '0')
      update('--cpu-idle', '1')
      update('--cpu-idle', '0', '--cpu-share', '512')
      isLimited(container, { shares: '512', quota: '6000' })
    })
  },
  {
    needs,
    differsFrom: {
      runc: 'has no flags for them, or writes them in an order that fails',
      crun: 'has no flags for them',
    },
  },
)

run()
