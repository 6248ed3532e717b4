// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, withContainer } from '../helpers/container.ts'
import { helpers } from '../helpers/leaks.ts'
import { programPath } from '../helpers/programs.ts'
import { parseAttempts } from '../helpers/report.ts'
import { startProgram, until } from '../helpers/runtime.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('seccomp notify')

function withSeccomp(seccomp: Json, args: string, patch: Json = {}): Json {
  return withArgs(['probe', ...args.split(' ')], { ...patch, linux: { seccomp } })
}

function notify(path: string, patch: Json = {}): Json {
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    listenerPath: path,
    listenerMetadata: 'some metadata',
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
    ...patch,
  }
}

/** Gives a listener's socket to `use`, and what it has said so far. */
async function withListener(use: (socket: string, said: () => string) => Promise<void>): Promise<void> {
  const socket = join(newDir('seccomp'), 'socket')
  const receiver = startProgram(programPath('receive-fd'), ['seccomp', socket])
  helpers.add(receiver.child.pid ?? 0)
  try {
    await until('the socket is there', () => receiver.stderr().includes('listening'))
    await use(socket, receiver.stdout)
  } finally {
    receiver.child.kill('SIGKILL')
    await receiver.ended
    helpers.delete(receiver.child.pid ?? 0)
  }
}

test('SCMP_ACT_NOTIFY sends the listener and the state, and the listener decides', () =>
  withListener(async (socket, said) => {
    const config = withSeccomp(notify(socket), 'mkdir /home/x', { annotations: { a: 'b' } })
    await withContainer(config, async (container) => {
      // Not in the foreground: there a slow listener would be waited for by this process as well.
      const outcome = mustSucceed(container.run(['--detach']))
      await until('the probe ended', () => outcome.stdout.includes('"try":"mkdir"'))
      assert.is(parseAttempts(outcome.stdout)[0]?.errno, 'EXDEV')
      const [message = '', count] = said().split('\n')
      const state = JSON.parse(message) as Json
      assert.equal(state['fds'], ['seccompFd'])
      assert.is(state['metadata'], 'some metadata')
      assert.ok(Number(state['pid']) > 0)
      const inner = state['state'] as Json
      assert.is(inner['id'], container.id)
      assert.equal(inner['annotations'], { a: 'b' })
      assert.is(count, '1')
    })
  }))

test(
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV goes with a listener, and with no other filter',
  () =>
    withListener(async (socket) => {
      const flags = ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 'SECCOMP_FILTER_FLAG_TSYNC']
      await withContainer(withSeccomp(notify(socket, { flags }), 'mkdir /home/x'), async (container) => {
        const outcome = mustSucceed(container.run(['--detach']))
        await until('the probe ended', () => outcome.stdout.includes('"try":"mkdir"'))
        assert.is(parseAttempts(outcome.stdout)[0]?.errno, 'EXDEV')
      })
      assertRefused(withSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', flags, syscalls: [] }, 'getpid'), {
        tsrun: /seccomp\.flags\[0\].*SCMP_ACT_NOTIFY/,
      })
    }),
  { differsFrom: { runc: 'has no such flag before 1.5', crun: 'sends another message to the listener' } },
)

test('SCMP_ACT_NOTIFY without a listener is refused, also when it is absent', () => {
  assertRefused(withSeccomp(notify('', { listenerPath: undefined, listenerMetadata: undefined }), 'getpid'), {
    tsrun: /seccomp.*listenerPath/,
  })
  assertRefused(withSeccomp(notify('/no/such/socket'), 'getpid'), { tsrun: /seccomp.*listenerPath.*ENOENT/ })
})

run()
