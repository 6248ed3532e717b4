// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, runOnce, withContainer } from '../helpers/container.ts'
import { helpers } from '../helpers/leaks.ts'
import { programPath } from '../helpers/programs.ts'
import { isTsrun, startProgram, until } from '../helpers/runtime.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'
import { newDir, newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('annotations')

const annotated = (name: string, value: string, patch: Json = {}): Json => ({
  ...patch,
  annotations: { [name]: value },
})
/** Those that begin so are of crun. */
const ofCrun = { differsFrom: { runc: 'knows no annotation of crun' } }

test('state tells them', async () => {
  const annotations = { 'org.example.key': 'value', 'org.example.unicode': '\u00fc "quoted"\n' }
  await withContainer(withArgs(['true'], { annotations }), (container) => {
    mustSucceed(container.create())
    assert.equal(container.state()['annotations'], annotations)
  })
})

test('a value must be a string, a key must not be empty', () => {
  assertRefused({ annotations: { a: 1 } }, { tsrun: /annotations\.a/ })
})

test(
  'run.oci.keep_original_groups: the process has the groups of the caller',
  async () => {
    const wrapper = ['setpriv', '--groups', '4242,4243']
    const patch = annotated('run.oci.keep_original_groups', '1')
    assert.equal([...(await inspect(patch, { wrapper })).groups].sort(), [4242, 4243])
    assert.equal((await inspect({}, { wrapper })).groups, [])
  },
  ofCrun,
)

test(
  'run.oci.pidfd_receiver: a pidfd of init goes to the socket',
  async () => {
    const socket = `${newDir('pidfd')}/socket`
    const receiver = startProgram(programPath('receive-fd'), ['console', socket])
    helpers.add(receiver.child.pid ?? 0)
    try {
      await until('the socket is there', () => receiver.stderr().includes('listening'))
      await withContainer(annotated('run.oci.pidfd_receiver', socket, withArgs(['true'])), async (container) => {
        mustSucceed(container.create())
        await until('the pidfd came', () => receiver.stdout() === '1 other pidfd\n')
      })
    } finally {
      receiver.child.kill('SIGKILL')
      await receiver.ended
      helpers.delete(receiver.child.pid ?? 0)
    }
  },
  { differsFrom: { runc: 'knows no annotation of crun', crun: 'sends no name with it' } },
)

test(
  'run.oci.pidfd_receiver that is not there is refused, and nothing is left',
  () => {
    assertRefused(annotated('run.oci.pidfd_receiver', '/no/such/socket'), {
      tsrun: /pidfd_receiver.*\/no\/such\/socket.*ENOENT/,
    })
  },
  { differsFrom: { runc: 'knows no annotation of crun', crun: 'leaves its cgroups' } },
)

const printing = (kind: string): Json => ({
  path: kind === 'startContainer' ? '/bin/busybox' : '/bin/sh',
  args: ['sh', '-c', `echo ${kind}; echo ${kind} failed >&2`],
  env: ['PATH=/usr/bin:/bin'],
})

test(
  'run.oci.hooks.stdout and run.oci.hooks.stderr: what hooks print is appended to files',
  async () => {
    const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']
    const [out, err] = [newPath('out'), newPath('err')]
    writeFileSync(out, 'before\n')
    const hooks = Object.fromEntries(kinds.map((kind) => [kind, [printing(kind)]]))
    const annotations = { 'run.oci.hooks.stdout': out, 'run.oci.hooks.stderr': err }
    await withContainer(withArgs(['sleep', '60'], { hooks, annotations }), async (container) => {
      mustSucceed(container.create())
      assert.is(readFileSync(out, 'utf8'), 'before\nprestart\ncreateRuntime\ncreateContainer\n')
      if (isTsrun) assert.is(statSync(err).mode & 0o777, 0o600)
      mustSucceed(container.start())
      await until('poststart has run', () => readFileSync(err, 'utf8').includes('poststart failed\n'))
      mustSucceed(container.delete(['--force']))
    })
    assert.equal(readFileSync(out, 'utf8').split('\n').sort(), ['', 'before', ...kinds].sort())
    assert.equal(readFileSync(err, 'utf8').split('\n').sort(), ['', ...kinds.map((kind) => `${kind} failed`)].sort())
  },
  ofCrun,
)

test(
  'run.oci.hooks.stdout alone: what a hook says on stderr is told when it fails',
  () => {
    const hook = { path: '/bin/sh', args: ['sh', '-c', 'echo out; echo reason >&2; exit 3'], env: ['PATH=/bin'] }
    const out = newPath('out')
    assertRefused(annotated('run.oci.hooks.stdout', out, { hooks: { createRuntime: [hook] } }), {
      tsrun: /createRuntime hook #0: exit status 3, stderr: reason/,
    })
    assert.is(readFileSync(out, 'utf8'), 'out\n')
  },
  ofCrun,
)

test(
  'run.oci.hooks.stdout goes through no link, to no disk and waits for no reader',
  () => {
    const [file, link, fifo, disk] = [newPath('file'), newPath('link'), newPath('fifo'), newPath('disk')]
    writeFileSync(file, 'untouched')
    symlinkSync(file, link)
    spawnSync('mkfifo', [fifo])
    const made = spawnSync('mknod', [disk, 'b', '7', '0']).status === 0
    for (const [path, why] of [
      [link, /hooks\.stdout.*open .*link.*ELOOP/],
      [fifo, /hooks\.stdout.*open .*fifo.*ENXIO/],
      // Where there is no such disk, the kernel says so. Only root can name one.
      ...(made ? [[disk, /hooks\.stdout.*open .*disk.*(a block device|ENXIO)/] as const] : []),
      [`${file}/below`, /hooks\.stdout.*ENOTDIR/],
    ] as const) {
      const hooks = { createRuntime: [printing('createRuntime')] }
      assertRefused(annotated('run.oci.hooks.stdout', path, { hooks }), { tsrun: why })
    }
    assert.is(readFileSync(file, 'utf8'), 'untouched')
  },
  { differsFrom: { runc: 'knows no annotation of crun', crun: 'follows links and waits' } },
)

test(
  'what would change what is run, or how it is confined, is refused by name',
  () => {
    for (const name of ['handler', 'seccomp.receiver', 'seccomp_bpf_data', 'seccomp_fail_unknown_syscall']) {
      assertRefused(annotated(`run.oci.${name}`, '1'), {
        tsrun: new RegExp(`annotations.*run\\.oci\\.${name.replace('.', '\\.')}`),
      })
    }
  },
  { differsFrom: { runc: 'knows no annotation of crun', crun: 'acts on them' } },
)

test(
  'what has no effect is told',
  async () => {
    const outcome = mustSucceed(await runOnce(annotated('run.oci.delegate-cgroup', '/x', withArgs(['true']))))
    assert.match(outcome.stderr, /level=warning.*run\.oci\.delegate-cgroup.*without effect/)
  },
  { differsFrom: { runc: 'knows no annotation of crun', crun: 'acts on it' } },
)

run()
