// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { helpers } from './leaks.ts'
import { programPath } from './programs.ts'
import { type RunningCall, startProgram, until } from './runtime.ts'
import { scaled } from './slow.ts'
import { newDir } from './work-dir.ts'

/** Listens on a console socket while `use` runs. */
export async function withReceiver<T>(use: (socket: string, receiver: RunningCall) => Promise<T> | T): Promise<T> {
  const socket = join(newDir('console'), 'socket')
  const receiver = startProgram(programPath('receive-fd'), ['console', socket])
  const pid = receiver.child.pid ?? 0
  helpers.add(pid)
  try {
    await until('the socket is there', () => receiver.stderr().includes('listening'))
    return await use(socket, receiver)
  } finally {
    receiver.child.kill('SIGKILL')
    await receiver.ended
    helpers.delete(pid)
  }
}

/** Runs a command line of sh on a new terminal of 33 rows and 97 columns; gives what appeared there. */
export async function onTerminal(
  commandLine: string,
  input = '',
): Promise<{ readonly text: string; readonly status: number | null }> {
  const call = startProgram('script', ['-qec', `stty rows 33 cols 97; ${commandLine}`, '/dev/null'], {
    env: { SHELL: '/bin/sh' },
  })
  if (input !== '') {
    await until('the prompt', () => call.stdout().includes('ready'))
    call.child.stdin?.write(input)
  }
  const { status } = await call.ended
  return { text: call.stdout().replaceAll('\r', ''), status }
}

/** Runs a command line as `onTerminal` does, and types each text when what comes before it has appeared (or some milliseconds have passed). */
export async function typeOnTerminal(
  commandLine: string,
  steps: readonly (readonly [after: RegExp | number, text: string])[],
): Promise<{ readonly text: string; readonly status: number | null }> {
  const call = startProgram('script', ['-qec', `stty rows 33 cols 97; ${commandLine}`, '/dev/null'], {
    env: { SHELL: '/bin/sh' },
  })
  let seen = 0
  for (const [after, text] of steps) {
    if (typeof after === 'number') await new Promise((resolve) => setTimeout(resolve, scaled(after)))
    else await until(`${after} in ${call.stdout()}`, () => after.test(call.stdout().slice(seen)))
    seen = call.stdout().length
    call.child.stdin?.write(text)
  }
  const { status } = await call.ended
  return { text: call.stdout().replaceAll('\r', ''), status }
}
