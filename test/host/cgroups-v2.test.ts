// SPDX-License-Identifier: Apache-2.0
// Where the unified hierarchy is all there is: what the container sees of it, and what it may do below.

import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import {
  cgroupMount,
  defaultMounts,
  defaultNamespaces,
  type Json,
  makeRootfs,
  merge,
  withArgs,
} from '../helpers/bundle.ts'
import { type Container, mustSucceed, runOnce, withContainer, withRunning } from '../helpers/container.ts'
import { type Need, needsCgroup2, needsController, readCgroupDir, readCgroupMounts } from '../helpers/host.ts'
import { findMount, parseAttempts, type Report } from '../helpers/report.ts'
import { until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'

const { test: hostTest, run } = hostSuite('cgroup v2')
const test = (name: string, body: () => void | Promise<void>, ...needs: readonly Need[]): void =>
  hostTest(name, body, { needs: [needsCgroup2, ...needs] })

const writable: Json = { ...cgroupMount, options: ['nosuid', 'noexec', 'nodev', 'relatime', 'rw'] }

/** A cgroup namespace and a cgroup mount. */
function inNamespace(patch: Json, mount: Json = writable): Json {
  const namespaces = [...defaultNamespaces, { type: 'cgroup' }]
  return merge(patch, { mounts: [...defaultMounts, mount], linux: { namespaces } })
}

function cgroupDir(container: Container): string {
  return readCgroupDir(container.pid(), '') ?? ''
}

function file(dir: string, name: string): string {
  return readFileSync(join(dir, name), 'utf8').trim()
}

test('in a cgroup namespace the mount shows the container as the root', async () => {
  const outcome = await runOnce(inNamespace(withArgs(['probe', 'report']), cgroupMount))
  const report = JSON.parse(mustSucceed(outcome).stdout) as Report
  const mount = findMount(report, '/sys/fs/cgroup')
  assert.equal([mount?.type, mount?.root], ['cgroup2', '/'])
  assert.ok(mount?.options.includes('ro'))
  assert.equal(report.cgroup, ['0::/'])
})

test("without a namespace the mount shows the container's own cgroup, which cannot be changed", async () => {
  const config = withArgs(['probe', 'mkdir', '/sys/fs/cgroup/x', ',', 'read', '/sys/fs/cgroup/pids.max'], {
    mounts: [...defaultMounts, cgroupMount],
    linux: { resources: { pids: { limit: 23 } } },
  })
  const seen = parseAttempts(mustSucceed(await runOnce(config)).stdout)
  assert.is(seen[0]?.errno, 'EROFS')
  assert.is(String(seen[1]?.['text']).trim(), '23')
})

const splitUp = `cd /sys/fs/cgroup && mkdir own other && echo $$ >own/cgroup.procs &&
  echo +pids >cgroup.subtree_control && echo done && exec sleep 60`

test(
  'a container that hands controllers down inside: exec follows init, pause and delete take all of it',
  async () => {
    await withRunning(inNamespace(withArgs(['sh', '-c', splitUp])), async (container, created) => {
      await until('the container has split its cgroup', () => created.stdout.includes('done'))
      const dir = cgroupDir(container)
      assert.match(dir, /\/own$/)
      const report = JSON.parse(mustSucceed(container.exec(['probe', 'report'])).stdout) as Report
      assert.equal(report.cgroup, ['0::/own'])
      const other = JSON.parse(
        mustSucceed(container.exec(['probe', 'report'], ['--cgroup', '/other'])).stdout,
      ) as Report
      assert.equal(other.cgroup, ['0::/other'])
      mustSucceed(container.call('pause'))
      assert.is(container.status(), 'paused')
      assert.match(file(dir, 'cgroup.events'), /^frozen 1$/m)
      mustSucceed(container.call('resume'))
      mustSucceed(container.delete(['--force']))
      assert.not(existsSync(join(dir, '..')))
    })
  },
  needsController('pids'),
)

test('exec --cgroup of a cgroup that is not there', async () => {
  await withRunning(withArgs(['sleep', '60']), (container) => {
    assertFailure(container.exec(['true'], ['--cgroup', '/no-such']), { status: 255, tsrun: /no-such.*ENOENT/ })
    mkdirSync(join(cgroupDir(container), 'sub'))
    mustSucceed(container.exec(['true'], ['--cgroup', 'sub']))
  })
})

test(
  'limits cannot be lifted from within a cgroup namespace',
  async () => {
    const limits = { linux: { resources: { pids: { limit: 23 } } } }
    const attempt = ['write', '/sys/fs/cgroup/pids.max', 'max', ',', 'mkdir', '/sys/fs/cgroup/x']
    const outcome = await runOnce(inNamespace(withArgs(['probe', ...attempt], limits)))
    const seen = parseAttempts(mustSucceed(outcome).stdout)
    assert.is(seen[0]?.errno, 'EPERM')
    assert.is(seen[1]?.errno, '')
  },
  needsController('pids'),
  () => {
    const { dir } = readCgroupMounts()[0] ?? { dir: '' }
    const line = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .find((text) => text.includes(` ${dir} cgroup2 `))
    return line?.includes('nsdelegate') ? undefined : 'cgroup2 is mounted without nsdelegate'
  },
)

/** A container whose root is uid 100000, with a cgroup namespace and this cgroup mount. */
function inUserNamespace(args: readonly string[], mount: Json): Json {
  const rootfs = makeRootfs()
  for (const name of ['.', ...readdirSync(rootfs)]) chownSync(join(rootfs, name), 100000, 100000)
  const mapping = [{ containerID: 0, hostID: 100000, size: 65536 }]
  const config = inNamespace(
    withArgs(args, { root: { path: rootfs }, linux: { uidMappings: mapping, gidMappings: mapping } }),
    mount,
  )
  const linux = config['linux'] as Json
  return merge(config, { linux: { namespaces: [...(linux['namespaces'] as Json[]), { type: 'user' }] } })
}

test(
  'a writable cgroup belongs to the root of the user namespace, its limits do not',
  async () => {
    await withContainer(
      inUserNamespace(['sh', '-c', splitUp.replace('sleep 60', 'true')], writable),
      async (container) => {
        const created = mustSucceed(container.create())
        const dir = cgroupDir(container)
        for (const name of ['.', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control']) {
          assert.is(statSync(join(dir, name)).uid, 100000, name)
        }
        for (const name of ['cgroup.freeze', 'pids.max', 'memory.max']) {
          assert.is(statSync(join(dir, name)).uid, 0, name)
        }
        mustSucceed(container.start())
        await container.waitForStatus('stopped')
        assert.is(created.stdout.trim(), 'done', created.stderr)
      },
    )
  },
  needsController('memory'),
)

test('a cgroup that is mounted read-only stays with the root of the host', async () => {
  await withContainer(inUserNamespace(['true'], cgroupMount), (container) => {
    mustSucceed(container.create())
    assert.is(statSync(cgroupDir(container)).uid, 0)
    assert.is(statSync(join(cgroupDir(container), 'cgroup.procs')).uid, 0)
  })
})

/** Runs a container with these limits below a cgroup that has processes. */
async function expectRefusalBelow(resources: Json, tsrun: RegExp): Promise<void> {
  await withRunning(withArgs(['sleep', '60']), async (outer) => {
    const path = `${cgroupDir(outer).slice((readCgroupMounts()[0]?.dir ?? '').length)}/inner`
    await withContainer(withArgs(['true'], { linux: { cgroupsPath: path, resources } }), (inner) => {
      assertFailure(inner.create(), { tsrun })
    })
  })
}

test(
  'below a cgroup with processes, which hands no controller down, a limit is refused with its name',
  () => expectRefusalBelow({ memory: { limit: 2 ** 26 } }, /linux\.resources\.memory\.limit: .*memory\.max.*ENOENT/),
  needsController('memory'),
)

test(
  'below a cgroup with processes, where the kernel takes a limit but no process, the cgroup is said to be why',
  () => expectRefusalBelow({ pids: { limit: 23 } }, /cgroup above it has processes.*cgroupsPath.*EOPNOTSUPP/),
  needsController('pids'),
)

run()
