// SPDX-License-Identifier: Apache-2.0
// A restored container with a user namespace: criu opens the sources of its bind mounts as the root of that namespace.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json, makeRootfs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newSource, withContainer } from '../helpers/container.ts'
import {
  assertCounts,
  checkpoint,
  checkpointCounting,
  count,
  counting,
  isGone,
  needsCriu,
  newImage,
  restore,
  restoreInUserns,
  withDetached,
} from '../helpers/criu.ts'
import { until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite, type TestOptions, unmount } from '../helpers/suite.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('restore with a user namespace')

const criu: TestOptions = {
  needs: [needsCriu],
  timeoutMs: 60_000,
  differsFrom: { runc: 'the image is closed to the root of the container', crun: 'it cannot dump one' },
}

const map = [{ containerID: 0, hostID: 100000, size: 65536 }]

function mustRun(program: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`)
}

function withBinds(mounts: readonly Json[], linux: Json = {}): Json {
  const rootfs = makeRootfs()
  mustRun('chown', '-R', '100000:100000', rootfs)
  const namespaces = [...defaultNamespaces, { type: 'user' }]
  const all = { namespaces, uidMappings: map, gidMappings: map, ...linux }
  return counting({ root: { path: rootfs }, linux: all }, mounts)
}

const bind = (destination: string, source: string, ...options: readonly string[]): Json => ({
  destination,
  source,
  options: ['rbind', ...options],
})

/** A directory below one that only root of the host may enter. */
function newShutSource(): string {
  const top = newDir('shut')
  const source = join(top, 'inner')
  mkdirSync(source)
  writeFileSync(join(source, 'who'), 'shut ')
  symlinkSync(source, join(top, 'link'))
  chmodSync(top, 0o700)
  return source
}

/** Mount points with options, sharing and type; criu mounts in another order. */
function mountsOf(container: Container): readonly string[] {
  const lines = mustSucceed(container.exec(['cat', '/proc/self/mountinfo']))
    .stdout.trimEnd()
    .split('\n')
  return lines
    .map((line) => {
      const [words = [], type = ''] = line.split(' - ').map((part) => part.split(' '))
      return `${words[4]} ${words[5]} ${words.slice(6).map((word) => word.replace(/:.*/, ''))} ${type[0]}`
    })
    .sort()
}

test(
  'bind mounts are what they were, also of what only root of the host can reach',
  async () => {
    const image = newImage()
    const shut = newShutSource()
    const shared = mkdtempSync('/dev/shm/tsrun-test-')
    chmodSync(shared, 0o755)
    writeFileSync(join(shared, 'who'), 'shared ')
    const config = withBinds([
      bind('/home', newSource({ who: 'open ' }), 'ro', 'nosuid', 'nodev', 'noexec', 'rprivate'),
      bind('/root', shut, 'rprivate'),
      bind('/etc/file', join(shut, 'who'), 'rprivate'),
      bind('/var/link', join(shut, '../link'), 'rprivate'),
      bind('/run', shared, 'rslave'),
    ])
    try {
      await withDetached(config, async (container) => {
        const mounts = mountsOf(container)
        const before = await checkpointCounting(container, image)
        mustSucceed(restoreInUserns(container, image))
        await assertCounts(container, before)
        assert.equal(mountsOf(container), mounts)
        const files = ['/home/who', '/root/who', '/etc/file', '/var/link/who', '/run/who']
        assert.is(container.exec(['cat', ...files]).stdout, 'open shut shut shut shared ')
        writeFileSync(join(shut, 'new'), 'new')
        assert.is(container.exec(['cat', '/root/new']).stdout, 'new')
      })
    } finally {
      rmSync(shared, { recursive: true })
    }
  },
  criu,
)

test(
  'a mount of the host below a bind mount: the container goes on, as it could never be restored',
  async () => {
    const image = newImage()
    const source = newSource({ 'below/hidden': '' })
    mustRun('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', join(source, 'below'))
    try {
      await withDetached(withBinds([bind('/home', source)]), async (container) => {
        await until('it counts', () => count(container) > 1, 10_000)
        assertFailure(checkpoint(container, image), {
          tsrun: /mounts\[7\].*cannot restore.*mount.* below it.*\/below\)/,
        })
        await assertCounts(container, 1)
      })
    } finally {
      unmount(join(source, 'below'))
    }
  },
  {
    ...criu,
    differsFrom: { runc: 'it takes the mount of the host for one of the container', crun: 'it cannot dump one' },
  },
)

test(
  'a mount that is there only at the restore uncovers nothing, and the reason is told',
  async () => {
    const image = newImage()
    const source = newSource({ 'below/hidden': '' })
    const [all, one] = [bind('/home', source), { ...bind('/home', source), options: ['bind'] }]
    await withDetached(withBinds([all]), async (container) => {
      await checkpointCounting(container, image)
      mustRun('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', join(source, 'below'))
      try {
        for (const mount of [all, one]) {
          await withContainer(withBinds([mount]), (other) => {
            assertFailure(restore(other, image), { tsrun: /cannot restore a bind mount .*mount.* below it/ })
            assert.ok(isGone(other))
          })
        }
      } finally {
        unmount(join(source, 'below'))
      }
    })
  },
  criu,
)

run()
