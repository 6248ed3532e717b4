// SPDX-License-Identifier: Apache-2.0
// Options of `run` and `create`: each shows what it does inside of a container, or in `inspect`.

import { existsSync, globSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scaled } from '../helpers/slow.ts'
import { buildBase, Dock, type Run } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const root = process.getuid?.() === 0
const v1 = existsSync('/sys/fs/cgroup/memory')
const dock = new Dock()
const image = 'localhost/base'

/** Runs a container that is removed at its end. */
const run = (options: string, ...command: readonly string[]): Run =>
  dock.run('run', '--rm', '--net', 'none', ...options.split(' ').filter((word) => word !== ''), image, ...command)

function shell(options: string, script: string): string {
  const { status, stdout, stderr } = run(options, 'sh', '-c', script)
  if (status !== 0) throw new Error(`${options}: ${script}: status ${status}: ${stderr}`)
  return stdout.trim()
}

/** What a cgroup file of version 1 or 2 says inside. */
const limit = (options: string, one: string, two: string): string =>
  v1
    ? shell(options, `cat /sys/fs/cgroup/${one}`)
    : shell(`--cgroupns host ${options}`, `cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/${two}`)

/** [options, script, what it prints] */
const table: readonly (readonly [options: string, script: string, output: string | RegExp])[] = [
  ['', 'echo hi', 'hi'],
  ['-e A=1 -e B=x=y --env C=', 'echo $A $B "[$C]"', '1 x=y []'],
  ['', 'echo $PATH $HOME', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /root'],
  ['', 'echo $BASE', 'yes'],
  ['-h box --domainname example', 'hostname; cat /etc/hostname; cat /proc/sys/kernel/domainname', 'box\nbox\nexample'],
  ['-h box', 'grep -c box /etc/hosts || true; echo $HOSTNAME', /box$/],
  ['-u 1000', 'id -u; id -g', '1000\n1000'],
  ['-u app', 'id -u; id -G', '1000\n1000 50'],
  ['-u app:staff', 'id -g', '50'],
  ['-u 7:8', 'id -u; id -g; echo $HOME', '7\n8\n/'],
  ['--group-add staff --group-add 77', 'id -G', '0 50 77'],
  ['-w /var/log', 'pwd', '/var/log'],
  ['-w /made/for/it', 'pwd', '/made/for/it'],
  ['--read-only', 'touch /x 2>&1; touch /dev/x && echo dev', 'touch: /x: Read-only file system\ndev'],
  ['--read-only --tmpfs /run:size=1m', 'touch /run/x && df -k /run | tail -1 | awk "{print \\$2}"', '1024'],
  ['--shm-size 8m', 'df -k /dev/shm | tail -1 | awk "{print \\$2}"', '8192'],
  ['', 'df -k /dev/shm | tail -1 | awk "{print \\$2}"', '65536'],
  ['--ulimit nofile=100:200', 'ulimit -Sn; ulimit -Hn', '100\n200'],
  ['', 'grep CapEff /proc/self/status', 'CapEff:\t00000000a80425fb'],
  ['--cap-drop ALL', 'grep CapEff /proc/self/status', 'CapEff:\t0000000000000000'],
  ['--cap-drop all --cap-add chown', 'grep CapBnd /proc/self/status', 'CapBnd:\t0000000000000001'],
  ['--cap-add SYS_TIME', 'grep CapEff /proc/self/status', 'CapEff:\t00000000aa0425fb'],
  ['-u 1000', 'grep CapEff /proc/self/status', 'CapEff:\t0000000000000000'],
  ['--security-opt no-new-privileges', 'grep NoNewPrivs /proc/self/status', 'NoNewPrivs:\t1'],
  ['', 'grep -E "NoNewPrivs|Seccomp:" /proc/self/status', 'NoNewPrivs:\t0\nSeccomp:\t2'],
  ['--security-opt seccomp=unconfined', 'grep Seccomp: /proc/self/status', 'Seccomp:\t0'],
  [
    '--privileged',
    'grep Seccomp: /proc/self/status; mount -t tmpfs x /mnt 2>/dev/null || mkdir -p /mnt && mount -t tmpfs x /mnt && echo mounted',
    'Seccomp:\t0\nmounted',
  ],
  ['', 'mkdir -p /m && mount -t tmpfs x /m 2>&1 || true', /permission denied|not permitted/],
  [
    '',
    'cat /proc/kcore 2>/dev/null | head -c1 | wc -c; echo 1 2>/dev/null > /proc/sys/kernel/sysrq || echo no',
    '0\nno',
  ],
  ['--security-opt systempaths=unconfined', 'grep -c " /proc/kcore " /proc/self/mountinfo || true', '0'],
  ['--sysctl net.ipv4.ip_forward=1', 'cat /proc/sys/net/ipv4/ip_forward', '1'],
  ['', 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start', '0'],
  ['--init', 'cat /proc/1/cmdline | tr "\\0" " " | cut -d" " -f1', '/sbin/docker-init'],
  ['', 'echo $$', '1'],
  ['--ipc none', 'ls /dev/shm 2>&1 | head -1', /No such file|^$/],
  ['--oom-score-adj 500', 'cat /proc/self/oom_score_adj', '500'],
  ['--add-host a:1.2.3.4 --add-host b=[::5]', 'grep -E "\ta$|\tb$" /etc/hosts', '1.2.3.4\ta\n::5\tb'],
  ['--device /dev/null:/dev/nothing:rw', 'stat -c "%t:%T" /dev/nothing', '1:3'],
  ['-v /only', 'touch /only/x && echo ok', 'ok'],
  ['--entrypoint echo', 'x', '-c x'],
  ['--hostname a --uts host', 'test "$(hostname)" != a && echo host', 'host'],
]

for (const [options, script, output] of table) {
  test(`run ${options === '' ? '(plain)' : options}: ${script}`, () => {
    // An entrypoint takes the place of sh.
    const got = options.startsWith('--entrypoint') ? run(options, '-c', script).stdout.trim() : shell(options, script)
    if (typeof output === 'string') assert.is(got, output)
    else assert.match(got, output)
  })
}

test('limits', () => {
  assert.is(limit('--memory 64m', 'memory/memory.limit_in_bytes', 'memory.max'), String(64 << 20))
  assert.match(limit('--cpus 0.5', 'cpu/cpu.cfs_quota_us', 'cpu.max'), /^50000/)
  assert.match(limit('--cpu-period 50000 --cpu-quota 10000', 'cpu/cpu.cfs_quota_us', 'cpu.max'), /^10000/)
  assert.is(limit('--pids-limit 20', 'pids/pids.max', 'pids.max'), '20')
  assert.is(limit('--cpuset-cpus 0', 'cpuset/cpuset.cpus', 'cpuset.cpus'), '0')
  if (v1) assert.is(limit('--cpu-shares 512', 'cpu/cpu.shares', ''), '512')
  if (v1)
    assert.is(limit('--memory 64m --memory-reservation 32m', 'memory/memory.soft_limit_in_bytes', ''), String(32 << 20))
})

/** A disk of this host, by its path; undefined: none is to be seen. */
const disk = existsSync('/sys/block')
  ? readdirSync('/sys/block')
      .map((name) => `/dev/${name}`)
      .find((path) => existsSync(path))
  : undefined

if (disk === undefined) process.stdout.write('SKIP limits of single disks: this host shows none\n')
else {
  test('limits of single disks, by number', () => {
    const numbers = readFileSync(`/sys/block/${disk.slice(5)}/dev`, 'utf8').trim()
    const options = `--device-read-bps ${disk}:1mb --device-write-iops ${disk}:99`
    const read = limit(options, 'blkio/blkio.throttle.read_bps_device', 'io.max')
    assert.match(
      read,
      v1 ? `${numbers} 1048576` : new RegExp(`^${numbers} rbps=1048576 wbps=max riops=max wiops=99$`, 'm'),
    )
    if (v1) assert.match(limit(options, 'blkio/blkio.throttle.write_iops_device', ''), `${numbers} 99`)
  })
}

test('a limit of what is no disk', () => {
  const of = (path: string): string => run(`--device-read-bps ${path}:1mb`, 'true').stderr
  assert.match(of('/dev/null'), 'a limit of /dev/null: it is no disk')
  assert.match(of('/dev/nothing'), 'a limit of /dev/nothing: ENOENT')
  assert.match(run('--isolation hyperv', 'true').stderr, 'invalid argument "hyperv" for --isolation')
  assert.match(run('--volume-driver nfs', 'true').stderr, 'there are no plugins of volumes')
  assert.is(dock.must('ps', '-aq').stdout, '')
})

test('exit statuses are those of docker', () => {
  assert.is(run('', 'sh', '-c', 'exit 3').status, 3)
  assert.is(run('', 'sh', '-c', "sh -c 'kill -9 $$'; exit $?").status, 137)
  assert.is(run('', 'nope').status, 127)
  assert.is(run('', '/etc').status, 126)
  assert.is(run('', '/etc/passwd').status, 126)
  assert.is(dock.run('run', '--rm', '--nope', image).status, 125)
  assert.is(dock.run('run', '--rm', '--pull', 'never', 'localhost/absent').status, 125)
  assert.is(dock.run('run').status, 125)
  assert.is(dock.run('ps', '-aq').stdout, '')
})

test('files of variables, labels and ids', () => {
  const dir = newDir('files')
  writeFileSync(join(dir, 'env'), '# x\nA=from file\nB\n')
  writeFileSync(join(dir, 'labels'), 'one=1\ntwo\n')
  const cid = join(dir, 'cid')
  const { stdout } = dock.runWith(
    { env: { B: 'mine' } },
    ...[
      'run',
      '-d',
      '--net',
      'none',
      '--env-file',
      join(dir, 'env'),
      '--label-file',
      join(dir, 'labels'),
      '-l',
      'three=3',
    ],
    ...['--cidfile', cid, '--name', 'filed', image, 'sh', '-c', 'echo $A-$B; sleep 100'],
  )
  const id = stdout.trim()
  assert.is(readFileSync(cid, 'utf8'), id)
  assert.is(
    dock.must('inspect', '-f', '{{json .Config.Labels}}', 'filed').stdout.trim(),
    '{"base":"1","one":"1","two":"","three":"3"}',
  )
  assert.match(dock.run('run', '--cidfile', cid, image, 'true').stderr, /container ID file found/)
  assert.match(dock.run('run', '--name', 'filed', image, 'true').stderr, /is already in use by container/)
  for (let i = 0; i < 50 && dock.run('logs', 'filed').stdout === ''; i++);
  assert.is(dock.run('logs', 'filed').stdout, 'from file-mine\n')
  assert.is(dock.must('rm', '-f', 'filed').stdout, 'filed\n')
})

test('input, output and their ends', () => {
  const echoed = dock.runWith({ input: 'a\nb\n' }, 'run', '-i', '--rm', '--net', 'none', image, 'cat')
  assert.is(echoed.stdout, 'a\nb\n')
  const ignored = dock.runWith({ input: 'a\n' }, 'run', '--rm', '--net', 'none', image, 'cat')
  assert.is(ignored.stdout, '')
  const both = run('', 'sh', '-c', 'echo out; echo err >&2')
  assert.is(both.stdout, 'out\n')
  assert.is(both.stderr, 'err\n')
  const only = dock.run('run', '--rm', '--net', 'none', '-a', 'stderr', image, 'sh', '-c', 'echo out; echo err >&2')
  assert.is(only.stdout, '')
  assert.is(only.stderr, 'err\n')
  assert.match(dock.run('run', '-it', '--rm', image, 'true').stderr, /input device is not a TTY/)
})

test('namespaces of another container', () => {
  dock.must('run', '-d', '--net', 'none', '--name', 'other', '--ipc', 'shareable', image, 'sleep', '300')
  try {
    assert.match(shell('--pid container:other', 'ps'), /sleep 300/)
    dock.must('exec', 'other', 'sh', '-c', 'echo shared > /dev/shm/x')
    assert.is(shell('--ipc container:other', 'cat /dev/shm/x'), 'shared')
    const own = dock.must('exec', 'other', 'readlink', '/proc/self/ns/net').stdout
    assert.is(dock.must('run', '--rm', '--net', 'container:other', image, 'readlink', '/proc/self/ns/net').stdout, own)
    assert.match(shell('--pid host', 'ps'), /sleep 300/)
    assert.match(dock.run('run', '--rm', '--net', 'container:nope', image, 'true').stderr, /No such container/)
    const wrong = dock.run('run', '--rm', '--net', 'container:other', '-p', '1:1', image, 'true')
    assert.match(wrong.stderr, /conflicting options/)
  } finally {
    dock.must('rm', '-f', 'other')
  }
})

test('create, start, stop, restart, pause, rename, update, wait', () => {
  const id = dock
    .must('create', '--net', 'none', '--name', 'life', image, 'sh', '-c', 'trap "exit 9" TERM; sleep 300 & wait')
    .stdout.trim()
  const status = (): string => dock.must('inspect', '-f', '{{.State.Status}}', 'life').stdout.trim()
  try {
    assert.is(status(), 'created')
    assert.is(dock.must('start', 'life').stdout, 'life\n')
    assert.is(status(), 'running')
    dock.must('pause', 'life')
    assert.is(status(), 'paused')
    assert.match(dock.must('ps').stdout, /\(Paused\)/)
    assert.match(dock.run('exec', 'life', 'true').stderr, /is paused/)
    dock.must('unpause', 'life')
    dock.must('rename', 'life', 'changed')
    assert.match(dock.run('start', 'life').stderr, /No such container: life/)
    dock.must('update', '--memory', '50m', 'changed')
    assert.is(dock.must('inspect', '-f', '{{.HostConfig.Memory}}', 'changed').stdout.trim(), String(50 << 20))
    dock.must('stop', 'changed')
    assert.is(dock.must('inspect', '-f', '{{.State.ExitCode}} {{.State.Running}}', id.slice(0, 12)).stdout, '9 false\n')
    assert.is(dock.must('wait', 'changed').stdout, '9\n')
    dock.must('restart', 'changed')
    assert.match(dock.run('rm', 'changed').stderr, /cannot remove container/)
    dock.must('kill', '-s', 'KILL', 'changed')
    assert.is(dock.must('wait', 'changed').stdout, '137\n')
  } finally {
    dock.run('rm', '-f', 'life', 'changed')
  }
  assert.is(dock.run('ps', '-aq').stdout, '')
})

test('a cgroup is never made below that of the caller', () => {
  const place = 'tsdock-run-test'
  const id = dock.must('run', '-d', '--net', 'none', '--cgroup-parent', place, image, 'sleep', '300').stdout.trim()
  try {
    const text = readFileSync(join(dock.storage, 'containers', id, 'config.json'), 'utf8')
    const { linux } = JSON.parse(text) as { readonly linux: { readonly cgroupsPath: string } }
    assert.is(linux.cgroupsPath, `/${place}/${id}`)
  } finally {
    dock.must('rm', '-f', id)
    for (const at of globSync([`/sys/fs/cgroup/*/${place}`, `/sys/fs/cgroup/${place}`])) rmdirSync(at)
  }
})

test('exec', () => {
  dock.must('run', '-d', '--net', 'none', '--name', 'in', '-e', 'A=1', '-w', '/var', image, 'sleep', '300')
  try {
    assert.is(dock.must('exec', '-e', 'B=2', 'in', 'sh', '-c', 'echo $A $B; pwd').stdout, '1 2\n/var\n')
    assert.is(dock.must('exec', '-u', 'app', '-w', '/tmp', 'in', 'sh', '-c', 'id -u; pwd').stdout, '1000\n/tmp\n')
    assert.is(dock.runWith({ input: 'x' }, 'exec', '-i', 'in', 'cat').stdout, 'x')
    assert.is(dock.run('exec', 'in', 'sh', '-c', 'exit 4').status, 4)
    assert.is(dock.run('exec', 'in', 'nope').status, 127)
    assert.is(dock.run('exec', 'in', '/etc/passwd').status, 126)
    dock.must('exec', '-d', 'in', 'sh', '-c', 'echo done > /var/done')
    for (let i = 0; i < 50 && dock.run('exec', 'in', 'cat', '/var/done').status !== 0; i++);
    assert.is(dock.must('exec', 'in', 'cat', '/var/done').stdout, 'done\n')
    // It holds nothing of the caller's: whoever reads the command's output comes to its end.
    const begun = performance.now()
    dock.must('exec', '-d', 'in', 'sleep', '20')
    assert.ok(performance.now() - begun < scaled(10_000))
    const { status, stderr } = dock.run('exec', '-d', 'in', 'nope')
    assert.is(status, 127)
    assert.match(stderr, /^tsdock: .*"nope": executable file not found/)
    assert.match(dock.must('exec', '--privileged', 'in', 'grep', 'CapEff', '/proc/self/status').stdout, /ff$/m)
    assert.match(dock.must('top', 'in').stdout, /sleep 300/)
    assert.match(dock.must('stats', '--no-stream', 'in').stdout, /in .*MiB|in .*kiB|in .*B \//i)
  } finally {
    dock.must('rm', '-f', 'in')
  }
  assert.is(dock.run('exec', 'in', 'true').status, 1)
})

if (!root) process.stdout.write('SKIP run: needs root\n')
else {
  buildBase(dock)
  test.run()
}
