// SPDX-License-Identifier: Apache-2.0
// The systemd cgroup driver: the unit that a container lives in, its properties and files, and what is left of it.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { cgroupMount, defaultMounts, defaultNamespaces, type Json, withArgs } from '../helpers/bundle.ts'
import { mustSucceed } from '../helpers/container.ts'
import { assertCounts, checkpointCounting, counting, needsCriu, newImage, quiet } from '../helpers/criu.ts'
import { cgroupVersion, needsCgroup1, needsCgroup2, readCgroupDir, readCgroupMounts } from '../helpers/host.ts'
import { callRuntime, isTsrun, until } from '../helpers/runtime.ts'
import {
  dirOf,
  file,
  limited,
  needsTsrun,
  newSystemdContainer,
  sleeper,
  systemctl,
  systemdSuite,
  unitState,
  unitValues,
  usualSlice,
  withRunningUnit,
  withUnit,
} from '../helpers/systemd.ts'
import { mark } from '../helpers/work-dir.ts'

const { test, run } = systemdSuite('systemd')

const limits: Json = {
  memory: { limit: 64 << 20, swap: 96 << 20, reservation: 32 << 20 },
  cpu: { shares: 512, quota: 25000, period: 50000 },
  pids: { limit: 50 },
}
const limitFiles = ['memory.max', 'memory.swap.max', 'memory.low', 'cpu.weight', 'cpu.max', 'pids.max']
const limitNames = ['MemoryMax', 'MemorySwapMax', 'MemoryLow', 'CPUQuotaPerSecUSec', 'CPUQuotaPeriodUSec', 'TasksMax']
const limitValues = ['67108864', '33554432', '33554432', '500ms', '50ms', '50']

test('init is in a scope of the slice that cgroupsPath names', () =>
  withRunningUnit(sleeper(), (container) => {
    const { unit } = container
    assert.is(unitState(unit), 'active')
    assert.equal(unitValues(unit, 'Slice', 'Delegate', 'DefaultDependencies'), [usualSlice, 'yes', 'no'])
    const cgroup = unitValues(unit, 'ControlGroup')[0] ?? ''
    assert.ok(cgroup.endsWith(`/${usualSlice}/${unit}`), cgroup)
    assert.match(readFileSync(`/proc/${container.pid()}/cgroup`, 'utf8'), new RegExp(`:${cgroup}$`, 'm'))
    assert.is(unitValues(unit, 'Description')[0]?.includes(container.id), true)
  }))

test(
  'limits are properties and files, and stand after a daemon-reload',
  () =>
    withRunningUnit(limited(limits), (container) => {
      const before = limitFiles.map((name) => file(container, name))
      assert.equal(unitValues(container.unit, ...limitNames), limitValues)
      assert.equal(before.slice(0, 3), ['67108864', '33554432', '33554432'])
      assert.equal(before.slice(4), ['25000 50000', '50'])
      systemctl('daemon-reload')
      assert.equal(
        limitFiles.map((name) => file(container, name)),
        before,
      )
    }),
  { needs: [needsCgroup2] },
)

test(
  'v1: limits are properties and files, also after an update and a daemon-reload',
  () => {
    const resources = {
      memory: { limit: 64 << 20 },
      cpu: { shares: 512, quota: 25000, period: 50000 },
      pids: { limit: 50 },
    }
    const names = ['MemoryLimit', 'CPUShares', 'CPUQuotaPerSecUSec', 'TasksMax']
    return withRunningUnit(limited(resources), (container) => {
      const files = (): readonly string[] =>
        [
          ['memory', 'memory.limit_in_bytes'],
          ['cpu', 'cpu.shares'],
          ['cpu', 'cpu.cfs_quota_us'],
          ['pids', 'pids.max'],
        ].map(([controller = '', name = '']) =>
          readFileSync(join(readCgroupDir(container.pid(), controller) ?? '', name), 'utf8').trim(),
        )
      assert.equal(unitValues(container.unit, ...names), ['67108864', '512', '500ms', '50'])
      assert.equal(files(), ['67108864', '512', '25000', '50'])
      mustSucceed(container.call('update', ['--memory', '32m', '--pids-limit', '20', '--cpu-quota', '10000']))
      systemctl('daemon-reload')
      assert.equal(unitValues(container.unit, ...names), ['33554432', '512', '200ms', '20'])
      assert.equal(files(), ['33554432', '512', '10000', '20'])
    })
  },
  { needs: [needsCgroup1] },
)

test(
  'unified settings are properties where systemd has them',
  () => {
    const unified = { 'memory.high': '50331648', 'memory.min': '1048576', 'pids.max': '33', 'memory.oom.group': '1' }
    return withRunningUnit(limited({ unified }), (container) => {
      systemctl('daemon-reload')
      assert.equal(unitValues(container.unit, 'MemoryHigh', 'MemoryMin', 'TasksMax'), ['50331648', '1048576', '33'])
      for (const [name, value] of Object.entries(unified)) assert.is(file(container, name), value, name)
    })
  },
  { needs: [needsCgroup2] },
)

test('cpusets are properties', () =>
  withRunningUnit(limited({ cpu: { cpus: '0', mems: '0' } }), (container) => {
    assert.equal(unitValues(container.unit, 'AllowedCPUs', 'AllowedMemoryNodes'), ['0', '0'])
    const directory = readCgroupDir(container.pid(), cgroupVersion === 1 ? 'cpuset' : '') ?? ''
    assert.is(readFileSync(join(directory, 'cpuset.cpus'), 'utf8').trim(), '0')
  }))

test(
  'update changes properties and files',
  () =>
    withRunningUnit(limited(limits), (container) => {
      const flags = ['--memory', '32m', '--memory-swap', '48m', '--pids-limit', '20', '--cpu-quota', '10000']
      mustSucceed(container.call('update', flags))
      const check = (): void => {
        assert.equal(unitValues(container.unit, 'MemoryMax', 'MemorySwapMax', 'TasksMax', 'CPUQuotaPerSecUSec'), [
          '33554432',
          '16777216',
          '20',
          '200ms',
        ])
        assert.equal(
          ['memory.max', 'memory.swap.max', 'pids.max', 'cpu.max', 'memory.low'].map((name) => file(container, name)),
          ['33554432', '16777216', '20', '10000 50000', '33554432'],
        )
      }
      check()
      systemctl('daemon-reload')
      check()
    }),
  { needs: [needsCgroup2] },
)

test(
  'an update that systemd rounds is what was asked for',
  () =>
    withRunningUnit(sleeper(), (container) => {
      mustSucceed(container.call('update', ['--cpu-quota', '12345', '--cpu-period', '100000']))
      assert.is(file(container, 'cpu.max'), '12345 100000')
      assert.is(unitValues(container.unit, 'CPUQuotaPerSecUSec')[0], '130ms')
    }),
  { needs: [needsCgroup2, needsTsrun] },
)

test('exec, ps, list, events, pause, resume and kill find the scope', () =>
  withRunningUnit(limited({ pids: { limit: 50 } }), async (container) => {
    const inside = mustSucceed(container.exec(['cat', '/proc/self/cgroup'])).stdout
    assert.match(inside, new RegExp(`/${container.unit}$`, 'm'))
    const pids = JSON.parse(mustSucceed(container.call('ps', ['--format', 'json'])).stdout) as number[]
    assert.ok(pids.includes(container.pid()), `${container.pid()} in ${pids}`)
    mustSucceed(container.call('pause'))
    assert.is(container.status(), 'paused')
    mustSucceed(container.call('resume'))
    assert.is(container.status(), 'running')
    if (isTsrun) {
      const { data } = JSON.parse(mustSucceed(container.call('events', ['--stats'])).stdout) as {
        data: { pids: { limit: number } }
      }
      assert.is(data.pids.limit, 50)
      const list = JSON.parse(mustSucceed(callRuntime(['list', '--format', 'json'])).stdout) as Json[]
      assert.ok(list.some((entry) => entry['id'] === container.id && entry['status'] === 'running'))
    }
    mustSucceed(container.kill('KILL'))
    await container.waitForStatus('stopped')
    mustSucceed(container.delete())
    assert.is(unitState(container.unit), 'inactive')
  }))

test('delete --force ends the unit', async () => {
  const container = newSystemdContainer(sleeper())
  mustSucceed(container.create())
  mustSucceed(container.start())
  mustSucceed(container.delete(['--force']))
  assert.is(unitState(container.unit), 'inactive')
})

test('run in the foreground leaves no unit', async () => {
  const container = newSystemdContainer(withArgs(['sh', '-c', 'cat /proc/self/cgroup; exit 3']))
  const outcome = container.run()
  assert.is(outcome.status, 3, outcome.stderr)
  assert.ok(outcome.stdout.includes(container.unit))
  assert.is(unitState(container.unit), 'inactive')
})

test(
  'with a cgroup namespace the container sees itself as the root, without one its own cgroup',
  async () => {
    for (const namespaced of [true, false]) {
      const namespaces = namespaced ? [...defaultNamespaces, { type: 'cgroup' }] : defaultNamespaces
      const patch = withArgs(['sh', '-c', 'cat /proc/self/cgroup /sys/fs/cgroup/cgroup.procs'], {
        mounts: [...defaultMounts, cgroupMount],
        linux: { namespaces },
      })
      await withUnit(patch, (container) => {
        const { stdout } = mustSucceed(container.run())
        assert.is(stdout.includes(container.unit), !namespaced, stdout)
        assert.match(stdout, /^1$/m, 'cgroup.procs')
      })
    }
  },
  {
    needs: [needsCgroup2],
    differsFrom: { runc: 'without a namespace it shows all cgroups of the host' },
  },
)

test('a nested slice lies in those that its name says', async () => {
  const word = mark.replace(/[^a-z0-9]/g, '')
  const slice = `${word}-part.slice`
  const container = newSystemdContainer(sleeper())
  const config = JSON.parse(readFileSync(join(container.bundle, 'config.json'), 'utf8')) as Json
  container.configure({
    ...config,
    linux: { ...(config['linux'] as Json), cgroupsPath: `${slice}:test:${container.id}` },
  })
  try {
    mustSucceed(container.create())
    const cgroup = unitValues(container.unit, 'ControlGroup')[0] ?? ''
    assert.ok(cgroup.endsWith(`/${word}.slice/${slice}/${container.unit}`), cgroup)
    assert.ok(dirOf(container).endsWith(cgroup))
  } finally {
    mustSucceed(container.delete(['--force']))
    systemctl('stop', slice, `${word}.slice`)
    // Those of v1 hierarchies that systemd does not manage are left to whoever uses the slice.
    for (const { dir } of readCgroupMounts())
      spawnSync('rmdir', [`${dir}/${word}.slice/${slice}`, `${dir}/${word}.slice`])
  }
})

test(
  'a name that ends in .slice is a slice',
  async () => {
    const unit = `${mark.replace(/[^a-z0-9]/g, '')}own.slice`
    await withRunningUnit(
      {
        ...limited({ pids: { limit: 40 } }),
        linux: { cgroupsPath: `:test:${unit}`, resources: { pids: { limit: 40 } } },
      },
      (container) => {
        assert.is(unitState(unit), 'active')
        assert.ok(dirOf(container).endsWith(`/${unit}`), dirOf(container))
        assert.is(unitValues(unit, 'TasksMax')[0], '40')
        assert.is(mustSucceed(container.exec(['true'])).status, 0)
      },
      unit,
    )
    assert.is(unitState(unit), 'inactive')
  },
  {
    differsFrom: { runc: 'it gives systemd a process for the slice, which slices do not take' },
  },
)

test(
  'without cgroupsPath the scope is named after the container',
  () => {
    return withUnit(sleeper(), (container) => {
      const config = join(container.bundle, 'config.json')
      const { linux, ...rest } = JSON.parse(readFileSync(config, 'utf8')) as { linux: Json }
      writeFileSync(config, JSON.stringify({ ...rest, linux: { ...linux, cgroupsPath: undefined } }))
      mustSucceed(container.create())
      const unit = `tsrun-${container.id}.scope`
      assert.equal(unitValues(unit, 'ActiveState', 'Slice'), ['active', usualSlice])
    })
  },
  { needs: [needsTsrun] },
)

test('annotations are properties', () => {
  const annotations = {
    'org.systemd.property.TimeoutStopUSec': 'uint64 123456789',
    'org.systemd.property.CollectMode': "'inactive-or-failed'",
    'org.systemd.property.RuntimeMaxSec': '3600',
  }
  return withRunningUnit(sleeper({ annotations }), (container) => {
    assert.equal(unitValues(container.unit, 'TimeoutStopUSec', 'CollectMode', 'RuntimeMaxUSec'), [
      '2min 3.456789s',
      'inactive-or-failed',
      '1h',
    ])
  })
})

test(
  'a container that is restored is in a scope again, with its limits',
  async () => {
    const image = newImage()
    const patch = counting({ linux: { resources: { pids: { limit: 50 } } } })
    await withUnit(patch, async (container) => {
      mustSucceed(container.run(['--detach'], quiet))
      await checkpointCounting(container, image)
      await until('the scope is gone', () => unitState(container.unit) === 'inactive')
      const files = ['--bundle', container.bundle, '--pid-file', container.pidFile]
      mustSucceed(container.call('restore', [...image.flags, ...files, '--detach'], [], { timeoutMs: 30_000 }))
      assert.equal(unitValues(container.unit, 'ActiveState', 'TasksMax'), ['active', '50'])
      assert.ok(dirOf(container).endsWith(`/${container.unit}`), dirOf(container))
      await assertCounts(container, 0)
    })
  },
  { needs: [needsTsrun, needsCgroup2, needsCriu], timeoutMs: 60_000 },
)

run()
