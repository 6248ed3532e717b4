// SPDX-License-Identifier: Apache-2.0

/** Words of criu, and what they mean to whoever runs containers. The first that fits counts: the particular come first. */
const meanings: readonly (readonly [words: RegExp, meaning: string])[] = [
  [/Connected TCP socket/, 'a TCP connection is open: --tcp-established keeps it, at both ends'],
  [/[Ii]n-flight (connection|socket)/, 'a TCP connection is just being made: --tcp-skip-in-flight leaves it out'],
  [/External socket/, 'a unix socket leads out of the container: --ext-unix-sk accepts that'],
  [/file locks are hold/, 'a file is locked: --file-locks keeps locks, if nobody outside holds one of the same file'],
  [
    /dangling tty|--shell-job|consider.*shell.job/i,
    "the terminal is not the container's own: --shell-job accepts that",
  ],
  [
    /Can't lookup mount=-?\d+ for fd=/,
    'a file of the host is open in the container, perhaps as its standard input or output: give it pipes or /dev/null',
  ],
  [
    /Can't create a temporary directory: Read-only/,
    'the root file system is read-only and has no directory /tmp, which criu needs for a moment: make one in it',
  ],
  [
    /Timeout reached|Unseizable .* state D/,
    'a process could not be stopped within 10 s, perhaps as it waited for a child that was stopped before: try again',
  ],
  [
    /page-pipe: splice: .*Bad file descriptor/,
    'the pages could not be sent: criu needs CAP_SYS_RESOURCE for pipes that are large enough',
  ],
  [
    /timens-\d+\.img: Permission denied/,
    'criu has opened a file of the image before the user namespace had its ids, which happens now and then: try again',
  ],
  [/Can't create link remap/, 'a file is open that has been deleted: --link-remap gives it a name'],
  [
    /Can't dump ghost file/,
    'a file is open that has been deleted and is too large for the image: see ghost-limit of criu',
  ],
  [
    /proper root mount|unreachable sharing/,
    'a mount in the container comes neither from its config.json nor from inside',
  ],
  [
    /No mapping for .* mountpoint|external mount.*not|mnt: Can't find external/i,
    'the image has a bind mount that this config.json has not',
  ],
  [
    /open_tree .*: Invalid argument/,
    'in a user namespace, criu cannot restore a bind mount of a directory with other mounts below it',
  ],
  [
    /Failed to copy sharing from/,
    'a bind mount cannot be made a slave of the host again, perhaps as the root of its user namespace is not let in: make it rprivate',
  ],
  [/File .* has bad (size|mode|build-ID)/, 'a file that was open is another one in this root file system'],
  [
    /Can't open file .* on restore|Can't open file .*: No such file/,
    'a file that was open is not in this root file system',
  ],
  [/Can't open parent path/, 'the image that this one adds to is not where it was'],
  [
    /(Locking network|iptables-restore|ip6tables|nftables|network lock)/i,
    'the network could not be locked: install iptables, or see --network-lock',
  ],
  [
    /Pid \d+ do not match expected|Can't fork for \d+: File exists/,
    'process ids of the image are taken: the container needs a pid namespace of its own',
  ],
  [/lazy-pages socket|lazy-pages\.socket/, 'nobody serves the memory: start `criu lazy-pages` in the work path first'],
  [
    /\(empty-image\)|Magic doesn't match|Unable to open \S+\.img: No such file/,
    'the image is not complete: is --image-path the right one?',
  ],
  [
    /Can't bind inet socket|Cannot assign requested address|Address already in use/,
    'an address of the image is not there, or taken',
  ],
  [/page.?server|Can't connect to server/i, 'the page server cannot be reached: see --page-server'],
  [
    /(apparmor|selinux|lsm)/i,
    'the security profile of the image is not there: load it, or name another one with --lsm-profile',
  ],
  [/cpu/i, 'this processor lacks what the processes have found at their start'],
  [/(cgroup\.c|cg: |cgset|freezer)/i, 'cgroups are not as the image has them: try --manage-cgroups-mode ignore'],
  [
    /userfaultfd|uffd|dirty.track|soft.?dirty|get_dirty_track|kerndat|PTRACE_O_SUSPEND|CONFIG_|Kernel doesn't support|kernel is too old|features detection/i,
    'the kernel lacks something: `criu check --all` says what',
  ],
  [/No space left/, 'the disk is full'],
  [/Operation not permitted|Permission denied|CAP_/, 'criu lacks a right: it needs root of the host'],
]

/** Told as an error wherever the caller may not raise its limits, and criu goes on without. */
const harmless = /rlimit: Can't setup RLIMIT_NOFILE for self/

/** What a log of criu says about a failure. */
export interface LogFinding {
  /** Undefined when nobody knows better than criu. */
  readonly meaning: string | undefined
  /** The line itself, without time and process. Undefined when there is no error in it. */
  readonly line: string | undefined
}

/** A line of a log may be of any length. */
const LONGEST = 300

/** The first error in a log of criu, and what it means. An error that has a meaning goes before those that follow from it. */
export function explainLog(log: string): LogFinding {
  const errors: string[] = []
  for (const line of log.split('\n')) {
    // What comes then follows from it.
    if (errors.length > 0 && /(Dumping|Restoring) FAILED/.test(line)) break
    const [, text] = /^(?:\([\d.]+\)\s*)?(?:\s*-?\d+: )?(Error \(.*)$/.exec(line) ?? []
    if (text !== undefined && !harmless.test(text))
      errors.push(text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text)
  }
  const [first] = errors
  if (first === undefined) return { meaning: undefined, line: undefined }
  for (const line of errors) {
    const meaning = meanings.find(([words]) => words.test(line))?.[1]
    if (meaning !== undefined) return { meaning, line: line === first ? line : `${first} [...] ${line}` }
  }
  return { meaning: undefined, line: first }
}

/** The message for a failed call of criu. `failure` is what the front has seen: `VERB: criu ...`, or what went wrong beside it. */
export function explainFailure(verb: string, failure: string, path: string, log: string | undefined): string {
  // A hook that has failed needs no other explanation.
  if (!failure.startsWith(`${verb}: criu`)) return failure
  const { meaning, line } = explainLog(log ?? '')
  const where = log === undefined ? 'criu has written no log' : `see "${path}"`
  const words = line === undefined ? failure.slice(verb.length + 2) : `criu says: ${line}`
  return `${verb}: ${meaning === undefined ? '' : `${meaning}; `}${words} (${where})`
}
