// SPDX-License-Identifier: Apache-2.0
// diff, commit and export: what a container changed.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseVolumeFlag } from '../../bundles/volumes/volume-flag.ts'
import { HandContainer } from '../helpers/hand-container.ts'
import { buildBase, Dock, newContext, nothingLeft, runProgram } from '../helpers/tsdock.ts'
import { newDir, newPath, projectDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const image = `FROM localhost/base
RUN mkdir -p /d/sub /gone /mnt/here && echo f > /d/f && echo g > /d/sub/g && echo x > /gone/x && echo y > /d/y
ENV HOME=/root
ENTRYPOINT ["/bin/echo"]
`

interface Inspected {
  readonly Id: string
  readonly Author: string
  readonly Config: Readonly<Record<string, unknown>>
}

const inspect = (name: string): Inspected =>
  (JSON.parse(dock.must('inspect', name).stdout) as Inspected[])[0] ?? { Id: '', Author: '', Config: {} }

async function running(
  use: (container: HandContainer) => Promise<void> | void,
  image = 'localhost/diff',
): Promise<void> {
  const requests = [parseVolumeFlag('diff-v:/mnt/here', '/'), parseVolumeFlag('diff-w:/other/place', '/')]
  const container = await HandContainer.create(dock, { image, requests, env: ['FROM_RUN=1'] })
  await container.start('/bin/sleep', '1000')
  try {
    await use(container)
  } finally {
    await container.stop()
  }
}

function shell(container: HandContainer, script: string): void {
  const { status, stderr } = container.exec('/bin/sh', '-c', script)
  if (status !== 0) throw new Error(`${script}: status ${status}: ${stderr}`)
}

const stateOf = (container: HandContainer): string =>
  (
    JSON.parse(
      runProgram(join(projectDir, 'dist/bin/tsrun'), ['--root', container.stateRoot, 'state', container.record.id])
        .stdout,
    ) as { status: string }
  ).status

if (process.getuid?.() !== 0) {
  process.stdout.write('SKIP tsdock commit: needs root\n')
} else {
  test.before(() => {
    buildBase(dock)
    dock.must('build', '-q', '-t', 'localhost/diff', newContext({ Dockerfile: image }))
  })
  test.after(() => nothingLeft(dock))

  test('diff shows what was added, changed and removed, and no mount points', async () => {
    await running(async (container) => {
      assert.is(dock.must('diff', container.name).stdout, '')
      shell(
        container,
        'echo new > /new; echo more >> /d/f; rm /d/sub/g; rm -r /gone; mkdir /d/dir; echo v > /mnt/here/v',
      )
      shell(container, 'chmod 700 /home/app; rm /d/y; mkdir /d/y; rm /d/sub/g 2> /dev/null; touch "/a b"; true')
      const wanted = [
        ...['A /a b', 'C /d', 'A /d/dir', 'C /d/f', 'C /d/sub', 'D /d/sub/g', 'C /d/y', 'D /gone'],
        ...['C /home', 'C /home/app', 'A /new'],
      ]
      assert.equal(dock.must('diff', container.name).stdout.trim().split('\n'), wanted)
      await container.stop()
      assert.equal(dock.must('diff', container.name).stdout.trim().split('\n'), wanted)
    })
  })

  test('diff of a directory that another one replaced', async () => {
    await running((container) => {
      shell(container, 'rm -r /d && mkdir /d && echo other > /d/f')
      assert.equal(dock.must('diff', container.name).stdout.trim().split('\n'), [
        'C /d',
        'C /d/f',
        'D /d/sub',
        'D /d/y',
      ])
    })
  })

  test('commit makes an image that has what the container has, but no volume', async () => {
    await running((container) => {
      shell(
        container,
        'echo new > /new; rm -r /d && mkdir /d && echo other > /d/f; echo v > /mnt/here/v; ln /new /hard',
      )
      shell(container, 'mkfifo /p; chown 7:8 /new; chmod 4755 /new; echo w > /other/place/w')
      const said = dock.must('commit', '-m', 'why', '-a', 'Me <me@x>', container.name, 'localhost/committed:v1').stdout
      assert.match(said, /^sha256:[0-9a-f]{64}\n$/)
      const { Id, Author, Config } = inspect('localhost/committed:v1')
      assert.is(Id, said.trim())
      assert.is(Author, 'Me <me@x>')
      assert.equal(Config['Entrypoint'], ['/bin/echo'])
      assert.ok((Config['Env'] as string[]).includes('FROM_RUN=1'))
      assert.match(
        dock.must('history', 'localhost/committed:v1').stdout.split('\n')[1] ?? '',
        /\/bin\/sleep 1000 .*why$/,
      )
      dock.must(
        'build',
        '-q',
        '-t',
        'localhost/look',
        newContext({ Dockerfile: 'FROM localhost/committed:v1\nENTRYPOINT []\n' }),
      )
      const look = 'cat /new /d/*; ls /mnt/here /other/place; stat -c "%u:%g %a %h" /new; test -p /p && echo fifo'
      const lines = dock.runImage('localhost/look', '/bin/sh', '-c', look).trim().split('\n')
      assert.equal(lines, ['new', 'other', '/mnt/here:', '', '/other/place:', '7:8 4755 2', 'fifo'])
      assert.is(stateOf(container), 'running')
    })
  })

  test('commit -c', async () => {
    await running((container) => {
      const changes = [
        'CMD ["a", "b"]',
        'ENV A=b C=$HOME/x',
        'EXPOSE 80 90/udp',
        'LABEL k="v w"',
        'ONBUILD RUN x',
        'USER app',
        'VOLUME /v',
        'WORKDIR /w',
        'ENTRYPOINT /start now',
      ]
      dock.must('commit', ...changes.flatMap((change) => ['-c', change]), container.name, 'localhost/changed')
      const { Config } = inspect('localhost/changed')
      assert.equal(Config['Cmd'], ['a', 'b'])
      assert.equal(Config['Entrypoint'], ['/bin/sh', '-c', '/start now'])
      assert.equal((Config['Env'] as string[]).slice(-2), ['A=b', 'C=/root/x'])
      assert.equal(Object.keys(Config['ExposedPorts'] as object).sort(), ['80/tcp', '90/udp'])
      assert.equal([Config['User'], Config['WorkingDir'], Config['OnBuild']], ['app', '/w', ['RUN x']])
      assert.equal([(Config['Labels'] as Record<string, string>)['k'], Config['Volumes']], ['v w', { '/v': {} }])
      const wrong = dock.run('commit', '-c', 'RUN x', container.name)
      assert.equal([wrong.status, wrong.stderr], [1, 'tsdock: run is not a valid change command\n'])
      assert.is(dock.run('commit', '-c', 'BOGUS x', container.name).status, 1)
    })
  })

  test('the container stands still meanwhile, and goes on whatever happens', async () => {
    await running((container) => {
      const bin = newDir('bin')
      const log = newPath('log')
      const tsrun = join(projectDir, 'dist/bin/tsrun')
      writeFileSync(join(bin, 'watched'), `#!/bin/sh\necho "$3" >> ${log}\nexec ${tsrun} "$@"\n`, { mode: 0o755 })
      const file = join(dock.storage, 'containers', container.record.id, 'container.json')
      const record = JSON.parse(readFileSync(file, 'utf8')) as { hostConfig: object }
      writeFileSync(
        file,
        JSON.stringify({ ...record, hostConfig: { ...record.hostConfig, Runtime: join(bin, 'watched') } }),
      )
      shell(container, 'echo x > /x')
      dock.must('commit', container.name)
      assert.is(readFileSync(log, 'utf8'), 'pause\nresume\n')
      dock.must('commit', '--pause=false', container.name)
      dock.must('commit', '--no-pause', container.name)
      assert.is(readFileSync(log, 'utf8'), 'pause\nresume\n')
      // A name that no layer can have.
      shell(container, 'touch /.wh.x')
      const failed = dock.run('commit', container.name)
      assert.is(failed.status, 1)
      assert.match(failed.stderr, /begins with \.wh\./)
      assert.is(readFileSync(log, 'utf8'), 'pause\nresume\npause\nresume\n')
      assert.is(stateOf(container), 'running')
    })
  })

  test('commit without a name, and of a container that changed nothing', async () => {
    const container = await HandContainer.create(dock, { image: 'localhost/diff' })
    const id = dock.must('commit', container.name).stdout.trim()
    assert.is(inspect(id).Id, id)
    assert.is(dock.run('commit', container.name, 'UPPER').status, 1)
    assert.is(dock.run('commit', 'nobody').stderr, 'tsdock: No such container: nobody\n')
  })

  test('export writes all files without those of volumes', async () => {
    await running(async (container) => {
      shell(container, 'echo v > /mnt/here/v; echo n > /n; rm -r /gone')
      const check = (file: string): void => {
        const names = spawnSync('tar', ['tf', file]).stdout.toString().split('\n')
        for (const name of ['n', 'd/sub/g', 'mnt/here/', 'bin/busybox']) assert.ok(names.includes(name), name)
        for (const name of ['mnt/here/v', 'gone/', 'proc/self', 'dev/null'])
          assert.is(names.includes(name), false, name)
      }
      const file = newPath('tar')
      dock.must('export', '-o', file, container.name)
      check(file)
      assert.is(statSync(file).mode & 0o777, 0o600)
      await container.stop()
      const { stdout } = dock.must('export', container.name)
      writeFileSync(file, Buffer.from(stdout, 'latin1'))
      check(file)
      mkdirSync(newDir('none'), { recursive: true })
      const missing = newPath('none')
      assert.is(dock.run('export', '-o', join(missing, 'x'), container.name).status, 1)
      assert.is(existsSync(missing), false)
    })
  })
}

test.run()
