// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, makeRootfs, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, newSource, withContainer } from '../helpers/container.ts'
import {
  assertCounts,
  checkpoint,
  checkpointCounting,
  counting,
  isGone,
  needsCriu,
  newImage,
  quiet,
  restore,
  restoreInUserns,
  withDetached,
} from '../helpers/criu.ts'
import { isTsrun, runtimePath, startRuntime, until } from '../helpers/runtime.ts'
import { hostSuite, type TestOptions, unmount } from '../helpers/suite.ts'
import { onTerminal, withReceiver } from '../helpers/terminal.ts'
import { newDir, newFile, stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('restore')

const criu: TestOptions = { needs: [needsCriu], timeoutMs: 60_000 }

function mustRun(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

/** A symbolic link that leads there. */
function linkTo(path: string): string {
  const link = join(newDir('link'), 'link')
  symlinkSync(path, link)
  return link
}

function inodeOf(path: string): string {
  return mustRun('stat', '-L', '-c', '%i', path).trim()
}

test(
  'a read-only root is one again, and nothing was made in it',
  async () => {
    const image = newImage()
    const rootfs = makeRootfs()
    rmdirSync(join(rootfs, 'tmp'))
    const before = readdirSync(rootfs)
    // A sleep that was under way ends with a restore.
    const args = ['sh', '-c', 'while :; do sleep 1; done']
    await withDetached(withArgs(args, { root: { path: rootfs, readonly: true } }), (container) => {
      mustSucceed(checkpoint(container, image))
      mustSucceed(restore(container, image))
      assert.match(container.exec(['touch', '/file']).stderr, /Read-only file system/)
      assert.equal(readdirSync(rootfs), before)
    })
  },
  { ...criu, differsFrom: { runc: 'it can be written to', crun: 'it can be written to' } },
)

test(
  'a read-only root in which criu finds no place is told',
  async () => {
    const image = newImage()
    const rootfs = makeRootfs()
    rmdirSync(join(rootfs, 'tmp'))
    mustRun('mount', '--bind', '-o', 'ro', rootfs, rootfs)
    try {
      const args = ['sh', '-c', 'while :; do sleep 1; done']
      await withDetached(withArgs(args, { root: { path: rootfs, readonly: true } }), (container) => {
        mustSucceed(checkpoint(container, image))
        const outcome = restore(container, image)
        assert.is(outcome.status, 1)
        assert.match(outcome.stderr, /has no directory \/tmp.*Read-only file system/)
        assert.ok(isGone(container), 'nothing is left of it')
      })
    } finally {
      unmount(rootfs)
    }
  },
  { ...criu, differsFrom: { runc: 'it does not explain', crun: 'it does not explain' } },
)

test(
  'in the foreground: stdio is that of the caller, signals are forwarded, the exit status is that of init',
  async () => {
    const image = newImage()
    const script = 'trap "echo leaving; exit 7" TERM; echo begin; while :; do sleep 0.1; done'
    await withContainer(withArgs(['sh', '-c', script]), async (container) => {
      const first = startRuntime(['run', '--bundle', container.bundle, container.id])
      await until('it has begun', () => first.stdout().includes('begin'), 10_000)
      mustSucceed(checkpoint(container, image))
      assert.is((await first.ended).status, 137)
      await until('it is gone', () => isGone(container))
      const second = startRuntime(['restore', ...image.flags, '--bundle', container.bundle, container.id])
      await until('it is back', () => container.call('state').status === 0 && container.status() === 'running', 20_000)
      second.child.kill('SIGTERM')
      assert.is((await second.ended).status, 7, second.stderr())
      assert.is(second.stdout(), 'leaving\n')
      assert.ok(isGone(container), 'nothing is left of it')
    })
  },
  { ...criu, differsFrom: { crun: 'it has no pipes between, and the output of the container is a file of the host' } },
)

test(
  'with paths of another bundle, root and bind mounts, found by their destinations',
  async () => {
    const image = newImage()
    const patch = (source: string, file: string, rootfs: string): Json =>
      counting({ root: { path: rootfs, readonly: false } }, [
        { destination: '/data', type: 'bind', source, options: ['rbind', 'rprivate'] },
        { destination: '/data/inner/file', source: file, options: ['bind', 'ro'] },
        { destination: '/link', source: linkTo(source), options: ['bind'] },
      ])
    const root = (): string => {
      const rootfs = makeRootfs()
      mkdirSync(join(rootfs, 'real/place'), { recursive: true })
      symlinkSync('/real/place', join(rootfs, 'link'))
      return rootfs
    }
    await withDetached(patch(newSource({ who: 'first' }), newFile('one'), root()), async (container) => {
      const before = await checkpointCounting(container, image)
      await withContainer(patch(newSource({ who: 'second' }), newFile('two'), root()), async (other) => {
        mustSucceed(restore(other, image))
        await assertCounts(other, before)
        assert.is(other.exec(['cat', '/data/who', '/data/inner/file', '/real/place/who']).stdout, 'secondtwosecond')
        const line = other.exec(['grep', '/data/inner/file', '/proc/self/mountinfo']).stdout
        assert.match(line, / ro[, ]/)
      })
    })
  },
  { ...criu, differsFrom: { runc: 'it makes the first cgroup again', crun: 'it crashes' } },
)

test(
  'a recursive bind mount with a mount of the host below it',
  async () => {
    const image = newImage()
    const source = newSource({ 'below/nothing': '' })
    mustRun('mount', '-t', 'tmpfs', 'tsrun-test', join(source, 'below'))
    writeFileSync(join(source, 'below/file'), 'deep')
    try {
      const mounts = [{ destination: '/data', source: linkTo(source), options: ['rbind', 'rprivate'] }]
      await withDetached(counting({ root: { path: makeRootfs() } }, mounts), async (container) => {
        const before = await checkpointCounting(container, image)
        mustSucceed(restore(container, image))
        await assertCounts(container, before)
        assert.is(container.exec(['cat', '/data/below/file']).stdout, 'deep')
      })
    } finally {
      mustRun('umount', join(source, 'below'))
    }
  },
  { ...criu, differsFrom: { runc: 'it unmounts the mount of the host', crun: 'it crashes' } },
)

test(
  'a network namespace with a path is joined again, with its TCP connections',
  async () => {
    const image = newImage()
    const name = `tsrun-test-${process.pid}`
    mustRun('ip', 'netns', 'add', name)
    mustRun('ip', '-n', name, 'link', 'set', 'lo', 'up')
    try {
      const path = `/var/run/netns/${name}`
      const namespaces = ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type }) as Json)
      // Both ends are in the container.
      const script =
        'nc -l -p 7000 </dev/zero >/tmp/in & sleep 1; mkfifo /tmp/f; (while :; do echo x; sleep 0.1; done) >/tmp/f & nc 127.0.0.1 7000 </tmp/f >/dev/null'
      const patch = counting({
        process: { args: ['sh', '-c', script] },
        linux: { namespaces: [...namespaces, { type: 'network', path }] },
      })
      await withDetached(patch, async (container) => {
        const size = (): number => Number(container.exec(['stat', '-c', '%s', '/tmp/in']).stdout)
        await until('they talk', () => size() > 4, 15_000)
        const refused = checkpoint(container, image)
        assert.is.not(refused.status, 0)
        if (isTsrun) assert.match(refused.stderr, /--tcp-established.*Connected TCP socket.*dump\.log/)
        const then = size()
        await until('it has not noticed', () => size() > then, 10_000)
        mustSucceed(checkpoint(container, image, ['--tcp-established']))
        mustSucceed(restore(container, image, ['--detach', '--tcp-established']))
        const now = size()
        await until('they talk on', () => size() > now, 10_000)
        assert.is(readlinkSync(`/proc/${container.pid()}/ns/net`), `net:[${inodeOf(path)}]`)
      })
    } finally {
      mustRun('ip', 'netns', 'del', name)
    }
  },
  criu,
)

test(
  'hooks: prestart and createRuntime at a restore, with its pid; poststop at the ends',
  async () => {
    const image = newImage()
    const log = newFile('')
    const kinds = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']
    const hook = (kind: string): Json => ({
      path: '/bin/sh',
      args: ['sh', '-c', `echo "${kind} $(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/')" >>${log}`],
      env: ['PATH=/usr/bin:/bin'],
    })
    const hooks = Object.fromEntries(kinds.map((kind) => [kind, [hook(kind)]]))
    await withDetached(counting({ hooks }), async (container) => {
      await checkpointCounting(container, image)
      assert.match(readFileSync(log, 'utf8'), /\npoststop .*\n$/)
      writeFileSync(log, '')
      mustSucceed(restore(container, image))
      const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
      assert.equal(lines, [`prestart ${container.pid()}`, `createRuntime ${container.pid()}`])
    })
  },
  { ...criu, differsFrom: { crun: 'it runs no hooks at a restore' } },
)

test(
  'a hook that fails fails the restore, and nothing is left',
  async () => {
    const image = newImage()
    await withDetached(counting(), async (container) => {
      await checkpointCounting(container, image)
      const hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'echo no >&2; exit 3'] }] }
      await withContainer(counting({ hooks }), (other) => {
        const outcome = restore(other, image)
        assert.is(outcome.status, 1)
        assert.match(outcome.stderr, /error running createRuntime hook #0: exit status 3/)
        assert.ok(isGone(other))
      })
    })
  },
  { ...criu, differsFrom: { crun: 'it runs no hooks at a restore', runc: 'it does not say which hook' } },
)

test(
  'a restore that fails leaves nothing behind',
  async () => {
    const image = newImage()
    await withDetached(counting(), async (container) => {
      await checkpointCounting(container, image)
      rmSync(join(image.images, 'inventory.img'))
      rmSync(container.pidFile)
      const outcome = restore(container, image)
      assert.is.not(outcome.status, 0)
      if (isTsrun)
        assert.match(outcome.stderr, /restore: the image is not complete.*criu says: .*empty-image.*restore\.log/)
      assert.not.ok(existsSync(join(stateRoot, container.id)))
      assert.not.ok(existsSync(container.pidFile))
    })
  },
  { ...criu, differsFrom: { crun: 'it leaves its cgroup' } },
)

test(
  'the loopback device of the container is up again',
  async () => {
    const image = newImage()
    await withDetached(counting(), async (container) => {
      await checkpointCounting(container, image)
      mustSucceed(restore(container, image))
      assert.match(container.exec(['ip', 'address', 'show', 'lo']).stdout, /127\.0\.0\.1/)
    })
  },
  { ...criu, differsFrom: { runc: 'it stays down', crun: 'it stays down' } },
)

test(
  'a user namespace',
  async () => {
    const image = newImage()
    const map = [{ containerID: 0, hostID: 100000, size: 65536 }]
    const rootfs = makeRootfs()
    mustRun('chown', '-R', '100000:100000', rootfs)
    const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type }) as Json)
    const patch = counting({
      root: { path: rootfs },
      linux: { namespaces, uidMappings: map, gidMappings: map },
    })
    await withDetached(patch, async (container) => {
      const before = await checkpointCounting(container, image)
      mustSucceed(restoreInUserns(container, image))
      await assertCounts(container, before)
      assert.match(container.exec(['cat', '/proc/self/uid_map']).stdout, /0 +100000 +65536/)
    })
  },
  { ...criu, differsFrom: { runc: 'the image is closed to the root of the container', crun: 'it cannot dump one' } },
)

test(
  'a terminal: --console-socket gets it, and it is that of the process as before',
  async () => {
    const image = newImage()
    const script = 'while read line; do [ "$line" = quit ] && exit 5; echo "got $line"; done'
    await withContainer(withArgs(['sh', '-c', script], { process: { terminal: true } }), async (container) => {
      await withReceiver(async (socket, receiver) => {
        mustSucceed(container.run(['--detach', '--console-socket', socket], quiet))
        receiver.child.stdin?.write('one\n')
        await until('it answers', () => receiver.stdout().includes('got one'), 10_000)
        mustSucceed(checkpoint(container, image))
      })
      await withReceiver(async (socket, receiver) => {
        mustSucceed(restore(container, image, ['--detach', '--console-socket', socket], quiet))
        receiver.child.stdin?.write('two\n')
        await until('it answers again', () => receiver.stdout().includes('got two'), 10_000)
        assert.match(container.exec(['readlink', '/proc/1/fd/0']).stdout, /^\/dev\/pts\/0/)
        mustSucceed(checkpoint(container, image))
      })
      const words = [
        runtimePath,
        '--root',
        stateRoot,
        'restore',
        ...image.flags,
        '--bundle',
        container.bundle,
        container.id,
      ]
      const line = words.map((word) => `'${word}'`).join(' ')
      const call = onTerminal(`(sleep 1; echo ready) & ${line}; echo status $?`, 'three\nquit\n')
      assert.match((await call).text, /got three(?:.|\n)*status 5/)
    })
  },
  { ...criu, timeoutMs: 90_000, differsFrom: { crun: 'it does not hand out the terminal' } },
)

run()
