// SPDX-License-Identifier: Apache-2.0
// What serves a container outlives the unit of systemd that its caller is in: a service, the scope of a login session.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runtimeDirectoryOf } from '../../bundles/storage.ts'
import { networkTestsNeed, ownPort } from '../helpers/networks.ts'
import { until } from '../helpers/runtime.ts'
import { scaled } from '../helpers/slow.ts'
import { systemctl, unitValues } from '../helpers/systemd.ts'
import { buildBase, Dock, nothingLeft, type Run, runProgram, tsdockPath } from '../helpers/tsdock.ts'
import { UserDock, userNetworksNeed, userTestsNeed } from '../helpers/user-dock.ts'
import { mark, nextNumber } from '../helpers/work-dir.ts'

const isRoot = process.getuid?.() === 0
const image = 'localhost/base'

/** What is the same for root and for users. */
interface Anybody {
  readonly storage: string
  run(...args: readonly string[]): Run
  must(...args: readonly string[]): string
  /** Where its networks are noted. */
  runtime(): string
  /** The environment that its commands need in a service. */
  readonly env: Readonly<Record<string, string>>
  prepare(): void
  end(): Promise<void>
}

function asRoot(): Anybody {
  const dock = new Dock()
  return {
    storage: dock.storage,
    run: (...args) => dock.run(...args),
    must: (...args) => dock.must(...args).stdout.trim(),
    runtime: () => runtimeDirectoryOf(dock.storage),
    env: { TSDOCK_ROOT: dock.storage },
    prepare: () => buildBase(dock),
    end: async () => nothingLeft(dock),
  }
}

const Dockerfile = `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p -m 1777 /tmp
`

function asUser(): Anybody {
  const dock = new UserDock()
  const env = { HOME: dock.home, TSDOCK_ROOT: dock.storage, PATH: '/usr/local/bin:/usr/bin:/bin' }
  return {
    storage: dock.storage,
    run: (...args) => dock.run(...args),
    must: (...args) => dock.must(...args),
    runtime: () => dock.namespaces,
    env,
    // In a service, too: it makes the namespaces that all others share.
    prepare: () => {
      const context = dock.context('context', { Dockerfile })
      const { status, stderr } = inService('build', '-q', '-t', image, context)
      assert.is(status, 0, stderr)
    },
    end: () => dock.close(),
  }
}

function needs(): string | undefined {
  if (!existsSync('/run/systemd/system')) return 'this machine was not booted with systemd'
  if (!/^(running|degraded|starting)$/.test(systemctl('is-system-running'))) {
    return 'there is no service manager for this user'
  }
  return isRoot ? undefined : userTestsNeed()
}

const lacks = needs()
const noNetworks = isRoot ? networkTestsNeed() : userNetworksNeed()
const port = String(ownPort(0))
let who: Anybody

/** Words of systemd-run for a service that runs a command of tsdock, and is stopped as others are. */
const serviceWords = (unit: string, args: readonly string[]): readonly string[] => [
  ...(isRoot ? [] : ['--user']),
  '--quiet',
  '--collect',
  `--unit=${unit}`,
  '--property=TimeoutStopSec=3s',
  ...Object.entries(who.env).map(([name, value]) => `--setenv=${name}=${value}`),
  '--',
  tsdockPath,
  ...args,
]

const unitOf = (): string => `${mark}-${nextNumber()}.service`

/** A command of tsdock as a service of its own, which has ended, with all that it has left in there. */
const inService = (...args: readonly string[]): Run => {
  const [first = '', ...more] = serviceWords(unitOf(), args)
  return runProgram('systemd-run', ['--wait', '--pipe', first, ...more])
}

interface State {
  readonly status: string
  readonly pid: number
  readonly monitorPid: number
}

const idOf = (name: string): string => who.must('inspect', '-f', '{{.Id}}', name)
const stateOf = (id: string): State =>
  JSON.parse(readFileSync(join(who.storage, 'containers', id, 'state.json'), 'utf8')) as State
const networkFile = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(who.runtime(), 'network', name), 'utf8')) as Record<string, unknown>
const relayOf = (id: string): number => (networkFile(`${id}.json`)['relay'] as { readonly pid: number }).pid
const cgroupOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .find((line) => line.startsWith('0::') || line.includes(':name=systemd:'))
    ?.split(':')
    .slice(2)
    .join(':') ?? ''
const unitOfProcess = (pid: number): string => cgroupOf(pid).split('/').at(-1) ?? ''
const scopes = (): readonly string[] =>
  systemctl('list-units', '--all', '--plain', '--no-legend', 'tsdock-*')
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((unit) => unit !== '')
const noScope = (id: string): Promise<void> =>
  until(`no scope of ${id} is left`, () => !scopes().some((unit) => unit.includes(id)))

/** It runs, and its monitor lives, in a scope of its own. */
function isServed(id: string): void {
  const { status, monitorPid } = stateOf(id)
  assert.is(status, 'running')
  assert.ok(existsSync(`/proc/${monitorPid}`), 'its monitor has ended')
  const slice = isRoot ? '/system.slice' : '/user.slice'
  assert.ok(cgroupOf(monitorPid).endsWith(`${slice}/tsdock-monitor-${id}.scope`), cgroupOf(monitorPid))
}

const page = (): string =>
  spawnSync('curl', ['-sS', '-m', '5', `http://127.0.0.1:${port}/`], { encoding: 'utf8' }).stdout.trim()

const serve =
  'echo begun; echo served > /tmp/index.html; trap "exit 0" TERM; httpd -p 80 -h /tmp; while :; do sleep 1; done'

if (lacks !== undefined) process.stdout.write(`SKIP what serves containers outlives a service: ${lacks}\n`)
else {
  test.before(() => {
    who = isRoot ? asRoot() : asUser()
    who.prepare()
  })
  test.after(async () => {
    const all = who.must('ps', '-aq').split('\n').filter(Boolean)
    if (all.length > 0) who.must('rm', '-f', ...all)
    await who.end()
    await until('no scope is left', () => scopes().every((unit) => !unit.includes('monitor')))
  })

  if (noNetworks !== undefined) process.stdout.write(`SKIP its published ports: ${noNetworks}\n`)

  test('a container outlives the service that has started it', async () => {
    const network = noNetworks === undefined ? ['-p', `127.0.0.1:${port}:80`] : ['--net', 'none']
    const begun = performance.now()
    const { status, stdout, stderr } = inService('run', '-d', '--name', 'kept', ...network, image, 'sh', '-c', serve)
    const milliseconds = performance.now() - begun
    assert.is(status, 0, stderr)
    assert.is(stderr, '')
    const id = stdout.trim()
    // Nothing of it was waited for.
    assert.ok(milliseconds < scaled(3000), `${milliseconds} ms`)
    isServed(id)
    assert.is(who.must('logs', 'kept'), 'begun')
    who.must('exec', 'kept', 'sh', '-c', 'echo later > /proc/1/fd/1')
    await until('what it writes is kept', () => who.must('logs', 'kept') === 'begun\nlater')
    const relay = noNetworks === undefined ? relayOf(id) : 0
    if (relay > 0) {
      assert.is(unitOfProcess(relay), `tsdock-monitor-${id}.scope`)
      assert.is(page(), 'served')
    }
    if (!isRoot && noNetworks === undefined) {
      const { pid } = networkFile('carrier') as unknown as { readonly pid: number }
      assert.match(unitOfProcess(pid), /^tsdock-rootless-[0-9a-f]{12}\.scope$/)
    }
    // Neither does it need the service for a second process.
    assert.is(inService('exec', '-d', 'kept', 'sleep', '1000').status, 0)
    assert.match(who.must('top', 'kept'), 'sleep 1000')
    const { monitorPid, pid } = stateOf(id)
    who.must('stop', '-t', '2', 'kept')
    who.must('rm', 'kept')
    for (const one of [monitorPid, pid, relay]) assert.not.ok(one > 0 && existsSync(`/proc/${one}`), String(one))
    await noScope(id)
  })

  if (!isRoot) {
    test('so does whoever holds the namespaces', () => {
      const holder = Number(readFileSync(join(who.runtime(), 'holder'), 'utf8').split(' ')[0])
      assert.match(cgroupOf(holder), /\/user\.slice\/tsdock-rootless-[0-9a-f]{12}\.scope$/)
      // And who takes its place.
      process.kill(holder, 'SIGKILL')
      assert.is(inService('run', '-d', '--name', 'holds', '--net', 'none', image, 'sleep', '1000').status, 0)
      process.kill(Number(readFileSync(join(who.runtime(), 'holder'), 'utf8').split(' ')[0]), 'SIGKILL')
      assert.is(inService('ps').status, 0)
      const next = Number(readFileSync(join(who.runtime(), 'holder'), 'utf8').split(' ')[0])
      assert.is.not(next, holder)
      assert.match(unitOfProcess(next), /^tsdock-rootless-/)
      who.must('rm', '-f', 'holds')
    })
  }

  test('one that is shown by a service runs on when that is killed', async () => {
    const unit = unitOf()
    const args = ['run', '--name', 'shown', '--net', 'none', image, 'sh', '-c', 'echo begun; exec sleep 1000']
    const started = runProgram('systemd-run', serviceWords(unit, args))
    assert.is(started.status, 0, started.stderr)
    await until('it runs', () => who.run('logs', 'shown').stdout.trim() === 'begun', 20_000)
    const id = idOf('shown')
    await until('its scope is there', () => scopes().some((one) => one.includes(id)))
    systemctl('kill', '--signal=KILL', unit)
    await until('the service has ended', () => unitValues(unit, 'ActiveState')[0] === 'inactive')
    isServed(id)
    who.must('rm', '-f', 'shown')
  })

  test('it is started again by its policy, and by hand', async () => {
    const args = ['run', '-d', '--name', 'again', '--restart', 'always', '--net', 'none', '--init', image]
    assert.is(inService(...args, 'sleep', '1000').status, 0)
    const id = idOf('again')
    const { pid } = stateOf(id)
    who.must('exec', 'again', 'killall', 'sleep')
    await until('it is started again', () => {
      const now = stateOf(id)
      return now.status === 'running' && now.pid !== pid
    })
    isServed(id)
    for (let i = 0; i < 5; i++) {
      const { status, stderr } = inService('restart', '-t', '0', 'again')
      assert.is(status, 0, stderr)
      assert.is(stderr, '')
      isServed(id)
    }
    who.must('rm', '-f', 'again')
    await noScope(id)
  })

  test('--rm leaves nothing, whatever has started it', async () => {
    assert.is(inService('run', '-d', '--rm', '--name', 'brief', '--net', 'none', image, 'sleep', '1000').status, 0)
    const id = idOf('brief')
    const { monitorPid } = stateOf(id)
    who.must('kill', 'brief')
    await until(
      'it is gone',
      () => !existsSync(join(who.storage, 'containers', id)) && !existsSync(`/proc/${monitorPid}`),
    )
    await noScope(id)
    const { status, stdout } = inService('run', '--rm', '--net', 'none', image, 'echo', 'through')
    assert.is(status, 0)
    assert.is(stdout.trim(), 'through')
    await until('no scope is left', () => scopes().every((unit) => !unit.includes('monitor')))
  })

  test('who ends the scope, as a machine does that goes down, ends the container in its time', async () => {
    const args = ['run', '-d', '--name', 'deaf', '--restart', 'always', '--stop-timeout', '1', '--net', 'none', image]
    who.must(...args, 'sh', '-c', 'trap "" TERM; while :; do sleep 1; done')
    const id = idOf('deaf')
    const unit = `tsdock-monitor-${id}.scope`
    assert.equal(unitValues(unit, 'TimeoutStopUSec', 'CollectMode'), ['11s', 'inactive-or-failed'])
    if (isRoot)
      assert.match(
        unitValues(unit, 'After')[0] ?? '',
        /local-fs\.target.*network\.target|network\.target.*local-fs\.target/,
      )
    const begun = performance.now()
    systemctl('stop', unit)
    assert.ok(performance.now() - begun < scaled(8000))
    const { status } = stateOf(id)
    assert.is(status, 'exited')
    assert.is(who.must('inspect', '-f', '{{.State.ExitCode}}', 'deaf'), '137')
    who.must('rm', 'deaf')
    await noScope(id)
  })

  test('many at once', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `many-${i}`)
    const ended = names.map((name) => {
      const words = serviceWords(unitOf(), ['run', '-d', '--name', name, '--net', 'none', image, 'sleep', '1000'])
      const child = spawn('systemd-run', ['--wait', ...words], { stdio: 'ignore' })
      return new Promise((resolve) => child.once('close', resolve))
    })
    assert.equal(
      await Promise.all(ended),
      names.map(() => 0),
    )
    for (const name of names) isServed(idOf(name))
    who.must('rm', '-f', ...names)
  })

  test('a scope that cannot be made is told, and the container runs', async () => {
    const id = who.must('create', '--name', 'told', '--net', 'none', image, 'sleep', '1000')
    const unit = `tsdock-monitor-${id}.scope`
    // Somebody has a unit of that name, which lets nobody in.
    const other = spawn('systemd-run', [...(isRoot ? [] : ['--user']), '--scope', `--unit=${unit}`, 'sleep', '1000'], {
      stdio: 'ignore',
    })
    try {
      await until('the unit is there', () => unitValues(unit, 'ActiveState')[0] === 'active')
      const { status, stderr } = who.run('start', 'told')
      assert.is(status, 0)
      assert.match(stderr, /^tsdock: the container's monitor stays in its caller's unit.*: systemd: .*non-delegated/)
      assert.is(who.must('inspect', '-f', '{{.State.Status}}', 'told'), 'running')
    } finally {
      other.kill()
      who.must('rm', '-f', 'told')
    }
    await noScope(id)
  })

  if (!isRoot) process.stdout.write('SKIP without a bus: to take it away needs root\n')
  else {
    test('where no bus is, nothing is said', () => {
      const hide = 'mount -t tmpfs none /run/dbus && mount --bind /dev/null /run/systemd/private && exec "$@"'
      const words = ['-m', 'sh', '-c', hide, 'sh', tsdockPath, 'run', '-d', '--name', 'plain', '--net', 'none', image]
      const { status, stderr } = runProgram('unshare', [...words, 'sleep', '1000'], { env: { ...who.env } })
      assert.is(status, 0, stderr)
      assert.is(stderr, '')
      assert.is(unitOfProcess(stateOf(idOf('plain')).monitorPid), unitOfProcess(process.pid))
      who.must('rm', '-f', 'plain')
    })
  }
}

test.run()
