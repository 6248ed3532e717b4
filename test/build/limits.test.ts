// SPDX-License-Identifier: Apache-2.0
// Limits of RUN: they hold, and change neither what a step depends on nor its result.

import { existsSync, readdirSync, realpathSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase, Dock, newContext, nothingLeft } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const cgroup = '/sys/fs/cgroup'

/** What a RUN prints. */
function printed(command: string, ...args: readonly string[]): string {
  const context = newContext({ Dockerfile: `FROM localhost/base\nRUN ${command}\n` })
  const built = dock.must('build', '--no-cache', '--progress', 'plain', ...args, context)
  return built.stderr
}

function failure(...args: readonly string[]): string {
  const run = dock.run('build', ...args, newContext({ Dockerfile: 'FROM scratch\n' }))
  assert.ok(run.status !== 0)
  return run.stderr
}

test('memory and cpus', () => {
  // The files of cgroup v2, or of v1.
  const show = (...names: readonly string[]): string =>
    `for f in ${names.map((name) => `${cgroup}/${name}`).join(' ')}; do if [ -f $f ]; then echo "= $(cat $f)"; fi; done`
  const memory = show('memory.max', 'memory/memory.limit_in_bytes')
  assert.match(printed(memory, '--memory', '64m'), /= 67108864/)
  assert.match(printed(memory, '-m', '96m', '--memory-swap', '96m'), /= 100663296/)
  const quota = show('cpu.max', 'cpu/cpu.cfs_quota_us')
  assert.match(printed(quota, '--cpu-period', '50000', '--cpu-quota', '25000'), /= 25000( 50000)?\b/)
  const weight = show('cpu.weight', 'cpu/cpu.shares')
  assert.match(printed(weight, '-c', '512'), /= (20|512|59)\b/)
  assert.match(
    printed('grep Cpus_allowed_list /proc/self/status', '--cpuset-cpus', '0', '--cpuset-mems', '0'),
    /list:\s*0\n/,
  )
})

test('a cgroup of its own below another', () => {
  const unified = existsSync(`${cgroup}/cgroup.controllers`)
  const text = printed('cat /proc/self/cgroup', '--cgroup-parent', '/tsdock-build-test')
  // With cgroup v2 the container sees its own as the root.
  assert.match(text, unified ? /\b0::\/\n/ : /:\/tsdock-build-test\/build-[0-9a-f]{16}\n/)
  const tops = unified ? [cgroup] : readdirSync(cgroup).map((name) => join(cgroup, name))
  const made = tops.map((top) => join(top, 'tsdock-build-test')).filter((path) => existsSync(path))
  assert.ok(made.length > 0)
  // That of the container is gone, else this fails.
  for (const path of new Set(made.map((one) => realpathSync(one)))) rmdirSync(path)
})

test('resource limits and shared memory', () => {
  const text = printed(
    'ulimit -n; ulimit -Hc; df -k /dev/shm',
    '--ulimit',
    'nofile=77:88',
    '--ulimit',
    'core=0',
    '--shm-size',
    '8m',
  )
  assert.match(text, /\b77\n/)
  assert.match(text, /\b8192 +0 +8192/)
})

test('security options', () => {
  const status = 'grep -E "NoNewPrivs|Seccomp:" /proc/self/status'
  assert.match(printed(status), /NoNewPrivs:\s*0[\s\S]*Seccomp:\s*2/)
  assert.match(printed(status, '--security-opt', 'no-new-privileges'), /NoNewPrivs:\s*1/)
  assert.match(printed(status, '--security-opt', 'seccomp=unconfined'), /Seccomp:\s*0/)
  const profile = join(newDir('profile'), 'p.json')
  const rule = { names: ['chmod', 'fchmodat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }
  writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }))
  assert.match(
    printed('chmod 600 /etc/passwd || true', '--security-opt', `seccomp=${profile}`),
    /Operation not permitted/,
  )
  assert.match(failure('--security-opt', 'seccomp=/nowhere'), /opening seccomp profile \(\/nowhere\) failed: ENOENT/)
  assert.match(failure('--security-opt', 'nope'), /invalid --security-opt "nope"/)
})

test('limits are no part of what a step depends on', () => {
  const context = newContext({ Dockerfile: 'FROM localhost/base\nRUN echo x > /limited\n' })
  const args = ['-m', '64m', '--ulimit', 'nofile=99', '--shm-size', '1m', '--security-opt', 'no-new-privileges']
  const id = dock.must('build', '-q', ...args, context).stdout
  assert.is(dock.must('build', '-q', '--fail-on-miss', context).stdout, id)
  assert.is(dock.must('build', '-q', '--no-cache', context).stdout, id)
})

test('wrong limits', () => {
  assert.match(failure('-m', 'much'), /invalid argument "much" for --memory/)
  assert.match(failure('-m', '4k'), /the least is 512k/)
  assert.match(failure('--memory-swap', '1g'), /always set the Memory limit/)
  assert.match(failure('--cpu-shares', 'x'), /invalid argument "x" for "--cpu-shares"/)
  assert.match(failure('--ulimit', 'nope=1'), /there is no limit "nope"/)
  assert.match(failure('--shm-size', 'x'), /shm-size/)
})

test('options of docker that have one meaning here', () => {
  const context = newContext({ Dockerfile: 'FROM localhost/base\nRUN true\n' })
  const plain = dock.must('build', '-q', context).stdout
  const args = ['--rm', '--rm=false', '--force-rm', '--compress', '--isolation', 'default', '--disable-content-trust']
  assert.is(dock.must('build', '-q', ...args, '--squash=false', context).stdout, plain)
  assert.match(failure('--squash'), /--squash: not supported: .*COPY --from=STAGE/)
  assert.match(failure('--isolation', 'hyperv'), /--isolation hyperv: on Linux there is "default" alone/)
})

if (process.getuid?.() !== 0) process.stdout.write('SKIP limits of builds: needs root\n')
else {
  test.before(() => buildBase(dock))
  test.after(() => nothingLeft(dock))
  test.run()
}
