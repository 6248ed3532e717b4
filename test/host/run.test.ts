// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { makeRootfs, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, newContainer, runOnce, withContainer } from '../helpers/container.ts'
import type { Report } from '../helpers/report.ts'
import { callRuntime, startRuntime, until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { newPath, stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('run')

for (const status of [0, 1, 3, 42, 125, 255]) {
  test(`ends with the exit code of the process: ${status}`, async () => {
    const outcome = await runOnce(withArgs(['sh', '-c', `exit ${status}`]))
    assert.is(outcome.status, status)
    assert.is(outcome.stderr, '')
  })
}

for (const signal of [6, 9, 15]) {
  test(`ends with 128+N when the process dies of signal ${signal}`, async () => {
    // In a pid namespace of its own the first process cannot kill itself, so the shared one is used.
    const namespaces = ['network', 'ipc', 'uts', 'mount'].map((type) => ({ type }))
    const outcome = await runOnce(withArgs(['probe', 'signal', `${signal}`], { linux: { namespaces } }))
    assert.is(outcome.status, 128 + signal)
  })
}

test('deletes the container at the end', async () => {
  await withContainer(withArgs(['true']), (container) => {
    mustSucceed(container.run())
    assert.is(existsSync(join(stateRoot, container.id)), false)
  })
})

test(
  'delete --force ends a container that runs in the foreground, and its hooks run once',
  async () => {
    const log = newPath('log')
    const poststop = [{ path: '/bin/sh', args: ['sh', '-c', `echo stopped >>${log}`] }]
    await withContainer(withArgs(['sleep', '60'], { hooks: { poststop } }), async (container) => {
      const call = startRuntime(['run', '--bundle', container.bundle, container.id])
      await until('it runs', () => container.call('state').status === 0 && container.status() === 'running')
      mustSucceed(container.delete(['--force']))
      assert.is((await call.ended).status, 137)
      assert.is(call.stderr(), '')
      assert.is(readFileSync(log, 'utf8'), 'stopped\n')
    })
  },
  { differsFrom: { runc: 'poststop hooks run twice', crun: 'a hook that does not read its input ends it' } },
)

test('--keep leaves a stopped container', async () => {
  await withContainer(withArgs(['true']), (container) => {
    mustSucceed(container.run(['--keep']))
    assert.is(container.status(), 'stopped')
    mustSucceed(container.delete())
  })
})

test('stdin, stdout and stderr are connected', async () => {
  const outcome = await runOnce(withArgs(['sh', '-c', 'cat; echo to stderr >&2']), { stdin: 'line 1\nline 2' })
  assert.is(outcome.stdout, 'line 1\nline 2')
  assert.is(outcome.stderr, 'to stderr\n')
})

test('a megabyte passes through stdin and stdout unharmed', async () => {
  const text = 'x'.repeat(1023).concat('\n').repeat(1024)
  const outcome = await runOnce(withArgs(['cat']), { stdin: text })
  assert.is(outcome.stdout.length, text.length)
  assert.ok(outcome.stdout === text)
})

test('output of a process that ends at once is not lost', async () => {
  const outcome = await runOnce(withArgs(['sh', '-c', 'seq 1 20000']))
  assert.ok(outcome.stdout.endsWith('\n20000\n'))
})

for (const [signal, number] of [
  ['SIGTERM', 15],
  ['SIGHUP', 1],
  ['SIGUSR1', 10],
  ['SIGINT', 2],
] as const) {
  test(`forwards ${signal} to the process`, async () => {
    await withContainer(withArgs(['probe', 'trap']), async (container) => {
      const running = startRuntime(['run', '--bundle', container.bundle, container.id])
      await until('the trap is set', () => running.stdout().includes('ready'))
      running.child.kill(signal)
      await until('the signal arrived', () => running.stdout().includes(`signal ${number}\n`))
      if (signal !== 'SIGTERM') {
        running.child.kill('SIGTERM')
      }
      assert.is((await running.ended).status, 10)
    })
  })
}

test('a container that is killed from outside ends run with 137', async () => {
  await withContainer(withArgs(['sleep', '60']), async (container) => {
    const running = startRuntime(['run', '--bundle', container.bundle, container.id])
    await until('it runs', () => callRuntime(['state', container.id]).stdout.includes('"running"'))
    mustSucceed(container.kill('KILL'))
    assert.is((await running.ended).status, 137)
  })
})

test('--detach returns at once and writes the pid file', async () => {
  await withContainer(withArgs(['sleep', '60']), async (container) => {
    mustSucceed(container.run(['--detach']))
    await container.waitForStatus('running')
    assert.is(container.state()['pid'], container.pid())
  })
})

test('--detach: the container has the stdio of the caller', async () => {
  await withContainer(withArgs(['sh', '-c', 'cat; echo done']), async (container) => {
    const outcome = mustSucceed(container.run(['-d'], { stdin: 'from the file\n' }))
    await until('it ended', () => outcome.stdout === 'from the file\ndone\n')
    await container.waitForStatus('stopped')
  })
})

test('no descriptor of the caller but stdio reaches the container', async () => {
  const file = newPath('secret')
  writeFileSync(file, 'secret')
  const fds = [openSync(file, 'r'), openSync('/', 'r'), openSync(file, 'r')]
  try {
    const report = await inspect({}, { fds })
    assert.equal(Object.keys(report.fds ?? {}).sort(), ['0', '1', '2'])
  } finally {
    for (const fd of fds) closeSync(fd)
  }
})

test('--preserve-fds passes the next descriptors', async () => {
  const file = newPath('given')
  writeFileSync(file, 'given')
  const fds = [openSync(file, 'r'), openSync(file, 'r'), openSync('/', 'r')]
  try {
    await withContainer({}, (container) => {
      const outcome = mustSucceed(container.run(['--preserve-fds', '2'], { fds }))
      const report = JSON.parse(outcome.stdout) as Report
      assert.equal(Object.keys(report.fds ?? {}).sort(), ['0', '1', '2', '3', '4'])
      assert.match(report.fds?.['3'] ?? '', /given$/)
    })
  } finally {
    for (const fd of fds) closeSync(fd)
  }
})

test('--preserve-fds of a closed descriptor is refused', async () => {
  await withContainer({}, (container) => {
    assertFailure(container.run(['--preserve-fds', '40']), { text: /preserved-fd|preserve-fds/ })
  })
})

test('LISTEN_FDS of the caller are passed on', async () => {
  const file = newPath('socket')
  writeFileSync(file, '')
  const fd = openSync(file, 'r')
  // sh becomes the runtime, so that LISTEN_PID is the pid of the runtime.
  const wrapper = ['sh', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', 'sh']
  try {
    const report = await inspect({}, { fds: [fd], wrapper })
    assert.ok(report.env.includes('LISTEN_FDS=1'), report.env.join('\n'))
    assert.ok(report.env.includes('LISTEN_PID=1'), report.env.join('\n'))
    assert.match(report.fds?.['3'] ?? '', /socket$/)
  } finally {
    closeSync(fd)
  }
})

/** Opens files of these names as 3, 4 ... of the caller. */
async function withOpen(names: readonly string[], use: (fds: readonly number[]) => Promise<void>): Promise<void> {
  const fds = names.map((name) => {
    const path = newPath(name)
    writeFileSync(path, name)
    return openSync(path, 'r')
  })
  try {
    await use(fds)
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

/** Sets variables in a process that becomes the runtime: its pid is in LISTEN_PID. */
function activated(variables: string): readonly string[] {
  return ['sh', '-c', `export ${variables}; exec "$@"`, 'sh']
}

test('LISTEN_FDS come first, those of --preserve-fds after them; also through create and start', async () => {
  await withOpen(['listen', 'preserve', 'other'], async (fds) => {
    await withContainer({}, async (container) => {
      const wrapper = activated('LISTEN_FDS=1 LISTEN_PID=$$')
      const created = mustSucceed(container.create(['--preserve-fds', '1'], { fds, wrapper }))
      mustSucceed(container.start())
      await container.waitForStatus('stopped')
      const report = JSON.parse(created.stdout) as Report
      assert.equal(Object.keys(report.fds ?? {}).sort(), ['0', '1', '2', '3', '4'])
      assert.match(report.fds?.['3'] ?? '', /listen$/)
      assert.match(report.fds?.['4'] ?? '', /preserve$/)
      assert.ok(report.env.includes('LISTEN_FDS=1'))
    })
  })
})

test('LISTEN_FDS for another process are none of the container', async () => {
  await withOpen(['listen'], async (fds) => {
    const report = await inspect({}, { fds, wrapper: activated('LISTEN_FDS=1 LISTEN_PID=1') })
    assert.equal(Object.keys(report.fds ?? {}).sort(), ['0', '1', '2'])
    assert.ok(!report.env.some((line) => line.startsWith('LISTEN_')), report.env.join('\n'))
  })
})

test(
  'LISTEN_FDNAMES go along',
  async () => {
    await withOpen(['one', 'two'], async (fds) => {
      const wrapper = activated('LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=http:https')
      const report = await inspect({}, { fds, wrapper })
      assert.ok(report.env.includes('LISTEN_FDNAMES=http:https'), report.env.join('\n'))
      assert.match(report.fds?.['4'] ?? '', /two$/)
    })
  },
  { differsFrom: { runc: 'leaves the names out', crun: 'leaves the names out' } },
)

test('the environment is that of the config, nothing of the caller', async () => {
  const report = await inspect({ process: { env: ['A=1', 'PATH=/bin', 'A=2', 'EMPTY='] } }, { env: { LEAK: 'x' } })
  assert.ok(!report.env.some((line) => line.startsWith('LEAK=') || line.startsWith('TSRUN')), report.env.join('\n'))
  assert.ok(report.env.includes('A=2'))
  assert.ok(report.env.includes('EMPTY='))
})

test('HOME comes from /etc/passwd when it is not set', async () => {
  const own = await inspect({ process: { user: { uid: 1000, gid: 1000 } } })
  assert.ok(own.env.includes('HOME=/home/user'), own.env.join('\n'))
  const unknown = await inspect({ process: { user: { uid: 4711, gid: 0 } } })
  assert.ok(unknown.env.includes('HOME=/'))
  const given = await inspect({ process: { env: ['PATH=/bin', 'HOME=/given'] } })
  assert.ok(given.env.includes('HOME=/given'))
})

test('args[0] is looked up in PATH of the config', async () => {
  mustSucceed(await runOnce({ process: { args: ['probe', 'report'], env: ['PATH=/nothing:/bin'] } }))
  assertFailure(await runOnce({ process: { args: ['probe', 'report'], env: ['PATH=/nothing'] } }), {
    text: /executable file not found in \$PATH/,
    tsrun: /process\.args/,
  })
})

test('arguments arrive as they are', async () => {
  const args = ['probe', 'report', '', 'two words', '--flag=x', 'quote"\\', 'ünïcödé']
  // The probe writes bytes, not characters.
  const seen = (await inspect({ process: { args } })).args.map((word) => Buffer.from(word, 'latin1').toString('utf8'))
  assert.equal(seen, args)
})

test('cwd is the working directory', async () => {
  assert.is((await inspect({ process: { cwd: '/tmp' } })).cwd, '/tmp')
})

test('a cwd that is not there is made', async () => {
  const rootfs = makeRootfs()
  const report = await inspect({ process: { cwd: '/made/deep' }, root: { path: rootfs, readonly: false } })
  assert.is(report.cwd, '/made/deep')
  assert.ok(existsSync(join(rootfs, 'made/deep')))
})

test('the process leads its session and is pid 1 in a new pid namespace', async () => {
  const report = await inspect()
  assert.is(report.pid, 1)
  assert.is(report.sid, 1)
  assert.is(report.pgrp, 1)
  assert.is(report.ppid, 0)
})

test('signals are neither blocked nor ignored inside', async () => {
  const report = await inspect()
  assert.match(report.status['SigBlk'] ?? '', /^0+$/)
  assert.match(report.status['SigIgn'] ?? '', /^0+$/)
})

test(
  'an ignored SIGPIPE of the caller does not reach the process',
  async () => {
    const report = await inspect({}, { wrapper: ['sh', '-c', 'trap "" PIPE HUP; exec "$@"', 'sh'] })
    assert.match(report.status['SigIgn'] ?? '', /^0+$/)
  },
  { differsFrom: { 'runc<1.3': 'Go keeps SIGHUP ignored when it was so at its start' } },
)

test('run of an id that is taken is refused', async () => {
  await withContainer(withArgs(['sleep', '60']), (container) => {
    mustSucceed(container.create())
    assertFailure(container.run(), { text: /container with given ID already exists/ })
    assert.is(container.status(), 'created')
  })
})

test('the pid file of run is written before the process ends', async () => {
  const container = newContainer(withArgs(['true']))
  mustSucceed(container.run())
  assert.match(readFileSync(container.pidFile, 'utf8'), /^\d+$/)
})

test('processes that stay behind end with the first process of the pid namespace', async () => {
  const outcome = await runOnce(withArgs(['sh', '-c', 'sleep 61 & sleep 62 & exit 5']))
  assert.is(outcome.status, 5)
})

test('--no-pivot: the container has its root, and nothing above it', async () => {
  const script = 'ls -d /bin/probe; cd /; cd ..; ls -d bin/probe; [ -e /proc/1/root/etc/hostname ] || echo none; pwd'
  await withContainer(withArgs(['sh', '-c', script]), (container) => {
    const { stdout } = mustSucceed(container.run(['--no-pivot']))
    assert.is(stdout, '/bin/probe\nbin/probe\nnone\n/\n')
  })
})

test('--keep keeps a container that was killed, or whose program failed, until it is deleted', async () => {
  await withContainer(withArgs(['sh', '-c', 'exit 3']), (container) => {
    assert.is(container.run(['--keep']).status, 3)
    assert.is(container.status(), 'stopped')
    assertFailure(container.run(['--keep']), { text: /already exists/ })
    mustSucceed(container.delete())
    assert.is(container.run().status, 3)
    assert.is(existsSync(join(stateRoot, container.id)), false)
  })
})

test('--no-pivot leaves no procfs of the host behind that would let a user namespace mount its own', async () => {
  const script = 'unshare -mrpf mount -t proc none /proc 2>&1 && echo mounted'
  const names = ['CAP_SYS_ADMIN', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SETFCAP']
  const capabilities = { bounding: names, effective: names, permitted: names }
  const linux = { maskedPaths: ['/proc/keys'], readonlyPaths: ['/proc/sys'] }
  await withContainer(withArgs(['sh', '-c', script], { process: { capabilities }, linux }), (container) => {
    const outcome = container.run(['--no-pivot'])
    assert.match(outcome.stdout, /permission denied|Operation not permitted/)
    assert.not.match(outcome.stdout, /mounted/)
  })
})

run()
