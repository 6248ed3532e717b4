// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, merge } from '../helpers/bundle.ts'
import { type Container, mustSucceed, withContainer, withRunning } from '../helpers/container.ts'
import { programPath } from '../helpers/programs.ts'
import { findMount, type Report } from '../helpers/report.ts'
import { type RunningCall, runtimePath, startProgram, startRuntime, until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { onTerminal, withReceiver } from '../helpers/terminal.ts'
import { newDir, newPath, stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('terminal')

function terminal(args: readonly string[], patch: Json = {}): Json {
  return merge({ process: { terminal: true, args } }, patch)
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ')
}

function foreground(container: Container, verb: readonly string[]): string {
  return quoted([runtimePath, '--root', stateRoot, ...verb, container.id])
}

test('create --console-socket sends the terminal, named after what it is', async () => {
  await withReceiver(async (socket, receiver) => {
    await withContainer(terminal(['sh', '-c', 'tty; echo hello; cat']), async (container) => {
      mustSucceed(container.create(['--console-socket', socket]))
      await until('the terminal came', () => receiver.stdout().includes('\n'))
      assert.match(receiver.stdout(), /^1 tty \/.*/)
      mustSucceed(container.start())
      await until('it speaks', () => receiver.stdout().includes('hello'))
      assert.match(receiver.stdout(), /\/dev\/pts\/0\r\n/)
      receiver.child.stdin?.write('typed\n')
      await until('the line came back', () => receiver.stdout().split('typed').length > 2)
    })
  })
})

test('stdio is the terminal, a controlling one, of the size in the config', async () => {
  await withReceiver(async (socket, receiver) => {
    const patch = terminal(['probe', 'report'], { process: { consoleSize: { height: 50, width: 140 } } })
    await withContainer(patch, async (container) => {
      mustSucceed(container.create(['--console-socket', socket]))
      mustSucceed(container.start())
      await until('the report is whole', () => receiver.stdout().includes('"tty":') && receiver.stdout().includes('}}'))
      const text = receiver.stdout()
      const report = JSON.parse(text.slice(text.indexOf('\n') + 1)) as Report
      assert.is(report.tty?.rows, 50)
      assert.is(report.tty?.columns, 140)
      assert.is(report.tty?.stdout, true)
      assert.is(report.tty?.foreground, 1)
      assert.is(report.sid, 1)
      const names = new Set(Object.values(report.fds ?? {}))
      assert.equal([...names], ['/dev/pts/0'])
      assert.is(findMount(report, '/dev/console')?.type, 'devpts')
    })
  })
})

test('/dev/console is the terminal and belongs to the user', async () => {
  await withReceiver(async (socket, receiver) => {
    const patch = terminal(['sh', '-c', 'stat -c "%u %F %a" /dev/pts/0; echo to console >/dev/console; echo end'], {
      process: { user: { uid: 1000, gid: 1000 } },
    })
    await withContainer(patch, async (container) => {
      mustSucceed(container.create(['--console-socket', socket]))
      mustSucceed(container.start())
      await until('it ended', () => receiver.stdout().includes('end'))
      assert.match(receiver.stdout(), /1000 character special file 6[02]0/)
      assert.match(receiver.stdout(), /to console/)
    })
  })
})

test(
  'a console socket that whoever listens is still about to make',
  async () => {
    await withContainer(terminal(['tty']), async (container) => {
      const socket = join(newDir('late'), 'socket')
      const creating = startRuntime(['create', '--bundle', container.bundle, '--console-socket', socket, container.id])
      await new Promise((resolve) => setTimeout(resolve, 200))
      const receiver = startProgram(programPath('receive-fd'), ['console', socket])
      try {
        assert.is((await creating.ended).status, 0, creating.stderr())
        await until('the terminal came', () => receiver.stdout().includes('\n'))
      } finally {
        receiver.child.kill('SIGKILL')
        await receiver.ended
      }
    })
  },
  { differsFrom: { runc: 'does not wait', crun: 'does not wait' } },
)

test('create with a terminal needs a console socket', async () => {
  await withContainer(terminal(['true']), (container) => {
    assertFailure(container.create(), {
      text: /cannot allocate tty if runc will detach without setting console socket/,
    })
    assertFailure(container.run(['--detach']), {
      text: /cannot allocate tty if runc will detach without setting console socket/,
    })
  })
})

test('a console socket without a terminal, or in the foreground, is refused', async () => {
  await withReceiver(async (socket) => {
    await withContainer({ process: { args: ['true'] } }, (container) => {
      assertFailure(container.create(['--console-socket', socket]), {
        text: /cannot use console socket if runc will not detach or allocate tty/,
      })
    })
    await withContainer(terminal(['true']), (container) => {
      assertFailure(container.run(['--console-socket', socket]), {
        text: /cannot use console socket if runc will not detach or allocate tty/,
      })
    })
  })
})

test(
  'run in the foreground: terminal of the size of the caller, output and status pass',
  async () => {
    await withContainer(terminal(['sh', '-c', 'tty; stty size; exit 7']), async (container) => {
      const result = await onTerminal(
        `${foreground(container, ['run', '--bundle', container.bundle])}; echo "status $?"`,
      )
      assert.match(result.text, /\/dev\/pts\/0\n33 97\n/, result.text)
      assert.match(result.text, /status 7\n/)
    })
  },
  { differsFrom: { runc: 'gives it its size when the program may have asked already' } },
)

test('run in the foreground: the terminal of the caller is raw meanwhile and restored after', async () => {
  await withContainer(terminal(['sh', '-c', 'echo ready; read line; echo "got $line"']), async (container) => {
    const before = 'stty -a | grep -o -E -- "-?(icanon|echo|opost|isig) "'
    const line = `${before}; ${foreground(container, ['run', '-b', container.bundle])}; ${before}`
    const result = await onTerminal(line, 'typed text\n')
    assert.match(result.text, /got typed text\n/)
    const settings = result.text.split('\n').filter((word) => /^-?(icanon|echo|opost|isig) $/.test(word))
    assert.is(settings.length % 2, 0)
    assert.equal(settings.slice(0, settings.length / 2), settings.slice(settings.length / 2))
  })
})

test('run in the foreground: control C reaches the process inside', async () => {
  await withContainer(
    terminal(['sh', '-c', 'trap "echo interrupted; exit 4" INT; echo ready; while :; do sleep 0.05; done']),
    async (c) => {
      const result = await onTerminal(`${foreground(c, ['run', '-b', c.bundle])}; echo "status $?"`, '\x03')
      assert.match(result.text, /interrupted\n/)
      assert.match(result.text, /status 4\n/)
    },
  )
})

test('exec --tty: a terminal of its own', async () => {
  await withRunning({ process: { args: ['sleep', '60'] } }, async (container) => {
    const line = `${quoted([runtimePath, '--root', stateRoot, 'exec', '-t', container.id, 'sh', '-c', 'tty; stty size; exit 3'])}; echo "status $?"`
    const result = await onTerminal(line)
    assert.match(result.text, /\/dev\/pts\/\d+\n33 97\nstatus 3\n/, result.text)
  })
})

test('exec --tty --detach --console-socket sends the terminal', async () => {
  await withReceiver(async (socket, receiver) => {
    await withRunning({ process: { args: ['sleep', '60'] } }, async (container) => {
      const pidFile = newPath('exec.pid')
      mustSucceed(
        container.exec(['sh', '-c', 'tty; sleep 61'], ['-t', '-d', '--console-socket', socket, '--pid-file', pidFile]),
      )
      await until('it speaks', () => /\/dev\/pts\/\d/.test(receiver.stdout().split('\n')[1] ?? ''))
      assert.match(receiver.stdout(), /^1 tty /)
      assert.match(readFileSync(`/proc/${readFileSync(pidFile, 'utf8')}/cmdline`, 'utf8'), /sh|sleep/)
    })
  })
})

test('exec --process with a terminal takes its size', async () => {
  await withReceiver(async (socket, receiver) => {
    await withRunning({ process: { args: ['sleep', '60'] } }, async (container) => {
      const path = newPath('process.json')
      const size = { height: 12, width: 34 }
      writeFileSync(
        path,
        JSON.stringify({ terminal: true, consoleSize: size, cwd: '/', args: ['stty', 'size'], env: ['PATH=/bin'] }),
      )
      mustSucceed(container.call('exec', ['-t', '-d', '--console-socket', socket, '--process', path]))
      await until('the size', () => receiver.stdout().includes('12 34'))
    })
  })
})

test(
  '--pidfd-socket sends a pidfd: create, run -d, exec -d',
  async () => {
    const sent = (receiver: RunningCall): Promise<void> =>
      until('the pidfd came', () => receiver.stdout() === '1 other pidfd\n')
    await withReceiver(async (socket, receiver) => {
      await withRunning({ process: { args: ['sleep', '60'] } }, async (container) => {
        mustSucceed(container.exec(['sleep', '61'], ['-d', '--pidfd-socket', socket]))
        await sent(receiver)
      })
    })
    for (const verb of ['create', 'run'] as const) {
      await withReceiver(async (socket, receiver) => {
        await withContainer({ process: { args: ['sleep', '60'] } }, async (container) => {
          const flags = ['--pidfd-socket', socket]
          mustSucceed(verb === 'create' ? container.create(flags) : container.run(['-d', ...flags]))
          await sent(receiver)
        })
      })
    }
  },
  { differsFrom: { runc: 'has no such flag, or sends another name', crun: 'has no such flag' } },
)

run()
