// SPDX-License-Identifier: Apache-2.0
// tsdock build by an ordinary user: in a user namespace with subordinate ids, and with the user's own id alone.

import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PlainUser, plainUserLacks } from '../helpers/plain-user.ts'
import { Dock, type Files, runProgram, writeFiles } from '../helpers/tsdock.ts'

const lacks = plainUserLacks()

const passwd = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n'

/** A context with busybox, which belongs to the user. */
function contextOf(user: PlainUser, name: string, files: Files): string {
  const directory = join(user.home, name)
  mkdirSync(directory)
  writeFiles(directory, files)
  copyFileSync('/bin/busybox', join(directory, 'busybox'))
  user.own(directory)
  return directory
}

const busybox = `FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY etc /etc
`

const everything = `${busybox}FROM base AS one
RUN mkdir -p -m 1777 /tmp && mkdir -p /home/app /d/sub && echo 1 > /d/a && echo 2 > /d/sub/b && echo x > /home/app/x
RUN chown -R 1000:1000 /home/app && chmod 4755 /home/app/x && mkfifo /fifo
RUN rm -r /d && mkdir /d && echo new > /d/new && rm /bin/vi && mv /home/app /home/app2 && ln /home/app2/x /hard
RUN --mount=type=cache,target=/cache --mount=type=bind,from=base,source=/etc,target=/e echo c > /cache/c && ls /e > /l
USER app
RUN id -u > /tmp/who
FROM one
COPY --from=one --chown=app:50 /home/app2 /copy
COPY --from=one /d /d2
RUN --network=none ls -A /d > /tmp/listed
`

const idOf = (text: string): string => /image (sha256:[0-9a-f]{64})/.exec(text)?.[1] ?? text

/** Mounts that show outside of the user's namespaces, and steps that were left. */
function nothingLeftOf(user: PlainUser): void {
  const storage = join(user.home, '.local/share/tsdock')
  assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), storage)
  assert.equal(readdirSync(join(storage, 'scratch')), [])
}

function withUser(options: ConstructorParameters<typeof PlainUser>[0], run: (user: PlainUser) => void): void {
  const user = new PlainUser(options)
  try {
    run(user)
  } finally {
    user.remove()
  }
}

test('a user builds what root builds, to the bit', () => {
  withUser({}, (user) => {
    const directory = contextOf(user, 'c', { Dockerfile: everything, 'etc/passwd': passwd })
    const made = user.must('build', '-t', 'all', directory)
    const root = new Dock()
    const epoch = { env: { SOURCE_DATE_EPOCH: '1700000000' } }
    const byRoot = root.runWith(epoch, 'build', '-t', 'all', directory)
    assert.is(byRoot.status, 0, byRoot.stderr)
    assert.match(idOf(made.stderr + made.stdout), /^sha256:/)
    assert.is(idOf(made.stderr + made.stdout), idOf(byRoot.stderr + byRoot.stdout))
    // What the user's storage holds is an image for all.
    const again = user.must('build', '--fail-on-miss', directory)
    assert.match(again.stderr, /CACHED/)
    nothingLeftOf(user)
  })
})

test('owners, set-id bits and what was removed', () => {
  withUser({}, (user) => {
    const directory = contextOf(user, 'c', { Dockerfile: everything, 'etc/passwd': passwd })
    const out = join(user.home, 'out.tar')
    user.must('build', '-q', '-o', `type=tar,dest=${out}`, directory)
    const listed = runProgram('tar', ['-tvf', out, '--numeric-owner']).stdout
    assert.match(listed, /^-rwsr-xr-x 1000\/50 .* copy\/x$/m)
    assert.match(listed, /^prw-r--r-- 0\/0 .* fifo$/m)
    assert.match(listed, / d\/new$/m)
    assert.not.match(listed, / (d\/a|d\/sub|bin\/vi|home\/app)\/?$/m)
    const who = runProgram('tar', ['-xOf', out, 'tmp/who', 'tmp/listed']).stdout
    assert.is(who, 'new\n1000\n')
    nothingLeftOf(user)
  })
})

test('a step that fails leaves nothing', () => {
  withUser({}, (user) => {
    const directory = contextOf(user, 'c', { Dockerfile: `${busybox}RUN exit 3\n`, 'etc/passwd': passwd })
    const failed = user.tsdock('build', directory)
    assert.is(failed.status, 1)
    assert.match(failed.stderr, /did not complete successfully: exit code: 3/)
    nothingLeftOf(user)
    assert.is(user.must('fsck').status, 0)
  })
})

test('limits that need no cgroup hold for a user, and others are refused where nobody keeps them', () => {
  withUser({}, (user) => {
    const limits = `${busybox}RUN ulimit -n; df -k /dev/shm; grep NoNewPrivs /proc/self/status\n`
    const directory = contextOf(user, 'c', { Dockerfile: limits, 'etc/passwd': passwd })
    const args = ['--ulimit', 'nofile=77', '--shm-size', '4m', '--security-opt', 'no-new-privileges']
    const made = user.must('build', '--progress', 'plain', ...args, directory)
    assert.match(made.stderr, /\b77\n[\s\S]* 4096 [\s\S]*NoNewPrivs:\s*1/)
    // The user of these tests has no systemd of its own.
    for (const [limit, told] of [
      [['--memory', '64m'], /the limit memory\.limit: without root it takes cgroup v2 and a systemd of the user's own/],
      [['--cgroup-parent', '/x'], /--cgroup-parent \/x: without root/],
    ] as const) {
      const refused = user.tsdock('build', '--no-cache', ...limit, directory)
      assert.is(refused.status, 1)
      assert.match(refused.stderr, told)
    }
    nothingLeftOf(user)
  })
})

test('without subordinate ids there is root alone, and it is said', () => {
  withUser({ alone: true }, (user) => {
    const root = `${busybox}RUN mkdir /x && echo 1 > /x/a && rm /bin/vi\nRUN rm -r /x && mkdir /x && id -u > /x/who\n`
    const directory = contextOf(user, 'c', { Dockerfile: root, 'etc/passwd': passwd })
    const made = user.must('build', '-t', 'alone', directory)
    assert.match(made.stderr, /has no subordinate ids .*usermod --add-subuids/)
    for (const [line, told] of [
      ['COPY --chown=7:8 etc /e', /fchownat .* to 7:8, which this user namespace does not map/],
      ['RUN chown 7:8 /x', /chown: \/x: Invalid argument/],
      ['USER app\nRUN id', /cannot be set by a caller without privileges|setres[ug]id 1000/],
    ] as const) {
      writeFiles(directory, { Dockerfile: `FROM alone\n${line}\n` })
      const failed = user.tsdock('build', directory)
      assert.is(failed.status, 1, line)
      assert.match(failed.stderr, told)
    }
    nothingLeftOf(user)
  })
})

if (lacks === undefined) test.run()
else process.stdout.write(`SKIP tsdock build by a user: ${lacks}\n`)
