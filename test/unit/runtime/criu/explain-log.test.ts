// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { explainFailure, explainLog } from '../../../../runtime/criu/explain-log.ts'

const test = suite('explain-log')

/** Lines as criu 3.17 to 4.2 write them, and a word of what they are to be told as. */
const known: readonly (readonly [line: string, meaning: RegExp])[] = [
  [
    'Error (criu/sk-inet.c:200): inet: Connected TCP socket, consider using --tcp-established option.',
    /--tcp-established/,
  ],
  ['Error (criu/sk-inet.c:185): inet: In-flight connection (l) for 1a2b', /--tcp-skip-in-flight/],
  ['Error (criu/sk-unix.c:875): unix: External socket is used. Consider using --ext-unix-sk option.', /--ext-unix-sk/],
  [
    'Error (criu/file-lock.c:110): Some file locks are hold by dumping tasks! You can try --file-locks to dump them.',
    /--file-locks/,
  ],
  [
    'Error (criu/tty.c:2130): tty: Found dangling tty with sid 1 pgid 1 (pts) on peer fd 0. Consider using --shell-job',
    /--shell-job/,
  ],
  ["Error (criu/files-reg.c:1834): Can't lookup mount=29 for fd=1 path=/var/log/out", /file of the host is open/],
  ["Error (criu/mount.c:2955): mnt: Can't create a temporary directory: Read-only file system", /no directory \/tmp/],
  ['Error (criu/cr-dump.c:1655): Timeout reached. Try to interrupt: 0', /could not be stopped.*try again/],
  ['Error (criu/page-pipe.c:424): page-pipe: splice: -1: Bad file descriptor', /CAP_SYS_RESOURCE/],
  ['Error (criu/image.c:635): Unable to open timens-0.img: Permission denied', /before the user namespace.*try again/],
  ["Error (criu/files-reg.c:1160): Can't create link remap for /tmp/x. Use link-remap option.", /--link-remap/],
  ["Error (criu/mount.c:1074): mnt: 711:./run doesn't have a proper root mount", /config\.json/],
  ['Error (criu/mount.c:3031): mnt: No mapping for 812:(null) mountpoint', /bind mount that this config\.json has not/],
  ['Error (criu/mount-v2.c:319): mnt-v2: Failed to open_tree /srv: Invalid argument', /other mounts below it/],
  ['Error (criu/mount-v2.c:891): mnt-v2: Failed to copy sharing from -1:/dev/shm/0 to 5: Invalid argument', /rprivate/],
  ['Error (criu/files-reg.c:2275): File bin/busybox has bad size 12 (expect 34)', /another one in this root/],
  ["Error (criu/files-reg.c:2200): Can't open file srv/x on restore: No such file or directory", /not in this root/],
  ['Error (criu/net.c:3120): net: Locking network failed: iptables-restore returned -1.', /--network-lock/],
  ['Error (criu/image.c:630): Unable to open inventory.img: No such file or directory', /image is not complete/],
  ["Error (criu/sk-inet.c:900): inet: Can't bind inet socket (id 3): Cannot assign requested address", /address/],
  ["Error (criu/lsm.c:300): can't write apparmor profile x: No such file or directory", /--lsm-profile/],
  ['Error (criu/cgroup.c:1500): cg: Unable to move 12 into system.slice', /--manage-cgroups-mode/],
  ["Error (criu/util.c:10): Can't open /proc/1/map_files: Operation not permitted", /needs root/],
  ['Error (criu/kerndat.c:700): kerndat_get_dirty_track failed when initializing kerndat.', /kernel lacks/],
  ["Error (criu/seccomp.c:80): Kernel doesn't support PTRACE_O_SUSPEND_SECCOMP", /kernel lacks/],
  ["Error (criu/page-xfer.c:1): page-xfer: Can't write: No space left on device", /disk is full/],
]

for (const [line, meaning] of known) {
  test(line.slice(0, 70), () => {
    const found = explainLog(
      `(00.000001) Version: 4.1.1\n(00.012345) ${line}\n(00.02) Error (criu/cr-dump.c:1): Dumping FAILED.\n`,
    )
    assert.match(found.meaning ?? '', meaning)
    assert.is(found.line, line)
  })
}

test('the first error is told, and the one that has a meaning beside it', () => {
  const log = [
    '(00.1)      1: Error (criu/x.c:1): something odd',
    "(00.2)      1: Error (criu/files-reg.c:2): Can't lookup mount=2 for fd=0 path=/x",
  ].join('\n')
  assert.equal(
    explainLog(log).line,
    "Error (criu/x.c:1): something odd [...] Error (criu/files-reg.c:2): Can't lookup mount=2 for fd=0 path=/x",
  )
})

test('what comes after the failure follows from it', () => {
  const log =
    '(0.1) Error (criu/new.c:1): odd\n(0.2) Error (criu/cr-restore.c:2): Restoring FAILED.\n(0.3) Error (criu/cgroup.c:3): cg: x'
  assert.equal(explainLog(log), { meaning: undefined, line: 'Error (criu/new.c:1): odd' })
})

test('an error that criu goes on after is not the reason', () => {
  const limits = "Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted"
  const reason = 'Error (criu/mount.c:3031): mnt: No mapping for 812:(null) mountpoint'
  assert.match(explainLog(`(00.01) ${limits}\n(00.02) ${reason}`).meaning ?? '', /bind mount/)
  assert.is(explainLog(`(00.01) ${limits}\n(00.02) ${reason}`).line, reason)
  assert.is(explainLog(`(00.01) ${limits}`).line, undefined)
})

test('words in a log that are no errors mean nothing', () => {
  assert.equal(explainLog('(00.1) cg: Set 1 is criu one\n(00.1) Warn (criu/x.c): no space'), {
    meaning: undefined,
    line: undefined,
  })
})

test('a line that nobody knows is told as it is, and no longer than that', () => {
  const { meaning, line } = explainLog(`(00.1) Error (criu/new.c:1): ${'x'.repeat(5000)}`)
  assert.is(meaning, undefined)
  assert.is(line?.length, 303)
})

test('messages: what failed, what it means, the words of criu, the log', () => {
  const log = '(00.1) Error (criu/sk-inet.c:200): inet: Connected TCP socket, consider'
  assert.is(
    explainFailure('checkpoint', 'checkpoint: criu failed', '/w/dump.log', log),
    'checkpoint: a TCP connection is open: --tcp-established keeps it, at both ends; criu says: Error (criu/sk-inet.c:200): inet: Connected TCP socket, consider (see "/w/dump.log")',
  )
  assert.is(
    explainFailure('restore', 'restore: criu ended before it answered', '/w/restore.log', undefined),
    'restore: criu ended before it answered (criu has written no log)',
  )
  const hook = 'restore: error running createRuntime hook #0: exit status 3'
  assert.is(explainFailure('restore', hook, '/w/restore.log', log), hook)
})

test.run()
