// SPDX-License-Identifier: Apache-2.0
// After a boot: what runs again, and what does not.

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { unitName } from '../../bundles/host/boot-unit.ts'
import { runtimeDirectoryOf } from '../../bundles/storage.ts'
import { buildBase, Dock, nothingLeft, runProgram } from '../helpers/tsdock.ts'

const dock = new Dock()

interface State {
  readonly pid: number
  readonly monitorPid: number
}

const idOf = (name: string): string => dock.must('inspect', '--format', '{{.Id}}', name).stdout.trim()
const stateOf = (name: string): State =>
  JSON.parse(readFileSync(join(dock.storage, 'containers', idOf(name), 'state.json'), 'utf8')) as State
const statusOf = (name: string): string => dock.must('inspect', '--format', '{{.State.Status}}', name).stdout.trim()

function start(name: string, policy: string, ...flags: readonly string[]): void {
  const restart = policy === 'no' ? [] : ['--restart', policy]
  dock.must(
    'run',
    '-d',
    '--name',
    name,
    ...restart,
    ...(flags.length > 0 ? flags : ['--net', 'none']),
    'localhost/base',
    'sleep',
    '1000',
  )
}

/** What a loss of power leaves: files that say that all runs, and nothing that does. */
async function loseThePower(...names: readonly string[]): Promise<void> {
  const states = names.map(stateOf).filter(({ pid }) => pid > 0)
  for (const { monitorPid, pid } of states) for (const one of [monitorPid, pid]) process.kill(one, 'SIGKILL')
  for (const { pid } of states) for (let i = 0; i < 200 && existsSync(`/proc/${pid}/exe`); i++) await sleep(10)
  rmSync(join(runtimeDirectoryOf(dock.storage), 'state'), { recursive: true, force: true })
}

if (process.getuid?.() !== 0) {
  process.stdout.write('SKIP after a boot: needs root\n')
} else {
  test.before(() => buildBase(dock))
  test.after(() => {
    const all = dock.must('ps', '-aq').stdout.trim().split('\n')
    if (all[0] !== '') dock.must('rm', '-f', ...all)
    nothingLeft(dock)
  })

  test('system start-all starts what is to run always, and no others', async () => {
    for (const policy of ['always', 'unless-stopped', 'on-failure', 'no']) start(`${policy}-1`, policy)
    start('always-2', 'always')
    start('unless-stopped-2', 'unless-stopped')
    start('unless-stopped-3', 'unless-stopped')
    start('unless-stopped-4', 'unless-stopped')
    dock.must('stop', '-t', '0', 'always-2', 'unless-stopped-2', 'unless-stopped-4')
    dock.must('kill', 'unless-stopped-3')
    dock.must('start', 'unless-stopped-4')
    dock.must('create', '--restart', 'always', '--name', 'created', 'localhost/base', 'true')
    await loseThePower('always-1', 'unless-stopped-1', 'unless-stopped-4', 'on-failure-1', 'no-1')
    assert.is(statusOf('always-1'), 'exited')

    const { stdout, stderr } = dock.must('system', 'start-all')
    assert.is(stderr, '')
    assert.equal(stdout.trim().split('\n'), ['always-1', 'unless-stopped-1', 'always-2', 'unless-stopped-4'])
    for (const name of stdout.trim().split('\n')) assert.is(statusOf(name), 'running', name)
    for (const name of ['on-failure-1', 'no-1', 'unless-stopped-2', 'unless-stopped-3']) {
      assert.is(statusOf(name), 'exited', name)
    }
    assert.is(statusOf('created'), 'created')
    // What runs is let alone.
    assert.is(dock.must('system', 'start-all').stdout, '')
    dock.must('rm', '-f', ...dock.must('ps', '-aq').stdout.trim().split('\n'))
  })

  test('one that joins another comes after it, and one that fails does not keep the others', async () => {
    start('late', 'always')
    start('early', 'always', '--net', 'container:late')
    start('broken', 'always')
    start('alone', 'always')
    await loseThePower('late', 'early', 'broken', 'alone')
    rmSync(join(dock.storage, 'containers', idOf('broken'), 'work'), { recursive: true })
    const { status, stdout, stderr } = dock.run('system', 'start-all')
    assert.is(status, 1)
    assert.equal(stdout.trim().split('\n'), ['late', 'alone', 'early'])
    assert.match(stderr, /^tsdock: broken: /m)
    dock.must('rm', '-f', 'late', 'early', 'broken', 'alone')
  })

  test('a machine that goes down ends containers, and starts them after the next boot', async () => {
    start('down', 'always', '--net', 'none', '--init')
    start('down-stopped', 'unless-stopped')
    start('down-restarting', 'always', '--net', 'none', '--entrypoint', 'false')
    dock.must('stop', '-t', '0', 'down-stopped')
    const names = ['down', 'down-restarting']
    const monitors = names.map((name) => stateOf(name).monitorPid)
    for (const monitor of monitors) process.kill(monitor, 'SIGTERM')
    for (const monitor of monitors) for (let i = 0; i < 500 && existsSync(`/proc/${monitor}/exe`); i++) await sleep(10)
    for (const name of names) assert.is(statusOf(name), 'exited', name)
    await sleep(500)
    for (const name of names) assert.is(statusOf(name), 'exited', name)
    assert.equal(dock.must('system', 'start-all').stdout.trim().split('\n'), names)
    assert.is(statusOf('down-stopped'), 'exited')
    dock.must('rm', '-f', 'down', 'down-stopped', 'down-restarting')
  })
}

const isBooted = existsSync('/run/systemd/system')
const isRoot = process.getuid?.() === 0

/** Calls systemctl; what it prints. */
const systemctl = (...args: readonly string[]): string =>
  runProgram('systemctl', [...(isRoot ? [] : ['--user']), ...args]).stdout.trim()

if (isBooted) {
  process.stdout.write('SKIP system install without systemd: this machine was booted with it\n')
} else {
  test('without systemd, install says what to do instead', () => {
    for (const verb of ['install', 'uninstall']) {
      const { status, stderr } = dock.run('system', verb)
      assert.is(status, 1)
      assert.match(stderr, /was not booted with systemd: have "tsdock system start-all" run at boot/)
    }
  })
}

if (!isBooted) process.stdout.write('SKIP system install: this machine was not booted with systemd\n')
else if (!/^(running|degraded|starting)$/.test(systemctl('is-system-running'))) {
  process.stdout.write('SKIP system install: there is no service manager for this user\n')
} else if (systemctl('cat', unitName) !== '') {
  process.stdout.write(`SKIP system install: ${unitName} is there already\n`)
} else {
  test('install and uninstall', () => {
    const path = dock.must('system', 'install').stdout.trim()
    try {
      assert.is(systemctl('is-enabled', unitName), 'enabled')
      assert.match(readFileSync(path, 'utf8'), `"--storage" "${dock.storage}" "system" "start-all"`)
      // Again: nothing changes. For another storage: what is there is not replaced.
      dock.must('system', 'install')
      const other = new Dock().run('system', 'install')
      assert.is(other.status, 1)
      assert.match(other.stderr, /is there for another storage/)
      assert.is(systemctl('start', unitName), '')
      assert.is(systemctl('is-active', unitName), 'active')
      assert.is(systemctl('show', '-p', 'Result', unitName), 'Result=success')
    } finally {
      systemctl('stop', unitName)
      dock.must('system', 'uninstall')
    }
    assert.not.ok(existsSync(path))
    assert.is(systemctl('cat', unitName), '')
    assert.match(dock.run('system', 'uninstall').stderr, /it is not installed/)
  })

  if (isRoot) {
    test('what the unit has started outlives it', async () => {
      dock.must('system', 'install')
      try {
        start('kept', 'always')
        await loseThePower('kept')
        systemctl('start', unitName)
        assert.is(statusOf('kept'), 'running')
        systemctl('stop', unitName)
        await sleep(200)
        assert.is(statusOf('kept'), 'running')
        const { monitorPid } = stateOf('kept')
        assert.ok(existsSync(`/proc/${monitorPid}`))
      } finally {
        dock.must('system', 'uninstall')
        dock.run('rm', '-f', 'kept')
      }
    })
  } else process.stdout.write('SKIP what the unit has started outlives it: needs root\n')
}

test.run()
