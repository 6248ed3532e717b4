// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { cgroupMount, type Json } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newContainer, withContainer } from '../helpers/container.ts'
import {
  assertCounts,
  checkpoint,
  checkpointCounting,
  count,
  counting,
  isGone,
  needsCriu,
  needsCriuFeature,
  newImage,
  quiet,
  restore,
  withDetached,
} from '../helpers/criu.ts'
import { cgroupVersion, needsCapability, readCgroupMounts } from '../helpers/host.ts'
import { helpers } from '../helpers/leaks.ts'
import { isTsrun, runtimeName, startProgram, startRuntime, until } from '../helpers/runtime.ts'
import { hostSuite, type TestOptions } from '../helpers/suite.ts'
import { mark, newFile } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('checkpoint')

const criu: TestOptions = { needs: [needsCriu], timeoutMs: 60_000 }

/** Where the unified hierarchy of a hybrid host is mounted. */
function unifiedBesideV1(): string | undefined {
  return cgroupVersion === 1 ? readCgroupMounts().find(({ version }) => version === 2)?.dir : undefined
}

/** Mount points and types, without what differs from mount to mount; the root has a test of its own. */
function mountsOf(container: Container): readonly string[] {
  return container
    .exec(['cat', '/proc/self/mountinfo'])
    .stdout.split('\n')
    .filter((line) => line !== '' && line.split(' ')[4] !== '/')
    .map((line) => {
      const [place, options, type] = [line.split(' ')[4], line.split(' ')[5], line.split(' - ')[1]?.split(' ')[0]]
      // Peers give masks other types and options.
      return isTsrun ? `${place} ${options} ${type}` : String(place)
    })
    .sort()
}

test(
  'a container goes on from its image, and all verbs work on it',
  async () => {
    const image = newImage()
    await withDetached(counting({}, [cgroupMount]), async (container) => {
      const mounts = mountsOf(container)
      const before = await checkpointCounting(container, image)
      assert.ok(isGone(container), 'it is deleted, as with peers')
      mustSucceed(restore(container, image))
      await assertCounts(container, before)
      assert.is(container.state()['pid'], container.pid())
      assert.is(container.state()['bundle'], container.bundle)
      assert.is(container.exec(['hostname']).stdout, 'inside\n')
      assert.equal(mountsOf(container), mounts)
      mustSucceed(container.call('pause'))
      assert.is(container.status(), 'paused')
      mustSucceed(container.call('resume'))
      mustSucceed(container.call('update', ['--memory', '67108864']))
      assert.match(
        mustSucceed(container.call('ps', ['--format', 'json'])).stdout,
        new RegExp(`\\b${container.pid()}\\b`),
      )
      if (runtimeName !== 'crun') {
        const events = mustSucceed(container.call('events', ['--stats']))
        assert.is((JSON.parse(events.stdout) as Json)['id'], container.id)
      }
      mustSucceed(container.kill('KILL'))
      await container.waitForStatus('stopped')
      mustSucceed(container.delete())
    })
  },
  criu,
)

test(
  '--leave-running: it goes on, and the image can be restored as another container',
  async () => {
    const image = newImage()
    await withDetached(counting(), async (container) => {
      const before = await checkpointCounting(container, image, ['--leave-running'])
      await assertCounts(container, before)
      await withContainer(counting(), async (copy) => {
        mustSucceed(restore(copy, image))
        await assertCounts(copy, before)
        assert.ok(copy.pid() !== container.pid())
      })
    })
  },
  criu,
)

test(
  'a paused container can be checkpointed',
  async () => {
    const image = newImage()
    await withDetached(counting(), async (container) => {
      await until('it counts', () => count(container) > 1, 10_000)
      mustSucceed(container.call('pause'))
      mustSucceed(checkpoint(container, image))
      mustSucceed(restore(container, image))
      await assertCounts(container, 1)
    })
  },
  { ...criu, differsFrom: { crun: 'its processes stay frozen' } },
)

test(
  '--pre-dump and --parent-path',
  async () => {
    const image = newImage()
    const first = { ...image, flags: ['--image-path', join(image.images, '../before'), '--work-path', image.work] }
    await withDetached(counting(), async (container) => {
      await until('it counts', () => count(container) > 1, 10_000)
      mustSucceed(checkpoint(container, first, ['--pre-dump']))
      assert.is(container.status(), 'running')
      for (const path of [image.images, './nowhere']) {
        const bad = checkpoint(container, image, ['--parent-path', path])
        assert.is.not(bad.status, 0)
        assert.match(bad.stderr, /--parent-path/)
      }
      const before = await checkpointCounting(container, image, ['--parent-path', '../before'])
      assert.ok(existsSync(join(image.images, 'parent')))
      mustSucceed(restore(container, image))
      await assertCounts(container, before)
    })
  },
  { ...criu, needs: [needsCriuFeature('mem_dirty_track')], differsFrom: { crun: 'it takes any parent path' } },
)

test(
  'only what runs can be checkpointed',
  async () => {
    const image = newImage()
    await withContainer(counting(), async (container) => {
      mustSucceed(container.create([], quiet))
      const outcome = checkpoint(container, image)
      assert.is(outcome.status, 1)
      if (runtimeName !== 'crun') assert.match(outcome.stderr, /cannot be checkpointed in created state/)
      assert.not.ok(existsSync(image.images))
      mustSucceed(container.start())
      mustSucceed(container.kill('KILL'))
      await container.waitForStatus('stopped')
      assert.is(checkpoint(container, image).status, 1)
    })
  },
  { needs: [needsCriu], differsFrom: { runc: 'it makes the directories first', crun: 'it lets criu fail' } },
)

test(
  'a file of the host that is open is named as the reason; the container goes on',
  async () => {
    const image = newImage()
    await withContainer(counting(), async (container) => {
      mustSucceed(container.run(['--detach']))
      await until('it counts', () => count(container) > 1, 10_000)
      const outcome = checkpoint(container, image)
      assert.is(outcome.status, 1)
      assert.match(outcome.stderr, /file of the host is open.*Can't lookup mount.*dump\.log/)
      await assertCounts(container, 1)
      assert.is(container.status(), 'running')
    })
  },
  { ...criu, differsFrom: { runc: 'it does not explain', crun: 'it does not explain' } },
)

test(
  'cgroups of others are no part of the image where the unified hierarchy is not mounted',
  async () => {
    const image = newImage()
    const above = unifiedBesideV1() ?? ''
    const foreign = `${mark}-foreign`
    const unmounting = ['unshare', '-m', 'sh', '-c', `umount ${above}; exec "$@" >/dev/null 2>&1`, 'sh']
    mkdirSync(join(above, foreign))
    try {
      await withContainer(counting(), async (container) => {
        mustSucceed(container.run(['--detach'], { wrapper: unmounting }))
        await until('it counts', () => count(container) > 1, 10_000)
        assert.is(checkpoint(container, image, [], { wrapper: unmounting }).status, 0)
        const saved = readdirSync(image.images).filter((name) => name.startsWith('cgroup'))
        assert.ok(saved.length > 0)
        for (const name of saved) assert.not.ok(readFileSync(join(image.images, name)).includes(foreign), name)
        mustSucceed(restore(container, image))
        await assertCounts(container, 1)
      })
    } finally {
      rmdirSync(join(above, foreign))
    }
  },
  {
    ...criu,
    needs: [needsCriu, () => (unifiedBesideV1() === undefined ? 'no unified hierarchy beside those of v1' : undefined)],
    differsFrom: { runc: 'it saves them, and makes them again', crun: 'it does not take the hybrid layout' },
  },
)

test(
  'annotation org.criu.config: a file of criu that has the last word',
  async () => {
    const image = newImage()
    const file = newFile('log-file other.log\n')
    await withDetached(counting({ annotations: { 'org.criu.config': file } }), async (container) => {
      await checkpointCounting(container, image)
      assert.ok(existsSync(join(image.work, 'other.log')))
      assert.not.ok(existsSync(join(image.work, 'dump.log')))
      mustSucceed(restore(container, image))
    })
  },
  { ...criu, differsFrom: { crun: 'its criu library has no such call here' } },
)

test(
  '--lazy-pages: memory is fetched when it is needed; --status-fd tells when that can begin',
  async () => {
    const image = newImage()
    const status = newFile('')
    await withDetached(counting(), async (container) => {
      await until('it counts', () => count(container) > 1, 10_000)
      const server = ['--lazy-pages', '--page-server', '127.0.0.1:27277', '--status-fd', '3']
      const dump = startRuntime(['checkpoint', ...image.flags, ...server, container.id], {
        wrapper: ['sh', '-c', `exec "$@" 3>${status}`, 'sh'],
      })
      await until('pages can be fetched', () => readFileSync(status, 'utf8') === '\0', 20_000)
      const fetching = ['--page-server', '--address', '127.0.0.1', '--port', '27277']
      const daemon = startProgram('criu', ['lazy-pages', ...fetching, '-D', image.images, '-W', image.work])
      helpers.add(daemon.child.pid ?? 0)
      await until('it listens', () => existsSync(join(image.work, 'lazy-pages.socket')), 20_000)
      await withContainer(counting(), async (copy) => {
        mustSucceed(restore(copy, image, ['--detach', '--lazy-pages']))
        await assertCounts(copy, 1)
        assert.is((await dump.ended).status, 0, dump.stderr())
        await daemon.ended
        helpers.delete(daemon.child.pid ?? 0)
        assert.ok(isGone(container))
      })
    })
  },
  {
    ...criu,
    // criu serves pages through pipes that are larger than others may have them.
    needs: [needsCriuFeature('uffd-noncoop'), needsCapability('CAP_SYS_RESOURCE', 24)],
    differsFrom: { runc: 'it leaves a cgroup', crun: 'it has no such flag' },
  },
)

test(
  'flags that make no sense are refused before anything is made',
  async () => {
    const image = newImage()
    await withDetached(counting(), (container) => {
      const refused = (verb: 'checkpoint' | 'restore', flags: readonly string[], text: RegExp): void => {
        const outcome =
          verb === 'checkpoint' ? checkpoint(container, image, flags) : restore(newContainer(), image, flags)
        assert.is(outcome.status, 1, flags.join(' '))
        assert.match(outcome.stderr, text)
      }
      refused('checkpoint', ['--manage-cgroups-mode', 'loose'], /manage-cgroups-mode.*value/)
      refused('checkpoint', ['--page-server', 'nowhere'], /--page-server/)
      refused('checkpoint', ['--empty-ns', 'pid'], /namespace .*pid.* is not supported/)
      refused('checkpoint', ['--status-fd', '99', '--lazy-pages'], /status-fd/)
      assert.not.ok(existsSync(image.images))
      if (isTsrun) {
        refused('checkpoint', ['--network-lock', 'tape'], /--network-lock.*nftables/)
        refused('restore', ['--lsm-profile', 'mine'], /--lsm-profile.*apparmor:NAME/)
        refused('restore', [], /image: open .*: no such file or directory \(ENOENT\)/)
      }
    })
  },
  { ...criu, differsFrom: { runc: 'it makes the directories first', crun: 'it has other flags' } },
)

run()
