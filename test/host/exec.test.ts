// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, withContainer, withRunning } from '../helpers/container.ts'
import type { Differences } from '../helpers/differences.ts'
import { cgroupVersion, needsCapability, needsCgroup1, readCgroupDir } from '../helpers/host.ts'
import { capabilitySet, parseAttempts, type Report } from '../helpers/report.ts'
import { startRuntime, until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('exec')
const sleeper = withArgs(['sleep', '60'])

function inspectExec(container: Container, flags: readonly string[] = []): Report {
  return JSON.parse(mustSucceed(container.exec(['probe', 'report'], flags)).stdout) as Report
}

function processFile(patch: Json): string {
  const path = newPath('process.json')
  writeFileSync(path, JSON.stringify({ cwd: '/', env: ['PATH=/bin'], args: ['probe', 'report'], ...patch }))
  return path
}

test('ends with the exit code of the process', async () => {
  await withRunning(sleeper, (container) => {
    for (const status of [0, 1, 7, 126, 255]) {
      assert.is(container.exec(['sh', '-c', `exit ${status}`]).status, status)
    }
    assert.is(container.exec(['probe', 'signal', '9']).status, 137)
    assert.is(container.exec(['probe', 'signal', '15']).status, 143)
    assert.is(container.exec(['true']).stderr, '')
  })
})

test('a failure of the runtime ends with 255', async () => {
  await withRunning(sleeper, (container) => {
    assertFailure(container.exec(['no-such-program']), {
      status: 255,
      text: /executable file not found in \$PATH/,
      tsrun: /no-such-program/,
    })
    assertFailure(container.exec(['/no/such']), { status: 255, text: /no such file or directory/ })
    assertFailure(container.exec(['/etc/passwd']), { status: 255, text: /permission denied/ })
    assert.is(container.exec([]).status === 0, false)
  })
})

test('is refused in a container that is not running', async () => {
  await withContainer(withArgs(['true']), async (container) => {
    mustSucceed(container.create())
    mustSucceed(container.start())
    await container.waitForStatus('stopped')
    assertFailure(container.exec(['true']), { status: 255, text: /stopped|not running/ })
  })
})

test('works in a created container', async () => {
  await withContainer(sleeper, (container) => {
    mustSucceed(container.create())
    mustSucceed(container.exec(['true']))
  })
})

test('works in a created container whose root is another id', async () => {
  const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  const namespaces = [...defaultNamespaces, { type: 'user' }]
  const linux = { namespaces, uidMappings: mappings, gidMappings: mappings }
  await withContainer({ ...sleeper, linux }, (container) => {
    mustSucceed(container.create())
    assert.is(mustSucceed(container.exec(['id', '-u'], ['--user', '7'])).stdout, '7\n')
  })
})

test(
  'before the start finds neither files of the host in init nor the environment of the caller',
  async () => {
    await withContainer(sleeper, (container) => {
      mustSucceed(container.create([], { env: { SECRET_OF_THE_CALLER: 'secret' } }))
      const look = 'cat /proc/1/comm /proc/1/environ; for f in /proc/1/fd/*; do echo; readlink $f; done'
      const { stdout } = container.exec(['sh', '-c', look])
      assert.not.match(stdout, /SECRET/)
      const files = stdout.split('\n').filter((line) => line.startsWith('/') && !line.startsWith('/memfd:'))
      assert.equal(
        files.filter((line) => !/^\/dev\/null$|-std(out|err)$/.test(line)),
        [],
        stdout,
      )
      assert.match(stdout, /\w/)
    })
  },
  { differsFrom: { runc: 'has its fifo open', crun: 'has its fifo open' } },
)

test('has the namespaces, cgroups and root of the container', async () => {
  await withRunning(sleeper, (container) => {
    const report = inspectExec(container)
    const pid = container.pid()
    for (const [name, link] of Object.entries(report.namespaces ?? {})) {
      if (!name.endsWith('_for_children')) {
        assert.is(link, readlinkSync(`/proc/${pid}/ns/${name}`), name)
      }
    }
    assert.equal(report.cgroup, readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n'))
    assert.is(report.hostname, 'inside')
    assert.ok(report.pid > 1)
    assert.equal(Object.keys(report.fds ?? {}).sort(), ['0', '1', '2'])
  })
})

test('takes user, environment, cwd, capabilities, limits of the config', async () => {
  const patch = withArgs(['sleep', '60'], {
    process: {
      user: { uid: 1000, gid: 1001, additionalGids: [2000, 2001], umask: 0o27 },
      env: ['PATH=/bin', 'FROM=config'],
      cwd: '/tmp',
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 77, soft: 66 }],
      oomScoreAdj: 100,
    },
  })
  await withRunning(patch, (container) => {
    const report = inspectExec(container)
    assert.is(report.uid, 1000)
    assert.is(report.gid, 1001)
    assert.equal([...report.groups].sort(), [2000, 2001])
    assert.ok(report.env.includes('FROM=config'))
    assert.is(report.cwd, '/tmp')
    assert.equal(report.rlimits['RLIMIT_NOFILE'], ['66', '77'])
    assert.is(report.status['NoNewPrivs'], '1')
    assert.is(report.oomScoreAdj, '100')
    assert.equal(capabilitySet(report.status['CapBnd']), ['CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_AUDIT_WRITE'])
    assert.is(report.status['Seccomp'], '0')
  })
})

test('--cwd and --env change those of the config', async () => {
  await withRunning(sleeper, (container) => {
    const report = inspectExec(container, ['--cwd', '/etc', '-e', 'A=1,2', '-e', 'B=x y', '-e', 'TERM=changed'])
    assert.is(report.cwd, '/etc')
    assert.ok(report.env.includes('A=1,2'))
    assert.ok(report.env.includes('B=x y'))
    assert.ok(report.env.includes('TERM=changed'))
  })
})

for (const [given, uid, gid] of [
  ['1000', 1000, 0],
  ['1000:1001', 1000, 1001],
  ['0:5', 0, 5],
  ['4294967294:4294967294', 4294967294, 4294967294],
] as const) {
  test(
    `--user ${given}`,
    async () => {
      await withRunning(sleeper, (container) => {
        const report = inspectExec(container, ['--user', given])
        assert.is(report.uid, uid)
        assert.is(report.gid, gid)
      })
    },
    uid > 0x7fffffff ? { differsFrom: { 'runc<1.3': 'takes ids up to 2147483647 only' } } : {},
  )
}

const lenientUsers: Readonly<Record<string, Differences>> = {
  '1:2:3': { 'runc<1.3': 'ignores the rest' },
  '4294967296': { runc: 'takes it modulo 2^32' },
}
for (const given of ['root', '1:', 'a:b', '-1', '1:2:3', '4294967296', '0x1', ' 1']) {
  test(
    `--user "${given}" is refused`,
    async () => {
      await withRunning(sleeper, (container) => {
        const outcome = container.exec(['true'], [`--user=${given}`])
        assert.ok(outcome.status !== 0, outcome.stdout)
      })
    },
    { differsFrom: lenientUsers[given] ?? {} },
  )
}

test('--additional-gids adds groups', async () => {
  await withRunning(sleeper, (container) => {
    const report = inspectExec(container, ['-g', '100', '-g', '101'])
    assert.ok(report.groups.includes(100) && report.groups.includes(101), String(report.groups))
  })
})

test('--cap adds to bounding, effective and permitted, never to inheritable and ambient', async () => {
  await withRunning(sleeper, (container) => {
    const { status } = inspectExec(container, ['--cap', 'CAP_SYS_CHROOT', '--cap', 'CAP_CHOWN'])
    for (const set of ['CapBnd', 'CapEff', 'CapPrm']) {
      const names = capabilitySet(status[set])
      assert.ok(names.includes('CAP_SYS_CHROOT') && names.includes('CAP_CHOWN') && names.includes('CAP_KILL'), set)
    }
    assert.equal(capabilitySet(status['CapInh']), [])
    assert.equal(capabilitySet(status['CapAmb']), [])
  })
})

test('--no-new-privs sets it', async () => {
  await withRunning(withArgs(['sleep', '60'], { process: { noNewPrivileges: false } }), (container) => {
    assert.is(inspectExec(container).status['NoNewPrivs'], '0')
    assert.is(inspectExec(container, ['--no-new-privs']).status['NoNewPrivs'], '1')
  })
})

test(
  '--process replaces the process of the config',
  async () => {
    await withRunning(sleeper, (container) => {
      const path = processFile({
        user: { uid: 1000, gid: 7, additionalGids: [8] },
        env: ['PATH=/bin', 'ONLY=this'],
        cwd: '/tmp',
        rlimits: [{ type: 'RLIMIT_NOFILE', hard: 99, soft: 98 }],
        noNewPrivileges: true,
      })
      const outcome = mustSucceed(container.call('exec', ['--process', path]))
      const report = JSON.parse(outcome.stdout) as Report
      assert.is(report.uid, 1000)
      assert.is(report.gid, 7)
      assert.equal(report.groups, [8])
      assert.ok(report.env.includes('ONLY=this'))
      assert.ok(!report.env.some((line) => line.startsWith('TERM=')))
      assert.is(report.cwd, '/tmp')
      assert.equal(report.rlimits['RLIMIT_NOFILE'], ['98', '99'])
      assert.equal(capabilitySet(report.status['CapEff']), [])
    })
  },
  { differsFrom: { 'runc<1.3': 'Go may change the limit of open files' } },
)

test(
  'a scheduler that is not handed on to children is that of the process itself',
  async () => {
    await withRunning(sleeper, (container) => {
      const flags = ['SCHED_FLAG_RESET_ON_FORK']
      const scheduler = { policy: 'SCHED_DEADLINE', flags, runtime: 42000, deadline: 100000, period: 1000000 }
      const report = mustSucceed(container.call('exec', ['--process', processFile({ scheduler })])).stdout
      assert.is((JSON.parse(report) as Report).scheduler['policy'], 6)
    })
  },
  { needs: [needsCapability('CAP_SYS_NICE', 23)], differsFrom: { 'runc<1.3': 'has no scheduler', crun: 'loses it' } },
)

test('a broken --process file is refused', async () => {
  await withRunning(sleeper, (container) => {
    assertFailure(container.call('exec', ['--process', '/no/such/file']), { status: 255, text: /no such file/ })
    const path = newPath('broken.json')
    writeFileSync(path, '{ "args": [')
    assertFailure(container.call('exec', ['--process', path]), { status: 255 })
    assertFailure(container.call('exec', ['--process', processFile({ args: [] })]), { status: 255 })
    assertFailure(container.call('exec', ['--process', processFile({ cwd: 'relative' })]), { status: 255 })
  })
})

test('--detach returns at once, --pid-file names the process', async () => {
  await withRunning(sleeper, async (container) => {
    const file = newPath('exec.pid')
    const outcome = mustSucceed(container.exec(['sh', '-c', 'echo up; sleep 61'], ['--detach', '--pid-file', file]))
    const pid = Number(readFileSync(file, 'utf8'))
    await until('it runs', () => outcome.stdout === 'up\n')
    await until('it sleeps', () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sleep'))
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^PPid:\\t(?!${container.pid()}$)`, 'm'))
  })
})

test('stdin and stdout are connected', async () => {
  await withRunning(sleeper, (container) => {
    const outcome = container.exec(['sh', '-c', 'cat; echo error >&2'], [], { stdin: 'hello' })
    assert.is(outcome.stdout, 'hello')
    assert.is(outcome.stderr, 'error\n')
  })
})

test('--preserve-fds passes descriptors, others stay out', async () => {
  const file = newPath('given')
  writeFileSync(file, '')
  const fds = [openSync(file, 'r'), openSync('/', 'r')]
  try {
    await withRunning(sleeper, (container) => {
      const outcome = mustSucceed(container.exec(['probe', 'report'], ['--preserve-fds', '1'], { fds }))
      const report = JSON.parse(outcome.stdout) as Report
      assert.equal(Object.keys(report.fds ?? {}).sort(), ['0', '1', '2', '3'])
      const plain = JSON.parse(mustSucceed(container.exec(['probe', 'report'], [], { fds })).stdout) as Report
      assert.equal(Object.keys(plain.fds ?? {}).sort(), ['0', '1', '2'])
    })
  } finally {
    for (const fd of fds) closeSync(fd)
  }
})

test('signals to exec go to its process', async () => {
  await withRunning(sleeper, async (container) => {
    const running = startRuntime(['exec', container.id, 'probe', 'trap'])
    await until('the trap is set', () => running.stdout().includes('ready'))
    running.child.kill('SIGUSR2')
    await until('the signal came', () => running.stdout().includes('signal 12\n'))
    running.child.kill('SIGTERM')
    assert.is((await running.ended).status, 10)
  })
})

test('a paused container refuses exec at once', async () => {
  await withRunning(sleeper, (container) => {
    mustSucceed(container.call('pause'))
    assertFailure(container.exec(['true']), { status: 255, text: /paused/ })
    mustSucceed(container.call('resume'))
  })
})

test('--ignore-paused waits in the frozen cgroup until it is resumed', async () => {
  await withRunning(sleeper, async (container) => {
    mustSucceed(container.call('pause'))
    const running = startRuntime(['exec', '--ignore-paused', container.id, 'true'])
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.is(running.child.exitCode, null)
    mustSucceed(container.call('resume'))
    assert.is((await running.ended).status, 0)
  })
})

test('flags end at the id', async () => {
  await withRunning(sleeper, (container) => {
    assert.is(mustSucceed(container.exec(['echo', '--user', '5', '-d'])).stdout, '--user 5 -d\n')
  })
})

test('has the seccomp filter of the container', async () => {
  const seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['sethostname'], action: 'SCMP_ACT_ERRNO', errnoRet: 18 }],
  }
  await withRunning(withArgs(['sleep', '60'], { linux: { seccomp } }), (container) => {
    const outcome = mustSucceed(container.exec(['probe', 'sethostname', 'x']))
    assert.is(parseAttempts(outcome.stdout)[0]?.errno, 'EXDEV')
    assert.is(inspectExec(container).status['Seccomp'], '2')
  })
})

test(
  '--cgroup puts the process into a sub-cgroup',
  async () => {
    await withRunning(sleeper, (container) => {
      const dir = readCgroupDir(container.pid(), 'pids')
      assertFailure(container.exec(['true'], ['--cgroup', 'pids:no-such']), { status: 255 })
      assert.ok(dir)
      const report = JSON.parse(
        mustSucceed(container.exec(['probe', 'report'], ['--cgroup', cgroupVersion === 1 ? 'pids:/' : '/'])).stdout,
      ) as Report
      assert.ok(report.pid > 1)
    })
  },
  { needs: [needsCgroup1] },
)

test(
  '--apparmor of an unknown profile is refused where AppArmor is off',
  async () => {
    await withRunning(sleeper, (container) => {
      assertFailure(container.exec(['true'], ['--apparmor', 'no-such-profile']), { status: 255, tsrun: /apparmor/i })
    })
  },
  { differsFrom: { 'runc<1.3': 'ignores the label where AppArmor is off' } },
)

test('many at once', async () => {
  await withRunning(sleeper, async (container) => {
    const calls = Array.from({ length: 10 }, (_, n) => startRuntime(['exec', container.id, 'sh', '-c', `exit ${n}`]))
    const statuses = (await Promise.all(calls.map((call) => call.ended))).map((end) => end.status)
    assert.equal(statuses, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.is(container.status(), 'running')
  })
})

run()
