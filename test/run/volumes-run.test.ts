// SPDX-License-Identifier: Apache-2.0
// Volumes by way of `tsdock run`, from the command line to what the container sees, and what is left afterwards.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase, Dock, newContext, nothingLeft, type Run } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const image = `FROM localhost/base
RUN mkdir -p /data/sub && echo a > /data/a && chown 1000:50 /data && chmod 2750 /data
VOLUME /data
`

const none = ['--network', 'none'] as const
/** What a command prints in a new container. */
const run = (...args: readonly string[]): string => dock.must('run', '--rm', ...none, ...args).stdout
const volumes = (): readonly string[] => dock.must('volume', 'ls', '-q').stdout.split('\n').filter(Boolean)

function fails(words: string, ...args: readonly string[]): void {
  const { status, stderr }: Run = dock.run('run', '--rm', ...none, ...args, 'localhost/app', 'true')
  assert.is(status, 125, `${args.join(' ')}: ${stderr}`)
  assert.ok(stderr.includes(words), `${stderr} does not say: ${words}`)
}

interface MountReport {
  readonly Type: string
  readonly Name?: string
  readonly Destination: string
  readonly Mode: string
  readonly RW: boolean
  readonly Propagation: string
}

if (process.getuid?.() !== 0) {
  process.stdout.write('SKIP tsdock run -v: needs root\n')
} else {
  test.before(() => {
    buildBase(dock)
    dock.must('build', '-q', '-t', 'localhost/app', newContext({ Dockerfile: image }))
  })
  test.after(() => {
    nothingLeft(dock)
  })

  test('a named volume is filled once, and keeps what is written', () => {
    const see = 'cat /v/a; stat -c "%u:%g %a" /v; echo more >> /v/a'
    assert.is(
      run('-v', 'kept:/v', '-v', 'filled:/data', 'localhost/app', '/bin/sh', '-c', 'ls /v /data; echo x > /v/a'),
      '/data:\na\nsub\n\n/v:\n',
    )
    assert.is(run('-v', 'filled:/v', 'localhost/app', '/bin/sh', '-c', see), 'a\n1000:50 2750\n')
    assert.is(run('-v', 'filled:/data', 'localhost/app', '/bin/cat', '/data/a'), 'a\nmore\n')
    assert.equal(volumes(), ['filled', 'kept'])
  })

  test('volumes without a name go with --rm and rm -v, and stay with rm', () => {
    const before = volumes()
    run('-v', '/anon', 'localhost/app', '/bin/touch', '/anon/x', '/data/x')
    assert.equal(volumes(), before)
    for (const [flags, left] of [
      [['-v'], 0],
      [[], 2],
    ] as const) {
      const id = dock.must('create', ...none, '-v', '/anon', '-v', 'kept:/kept', 'localhost/app', 'true').stdout.trim()
      assert.is(volumes().length, before.length + 2)
      dock.must('rm', ...flags, id)
      assert.is(volumes().length, before.length + left)
    }
    dock.must('volume', 'prune', '-f')
    assert.equal(volumes(), before)
  })

  test('inspect shows mounts as docker does', () => {
    const host = newDir('host')
    const id = dock
      .must(
        'create',
        ...none,
        '-v',
        `${host}:/h:ro`,
        '-v',
        'kept:/k',
        '--mount',
        'type=tmpfs,dst=/t,tmpfs-size=1m',
        'localhost/app',
        'true',
      )
      .stdout.trim()
    const [found] = JSON.parse(dock.must('inspect', id).stdout) as { Mounts: MountReport[] }[]
    const shown = (found?.Mounts ?? [])
      .map((one) => [one.Destination, one.Type, one.Mode, one.RW, one.Propagation])
      .sort()
    assert.equal(shown, [
      ['/data', 'volume', '', true, ''],
      ['/h', 'bind', 'ro', false, 'rprivate'],
      ['/k', 'volume', 'z', true, ''],
      ['/t', 'tmpfs', '', true, ''],
    ])
    const [bind] = found?.Mounts.filter(({ Type }) => Type === 'bind') ?? []
    assert.equal(Object.keys(bind ?? {}).sort(), ['Destination', 'Mode', 'Propagation', 'RW', 'Source', 'Type'])
    dock.must('rm', '-v', id)
  })

  test('binds of files and directories, relative ones too', () => {
    const here = newDir('here')
    mkdirSync(join(here, 'd'))
    writeFileSync(join(here, 'd/f'), 'f')
    const args = ['run', '--rm', ...none, '-v', './d:/d', '-v', './d/f:/etc/some:ro', 'localhost/app', '/bin/sh', '-c']
    const { stdout, status } = dock.runWith(
      { cwd: here },
      ...args,
      'cat /d/f /etc/some; echo new > /d/new; echo no > /etc/some',
    )
    assert.equal([status, stdout], [1, 'ff'])
    assert.is(readFileSync(join(here, 'd/new'), 'utf8'), 'new\n')
    run('-v', `${here}/made/deep:/x`, 'localhost/app', 'true')
    assert.ok(statSync(join(here, 'made/deep')).isDirectory())
  })

  test('--tmpfs and --mount', () => {
    const seen = run(
      '--tmpfs',
      '/t:size=64k',
      '--mount',
      'type=volume,src=kept,dst=/k,ro',
      'localhost/app',
      '/bin/sh',
      '-c',
      'grep " /t " /proc/mounts; touch /k/x 2>&1; true',
    )
    assert.match(seen, /tmpfs \/t tmpfs rw,nosuid,nodev,noexec,relatime,size=64k/)
    assert.match(seen, /\/k\/x: Read-only file system/)
    assert.is(
      run('--mount', 'type=volume,src=filled,dst=/s,volume-subpath=sub', 'localhost/app', '/bin/ls', '-A', '/s'),
      '',
    )
  })

  test('mounts are seen on the other side when that is asked for', () => {
    const host = newDir('host')
    const bind = (how: string): readonly string[] => ['-v', `${host}:/h:${how}`]
    fails('but it is not a shared mount', ...bind('rshared'))
    fails('but it is not a shared or slave mount', ...bind('slave'))
    for (const name of ['in', 'out']) mkdirSync(join(host, name))
    spawnSync('mount', ['--bind', host, host])
    spawnSync('mount', ['--make-shared', host])
    try {
      const script = 'mount -t tmpfs t /h/in && touch /h/in/x'
      run('--privileged', ...bind('rshared'), 'localhost/app', '/bin/sh', '-c', script)
      assert.equal(readdirSync(join(host, 'in')), ['x'])
      dock.must('run', '-d', ...none, '--name', 'slave', ...bind('rslave'), 'localhost/app', 'sleep', '1000')
      dock.must('run', '-d', ...none, '--name', 'private', '-v', `${host}:/h`, 'localhost/app', 'sleep', '1000')
      spawnSync('mount', ['-t', 'tmpfs', 't', join(host, 'out')])
      writeFileSync(join(host, 'out/late'), '')
      assert.is(dock.must('exec', 'slave', 'ls', '/h/out').stdout, 'late\n')
      assert.is(dock.must('exec', 'private', 'ls', '/h/out').stdout, '')
    } finally {
      dock.run('rm', '-f', '-v', 'slave', 'private')
      for (const path of [join(host, 'in'), join(host, 'out'), host]) spawnSync('umount', ['--lazy', path])
    }
  })

  test('--volumes-from', () => {
    const id = dock
      .must('create', ...none, '--name', 'data', '-v', '/own', '-v', 'kept:/kept', 'localhost/app', 'true')
      .stdout.trim()
    run('--volumes-from', 'data', 'localhost/app', '/bin/sh', '-c', 'echo 1 > /own/x; echo 2 > /kept/y')
    assert.is(
      run(
        '--volumes-from',
        'data:ro',
        'localhost/app',
        '/bin/sh',
        '-c',
        'cat /own/x /kept/y; touch /own/z 2>/dev/null || echo ro',
      ),
      '1\n2\nro\n',
    )
    assert.ok(volumes().length >= 4, 'a volume without a name stays while a container has it')
    dock.must('rm', '-v', id)
    assert.equal(volumes(), ['filled', 'kept'])
  })

  test('what is wrong ends with 125, and leaves nothing', () => {
    const before = volumes()
    fails('invalid mode: x', '-v', '/a:/b:x')
    fails('Duplicate mount point: /a', '-v', 'x1:/a', '--tmpfs', '/a')
    fails('bind source path does not exist: /none', '-v', '/anonymous', '--mount', 'type=bind,src=/none,dst=/x')
    fails('includes invalid characters for a local volume name', '-v', 'a/b:/x')
    fails("destination can't be '/'", '-v', '/tmp:/')
    fails('No such container: nobody', '--volumes-from', 'nobody')
    fails('cannot mount volume over existing file, file exists /etc/passwd', '-v', 'over:/etc/passwd')
    dock.run('volume', 'rm', 'over')
    assert.equal(volumes(), before)
    assert.equal(readdirSync(join(dock.storage, 'containers')), [])
  })

  test('cp of a container with --rm whose monitor was killed', () => {
    const id = dock.must('run', '-d', '--rm', ...none, 'localhost/app', 'sleep', '1000').stdout.trim()
    const state = join(dock.storage, 'containers', id, 'state.json')
    const { pid, monitorPid } = JSON.parse(readFileSync(state, 'utf8')) as { pid: number; monitorPid: number }
    process.kill(monitorPid, 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    spawnSync('umount', ['--lazy', join(dock.storage, 'containers', id, 'merged')])
    const to = newDir('out')
    dock.must('cp', '/etc/hostname', `${id}:/x`)
    dock.must('cp', `${id}:/x`, to)
    assert.ok(existsSync(join(to, 'x')))
    dock.must('rm', '-v', id)
  })

  test('cp, diff, commit and export of a real container', () => {
    const id = dock
      .must('run', '-d', ...none, '--name', 'real', '-v', 'kept:/kept', '--init', 'localhost/app', 'sleep', '1000')
      .stdout.trim()
    try {
      const to = newDir('out')
      writeFileSync(join(to, 'f'), 'of the host')
      dock.must('cp', join(to, 'f'), 'real:/kept/f')
      dock.must('cp', join(to, 'f'), `${id.slice(0, 8)}:/root`)
      assert.is(dock.must('exec', 'real', 'cat', '/kept/f', '/root/f').stdout, 'of the hostof the host')
      assert.is(dock.must('diff', 'real').stdout, 'C /root\nA /root/f\n')
      dock.must('commit', 'real', 'localhost/real')
      assert.is(dock.must('inspect', '-f', '{{.State.Status}}', 'real').stdout, 'running\n')
      assert.is(run('localhost/real', '/bin/sh', '-c', 'cat /root/f; ls /kept'), 'of the host')
      dock.must('pause', 'real')
      dock.must('cp', 'real:/root/f', join(to, 'paused'))
      dock.must('commit', 'real')
      assert.is(dock.must('inspect', '-f', '{{.State.Status}}', 'real').stdout, 'paused\n')
      dock.must('unpause', 'real')
      const { stdout } = dock.must('export', 'real')
      assert.ok(stdout.includes('root/f') && !stdout.includes('kept/f'))
      dock.must('stop', '-t', '0', 'real')
      dock.must('cp', 'real:/kept/f', join(to, 'stopped'))
      dock.must('start', 'real')
      dock.must('cp', join(to, 'stopped'), 'real:/root/again')
      assert.is(dock.must('exec', 'real', 'cat', '/root/again').stdout, 'of the host')
      const refused = dock.run('volume', 'rm', 'kept')
      assert.match(refused.stderr, new RegExp(`volume is in use - \\[${id}\\]`))
    } finally {
      dock.must('rm', '-f', '-v', 'real')
    }
    assert.is(existsSync(join(dock.storage, 'containers', id)), false)
    assert.is(dock.must('volume', 'rm', 'kept').stdout, 'kept\n')
  })
}

test.run()
