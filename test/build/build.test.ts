// SPDX-License-Identifier: Apache-2.0
// tsdock build through its command line: cache, reproducibility, mounts, failures, outputs.

import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer as createNetServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase, Dock, newContext as context, nothingLeft, runProgram } from '../helpers/tsdock.ts'
import { newDir, projectDir } from '../helpers/work-dir.ts'

const dock = new Dock()

const idOf = (name: string, of = dock): string =>
  (JSON.parse(of.must('inspect', name).stdout) as { Id: string }[])[0]?.Id ?? ''

const digestOf = (name: string, of = dock): string =>
  (JSON.parse(of.must('inspect', name).stdout) as { Descriptor: { digest: string } }[])[0]?.Descriptor.digest ?? ''

if (process.getuid?.() !== 0) {
  process.stdout.write('SKIP tsdock build: needs root\n')
} else {
  test.before(() => buildBase(dock))
  test.after(() => nothingLeft(dock))

  test('the same again comes from the cache', () => {
    const dir = context({ Dockerfile: 'FROM localhost/base\nCOPY a /a\nRUN echo x > /x\n', a: '1' })
    const first = dock.must('build', '-t', 'localhost/again', dir)
    assert.match(first.stderr, /not cached: it has not been built before/)
    const id = idOf('localhost/again')
    const second = dock.must('build', '--fail-on-miss', '-t', 'localhost/again', dir)
    assert.is((second.stderr.match(/CACHED/g) ?? []).length, 2)
    assert.is(idOf('localhost/again'), id)
  })

  test('a miss says what changed', () => {
    const dir = context({
      'Dockerfile': 'FROM localhost/base\nCOPY src /src\nRUN echo x > /x\n',
      'src/a.ts': 'a',
      'src/b.sh': 'b',
      'src/d': 'd',
    })
    chmodSync(join(dir, 'src/b.sh'), 0o644)
    dock.must('build', dir)
    writeFileSync(join(dir, 'src/a.ts'), 'other')
    chmodSync(join(dir, 'src/b.sh'), 0o755)
    writeFileSync(join(dir, 'src/c'), '')
    spawnSync('rm', [join(dir, 'src/d')])
    const { stderr } = dock.must('build', dir)
    assert.match(
      stderr,
      /COPY src: 4 files changed: src\/a\.ts content, src\/b\.sh mode 644 -> 755, \+ src\/c, - src\/d/,
    )
    assert.match(stderr, /an earlier step made another result/)
    const failed = dock.run('build', '--fail-on-miss', '--build-arg', 'X=1', '-f', '-', dir)
    assert.is.not(failed.status, 0)
  })

  test('names that are not ASCII are copied, and ignored', () => {
    const files = { 'ü': 'x', 'd/é': 'é', 'd/ö/no': 'no', '.dockerignore': 'd/ö\n' }
    const Dockerfile = 'FROM localhost/base\nCOPY ü /ä/\nCOPY ü /d/é /ö/\nCOPY d /d\nCOPY ü /ä\n'
    dock.must('build', '-t', 'localhost/names', context({ ...files, Dockerfile }))
    const listed = dock.runImage('localhost/names', '/bin/find', '/ä', '/ö', '/d', '-type', 'f')
    const names = Buffer.from(listed, 'latin1').toString().trim().split('\n').sort()
    assert.equal(names, ['/d/é', '/ä/ü', '/ö/é', '/ö/ü'])
  })

  test('a touched file is no other file', () => {
    const dir = context({ Dockerfile: 'FROM localhost/base\nCOPY a /a\n', a: '1' })
    dock.must('build', dir)
    utimesSync(join(dir, 'a'), 5, 5)
    assert.match(dock.must('build', '--fail-on-miss', dir).stderr, /CACHED/)
  })

  test('the environment, the user and the directory are part of a step', () => {
    const file = (line: string): string => `FROM localhost/base\n${line}\nRUN id > /tmp/x\n`
    const dir = context({ Dockerfile: file('ENV A=1') })
    dock.must('build', dir)
    for (const [line, what] of [
      ['ENV A=2', 'environment'],
      ['USER app', 'user'],
      ['WORKDIR /tmp', 'directory'],
    ] as const) {
      writeFileSync(join(dir, 'Dockerfile'), file(line))
      assert.match(dock.must('build', dir).stderr, new RegExp(`not cached: .*${what}`))
    }
  })

  test('two machines and days make the same image', () => {
    const files = {
      'Dockerfile':
        'FROM localhost/base\nCOPY . /ctx\nRUN mkdir /m && date > /dev/null && touch /m/now && ln -s now /m/l\nWORKDIR /w/x\n',
      'a': 'a',
      'd/b': 'b',
    }
    const [here, there] = [context(files), context(files)]
    utimesSync(join(there, 'a'), 1000, 1000)
    const other = new Dock()
    buildBase(other)
    assert.is(digestOf('localhost/base', other), digestOf('localhost/base'))
    dock.must('build', '-t', 'localhost/same', here)
    spawnSync('sleep', ['1.1'])
    other.must('build', '-t', 'localhost/same', there)
    assert.is(digestOf('localhost/same', other), digestOf('localhost/same'))
    nothingLeft(other)
  })

  test('--verify builds twice, and shows what differs', () => {
    const same = context({ Dockerfile: 'FROM localhost/base\nRUN echo x > /x\n' })
    dock.must('build', '--verify', same)
    const other = context({ Dockerfile: 'FROM localhost/base\nRUN cat /proc/sys/kernel/random/uuid > /u\n' })
    const { status, stderr } = dock.run('build', '--verify', other)
    assert.is(status, 1)
    assert.match(stderr, /~ u: content/)
  })

  test('a failed RUN shows its line, its output and its status', () => {
    const dir = context({
      Dockerfile: 'FROM localhost/base\nRUN echo first\nRUN echo said this; exit 7\nRUN echo never\n',
    })
    const { status, stderr } = dock.run('build', dir)
    assert.is(status, 1)
    assert.match(stderr, /said this/)
    assert.match(stderr, /3 \| >>> RUN echo said this; exit 7/)
    assert.match(stderr, /Dockerfile:3: process .* did not complete successfully: exit code: 7/)
    nothingLeft(dock)
  })

  test('stages that nobody needs are not built', () => {
    const dir = context({ Dockerfile: 'FROM localhost/base AS no\nRUN exit 1\nFROM localhost/base\nRUN true\n' })
    dock.must('build', dir)
  })

  test('secrets reach the command and not the image', () => {
    const dir = context({
      Dockerfile:
        'FROM localhost/base\nRUN --mount=type=secret,id=s,target=/run/k cat /run/k | sha256sum > /sum\nRUN --mount=type=secret,id=s,env=S test -n "$S"\n',
    })
    const secret = join(newDir('secret'), 'k')
    writeFileSync(secret, 'geheim')
    dock.must('build', '-t', 'localhost/secret', '--secret', `id=s,src=${secret}`, dir)
    assert.match(dock.runImage('localhost/secret', 'cat', '/sum'), /^[0-9a-f]{64}/)
    assert.is(runProgram('grep', ['-r', '-l', 'geheim', dock.storage]).stdout, '')
    assert.match(
      dock.run(
        'build',
        '--no-cache',
        context({ Dockerfile: 'FROM localhost/base\nRUN --mount=type=secret,id=x,required=true true\n' }),
      ).stderr,
      /the secret "x" is required/,
    )
  })

  test('cache mounts keep what was written, and are no part of the image', () => {
    const file = 'FROM localhost/base\nARG N\nRUN --mount=type=cache,target=/c echo $N >> /c/log && cp /c/log /got\n'
    const dir = context({ Dockerfile: file })
    dock.must('build', '--build-arg', 'N=1', dir)
    dock.must('build', '-t', 'localhost/cached', '--build-arg', 'N=2', dir)
    assert.is(dock.runImage('localhost/cached', 'cat', '/got'), '1\n2\n')
    assert.not.match(dock.runImage('localhost/cached', 'ls', '/'), /^c$/m)
  })

  test('mount points leave nothing in the image', () => {
    const dir = context({
      'Dockerfile':
        'FROM localhost/base\nRUN --mount=target=/deep/ctx --mount=type=tmpfs,target=/t cat /deep/ctx/a > /a; touch /t/x\n',
      'a': 'A',
    })
    dock.must('build', '-t', 'localhost/points', dir)
    const names = dock.runImage('localhost/points', 'ls', '/')
    assert.match(names, /^a$/m)
    assert.not.match(names, /^(deep|t)$/m)
  })

  test('the context cannot be left through links', () => {
    const dir = context({ Dockerfile: 'FROM localhost/base\nCOPY evil /got\n' })
    symlinkSync('/etc/shadow', join(dir, 'evil'))
    const { status, stderr } = dock.run('build', dir)
    assert.is(status, 1)
    assert.match(stderr, /"\/evil": not found in the context/)
    const up = context({ Dockerfile: 'FROM localhost/base\nCOPY ../../etc/shadow /got\n' })
    assert.match(dock.run('build', up).stderr, /not found in the context/)
  })

  test('outputs: a directory, a tar, archives', () => {
    const dir = context({ Dockerfile: 'FROM scratch\nCOPY d /\n', 'd/f': 'F', 'd/s/g': 'G' })
    const out = newDir('out')
    dock.must('build', '-o', join(out, 'tree'), dir)
    assert.is(readFileSync(join(out, 'tree/s/g'), 'utf8'), 'G')
    dock.must('build', '-o', `type=tar,dest=${join(out, 't.tar')}`, dir)
    assert.is(runProgram('tar', ['-tf', join(out, 't.tar')]).stdout, 'f\ns/\ns/g\n')
    dock.must('build', '-o', `type=oci,dest=${join(out, 'oci.tar')},name=localhost/out`, dir)
    const other = new Dock()
    assert.match(other.must('load', '-i', join(out, 'oci.tar')).stdout, /Loaded image: localhost\/out:latest/)
    assert.match(other.must('images').stdout, /localhost\/out\s+latest/)
  })

  test('an image saved and loaded is the same image', () => {
    const archive = join(newDir('save'), 'a.tar')
    dock.must('save', '-o', archive, 'localhost/base')
    const other = new Dock()
    other.must('load', '-i', archive)
    assert.is(digestOf('localhost/base', other), digestOf('localhost/base'))
    assert.is(other.must('fsck').stdout, 'The storage is in order.\n')
  })

  test('a Dockerfile or an archive on standard input', () => {
    const fromFile = dock.runWith(
      { input: 'FROM localhost/base\nRUN echo in > /in\n' },
      'build',
      '-q',
      '-t',
      'localhost/stdin',
      '-',
    )
    assert.is(fromFile.status, 0, fromFile.stderr)
    assert.is(dock.runImage('localhost/stdin', 'cat', '/in'), 'in\n')
    const dir = context({ Dockerfile: 'FROM localhost/base\nCOPY a /a\n', a: 'tarred' })
    const archive = spawnSync('tar', ['-C', dir, '-czf', '-', '.']).stdout
    const fromTar = dock.runWith({ input: archive }, 'build', '-t', 'localhost/tarred', '-')
    assert.is(fromTar.status, 0, fromTar.stderr)
    assert.is(dock.runImage('localhost/tarred', 'cat', '/a'), 'tarred')
  })

  test('another runtime for RUN', () => {
    if (!existsSync('/usr/sbin/runc')) return
    const dir = context({ Dockerfile: 'FROM localhost/base\nRUN echo runc > /by\n' })
    dock.must('build', '-t', 'localhost/by', '--runtime', '/usr/sbin/runc', dir)
    assert.is(dock.runImage('localhost/by', 'cat', '/by'), 'runc\n')
  })

  test('a killed build leaves a storage that is in order', async () => {
    const other = new Dock()
    buildBase(other)
    const dir = context({
      Dockerfile: `FROM localhost/base\n${Array.from({ length: 8 }, (_, i) => `RUN head -c 300000 /dev/urandom > /f${i}\n`).join('')}`,
    })
    for (const delay of [20, 60, 100, 150, 220, 300, 400]) {
      const child = spawn(join(projectDir, 'dist/bin/tsdock'), ['build', '--no-cache', '-t', 'localhost/killed', dir], {
        stdio: 'ignore',
        env: { ...process.env, TSDOCK_ROOT: other.storage },
        detached: true,
      })
      // On a fast machine it ends before it is killed.
      const exited = new Promise((resolve) => child.once('exit', resolve))
      await new Promise((resolve) => setTimeout(resolve, delay))
      child.kill('SIGKILL')
      await exited
    }
    spawnSync('sleep', ['1'])
    assert.match(other.must('fsck').stdout, /The storage is in order\.\n$/)
    other.must('build', '-t', 'localhost/killed', dir)
    nothingLeft(other)
  })

  test('prune removes what nobody needs, and nothing else', () => {
    const other = new Dock()
    buildBase(other)
    const dir = context({ Dockerfile: 'FROM localhost/base\nRUN echo x > /x\n' })
    other.must('build', '-t', 'localhost/gone', dir)
    other.must('rmi', 'localhost/gone')
    assert.match(other.must('prune', '-a').stdout, /deleted: sha256:/)
    assert.match(other.must('fsck').stdout, /in order/)
    other.must('build', '-t', 'localhost/back', dir)
  })

  test('an agent of --ssh is a socket in the container', () => {
    const socket = join(newDir('agent'), 's')
    const agent = createNetServer().listen(socket)
    try {
      const dir = context({
        Dockerfile:
          'FROM localhost/base\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"\nRUN test -z "$SSH_AUTH_SOCK"\n',
      })
      dock.must('build', '--ssh', `default=${socket}`, dir)
    } finally {
      agent.close()
    }
  })

  test('# check=error=true makes an error of a warning', () => {
    const file = 'from localhost/base\nRUN true\n'
    dock.must('build', context({ Dockerfile: file }))
    const { status, stderr } = dock.run('build', context({ Dockerfile: `# check=error=true\n${file}` }))
    assert.is(status, 1)
    assert.match(stderr, /`# check=error=true` fails the build: ConsistentInstructionCasing/)
    assert.is(dock.run('build', '--check', context({ Dockerfile: file })).status, 1)
  })

  test('--format is json, or a template', () => {
    const [found] = JSON.parse(dock.must('inspect', '--format', 'json', 'localhost/base').stdout) as { Os: string }[]
    assert.is(found?.Os, 'linux')
    assert.match(dock.must('images', '--format', 'json').stdout, /"Repository":"localhost\/base"/)
    assert.is(dock.must('inspect', '--format', '{{.Os}}', 'localhost/base').stdout, 'linux\n')
    assert.match(dock.must('images', '--format', '{{.Repository}}').stdout, /^localhost\/base$/m)
    assert.match(dock.run('images', '--format', '{{').stderr, /template/i)
  })

  test('bad input is told in words', () => {
    const dir = context({ Dockerfile: 'FORM localhost/base\n' })
    assert.match(dock.run('build', dir).stderr, /unknown instruction FORM.*FROM/)
    assert.match(
      dock.run('build', newDir('nothing')).stderr,
      /failed to read the Dockerfile: .*no such file or directory/,
    )
    assert.match(dock.run('build', '/nowhere').stderr, /the context "\/nowhere": no such directory/)
    assert.is(dock.run('build').status, 125)
    assert.match(dock.run('build', '--what', dir).stderr, /what/)
    assert.match(dock.run('rmi', 'localhost/not-there').stderr, /No such image/)
    assert.match(dock.run('tag', 'localhost/base', 'UPPER').stderr, /must be lowercase/)
  })
}

test.run()
