// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, runOnce, withContainer } from '../helpers/container.ts'
import { helpers } from '../helpers/leaks.ts'
import { programPath } from '../helpers/programs.ts'
import { startProgram, until } from '../helpers/runtime.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'
import { newDir } from '../helpers/work-dir.ts'

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
    const outcome = mustSucceed(await runOnce(annotated('run.oci.hooks.stdout', '/dev/null', withArgs(['true']))))
    assert.match(outcome.stderr, /level=warning.*run\.oci\.hooks\.stdout.*without effect/)
  },
  { differsFrom: { runc: 'knows no annotation of crun', crun: 'acts on it' } },
)

run()
