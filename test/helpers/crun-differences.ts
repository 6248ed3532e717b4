// SPDX-License-Identifier: Apache-2.0
// In what crun (1.28) differs, by suite and title. These are too many for the tests themselves. Words and exit codes of
// failures are its own as well and are not compared (`assertFailure`).

type Entry = readonly [titles: RegExp, reason: string]

const leaves = 'a create that fails or is killed leaves its cgroups'
const ownText = 'has words, columns and formats of its own'
const noHint = 'takes the last flag of a kind only when both set something'
const lenient = 'does not check it'
const masks = 'does not tell criu of the directory that it masks others with'
const old = 'does not know this option'

const differences: Readonly<Record<string, readonly Entry[]>> = {
  checkpoint: [[/^a container goes on|^--leave-running/, masks]],
  'command line': [
    [/^list |^ps prints|^(?!ps)\w+ without an id shows its usage/, ownText],
    [/^help, -h and --help/, 'has no verb help'],
    [/^an unknown verb and an unknown flag/, 'ends with 64 for usage'],
  ],
  crash: [
    [/^the front is killed|^a front that dies/, leaves],
    [/^the state directory (is on a full disk|has no inode left)/, 'leaves its state directory'],
    [/^a cgroup that already has processes/, lenient],
  ],
  endurance: [[/lives of containers/, 'leaves .empty-directory beside the states']],
  events: [[/^(?!an interval|the end of)/, 'has no such command']],
  exec: [
    [/^takes user, environment, cwd/, 'starts in /, not in the cwd of the config'],
    [/^--user 4294967294/, 'takes ids up to 2147483647 only'],
    [/^--user "-1"|^--user " 1"/, 'takes it'],
    [/^--additional-gids|^--ignore-paused/, 'has no such flag'],
    [/^--cap adds/, '--cap replaces the capabilities of the config'],
    [/^--cgroup puts/, 'does not refuse a cgroup that is absent'],
    [/^--apparmor of an unknown profile/, 'ignores it where AppArmor is off'],
  ],
  failures: [
    [/^root.path is a symbolic link/, 'follows it'],
    [/^ociVersion is of another/, lenient],
    [/^a field has the wrong type/, 'ignores fields of a wrong type'],
    [/^data for a bind mount/, lenient],
    [/^a device number is not free/, lenient],
    [/^a device path is taken/, 'takes whatever is there for the device'],
    [/^cgroupsPath of a controller/, leaves],
    [/^all problems of a config/, 'tells the first one'],
    [/^start of a/, 'start does not wait for execve'],
  ],
  features: [
    [/^hooks, namespaces and mount options/, 'does not list nosymfollow'],
    [/^what the specification added/, 'knows the specification up to 1.1'],
    [/^the versions are those/, 'does not tell the version of libseccomp'],
  ],
  hooks: [
    [/^they run in order/, 'tells the startContainer hook that the bundle is /'],
    [/^a failing (prestart|createRuntime|createContainer) hook/, 'does not run poststop when create fails'],
    [/^a failing startContainer hook/, 'start does not wait for it and succeeds'],
    [/^a failing poststop hook/, 'says nothing'],
    [/^a relative path of a hook/, lenient],
  ],
  lifecycle: [
    [/^flags may come with one dash/, 'has flags in the manner of GNU'],
    [/^--root: the state directory is there/, 'gives it mode 0700'],
    [/^state.json has the keys/, 'has a file "status" instead'],
    [/^id "..a" is accepted/, 'refuses it'],
    [/^kill hup sends/, 'wants signals in upper case'],
    [/^kill KILL ends every process/, 'kills init alone'],
    [/^kill with an unknown signal/, 'takes the digits that a word begins with for a number'],
    [/^pause freezes/, 'a second pause succeeds'],
  ],
  restore: [[/^a network namespace with a path/, masks]],
  list: [[/^columns|^status and pid|^several|^annotations|^what is no container|^a root that/, ownText]],
  log: [[/^--log-format json|^the error goes|^the log is app|^an existing|^quotes|^--debug|^a wrong/, ownText]],
  capabilities: [
    [/^a capability that cannot be granted/, 'fails; the specification says it must be logged as a warning'],
    [/^an unknown capability/, 'says nothing; the specification says it must be logged as a warning'],
  ],
  'cgroups cpu': [[/^a limit that the kernel refuses/, leaves]],
  'cgroups unified': [[/^unified where there is no/, leaves]],
  devices: [[/^devices of unknown type/, lenient]],
  'linux process': [
    [/^an apparmorProfile that is not loaded/, 'ignores it where AppArmor is off'],
    [/^execCPUAffinity: exec runs/, 'takes it from the file of exec --process alone'],
    [/^execCPUAffinity: a list/, lenient],
  ],
  'masked paths': [[/^maskedPaths and readonlyPaths must/, lenient]],
  'mount idmap': [
    [/^what lies in the root is mapped, too, in a user/, 'opens the source before others are mounted there'],
  ],
  'starved': [[/^exec with a full disk for state/, 'leaves .empty-directory beside the states']],
  'mount options': [
    [/^bind with "r?nosymfollow" shows/, old],
    [
      /^bind with "r(no|nodir|)atime"|^bind with "r(dir|strict|nostrict)atime"|^bind with "rnodiratime"/,
      'fails with EINVAL',
    ],
    [/^of "(?!nosymfollow)\w+" and "\w+" the last one holds/, noHint],
    [/^access times: "(noatime,atime|nodiratime,diratime)"/, noHint],
    [/^propagation "r?(shared|unbindable)"/, 'leaves the mount private'],
    [/^a bind mount without attributes/, 'does not keep those of its source'],
    [/^tmpfs with "(no)?iversion" mounts|^tmpfs with "(silent|loud)" mounts/, 'passes it to the file system'],
  ],
  mounts: [[/^a symbolic link in a destination/, 'fails when a link leads to what is not there yet']],
  'mounts of user namespaces': [
    [/^root of a|is refused by name|^a directory without/, 'clones mounts where the kernel does not lock them'],
    [/^\/proc\/PID\/mountinfo/, 'makes binds first'],
  ],
  namespaces: [[/^"time" can be joined/, 'fails']],
  process: [
    [/^process is required|^args must not be empty/, lenient],
    [/^a program that its user may not run/, ownText],
    [/^a new session keyring/, 'names it otherwise'],
    [/^a config without a new pid namespace/, 'run waits for the children, too'],
  ],
  'network devices': [
    [/^name: the kernel puts/, 'takes %d for a part of the name'],
    [/^a name that is taken/, 'has moved the device by then'],
  ],
  notify: [[/^start waits|^run |^only that|^the socket is/, 'gives the container the directory of the socket itself']],
  ps: [[/^table: |^options of ps|^a container that has stopped/, 'prints pids alone and takes no options of ps']],
  remains: [[/^of two creates/, ownText]],
  'rootfs propagation': [
    [/^rootfsPropagation "runbindable"/, 'cannot mask paths any more once the root is unbindable'],
    [/^an unknown rootfsPropagation/, lenient],
  ],
  run: [
    [/^--preserve-fds of a closed/, lenient],
    [/^LISTEN_FDS (of the caller|come first)/, 'sets LISTEN_PID, but not LISTEN_FDS'],
    [/^LISTEN_FDS for another/, 'does not look at LISTEN_PID'],
  ],
  seccomp: [
    [/^SCMP_ACT_(KILL\w*|TRAP) by default/, 'is under the filter itself, with calls of its own'],
    [/^SCMP_ACT_ERRNO gives/, 'takes a filter from its cache that differs in errnoRet'],
    [/^an unknown action/, 'ignores unknown architectures or flags'],
  ],
  'seccomp notify': [[/^SCMP_ACT_NOTIFY/, 'sends another message to the listener, and needs none']],
  spec: [
    [/^spec --rootless: valid/, 'leaves the mappings out'],
    [/^a dangling link/, 'follows it'],
  ],
  update: [
    [/^flags: each|^the document of docker|^memory -1 without/, 'writes limits in an order that the kernel refuses'],
    [/^device rules stay/, 'takes the rules of the container away'],
    [/^a container that is stopped|^what is no limit|^values that make no sense/, lenient],
  ],
  user: [[/^ids beyond 2/, lenient]],
  systemd: [
    [
      /^init is in a scope|^exec, ps|^a nested slice|^with a cgroup namespace/,
      'puts init into a cgroup below the scope',
    ],
    [/^limits are properties/, 'takes memory plus swap for swap'],
    [/^update changes/, 'makes broken JSON of several flags'],
    [/^a name that ends in .slice/, 'starts no slices'],
    [/^annotations are/, 'does not turn seconds into microseconds'],
  ],
  'systemd-failures': [[/^annotations that cannot be read/, lenient]],
  terminal: [
    [/^create --console-socket sends/, 'names the terminal otherwise'],
    [/^stdio is the terminal/, 'puts nothing over /dev/console'],
    [/^a console socket without/, lenient],
    [/^run in the foreground: terminal|^exec --process with a terminal/, 'sets the size only after the start'],
  ],
  'user namespaces': [
    [/^a rootfs that only the host root/, 'opens the rootfs as the mapped root'],
    [/^mappings without/, 'ignores them'],
  ],
  'CVE-2016-9962': [[/^whoever traces/, 'prepares the process inside the pid namespace']],
  'CVE-2019-16884': [[/./, 'lets mounts go over /proc and what is below it']],
  'CVE-2021-43784': [[/^a NUL in a string/, lenient]],
  'CVE-2025-31133': [[/^\/dev\/null of the image is a (file|link to a file of the image)$/, 'takes it for /dev/null']],
  'CVE-2025-52881': [[/^mounts in the way/, 'lets mounts go over /proc and what is below it']],
}

/** The reason why crun is not held to a test, or undefined. */
export function crunDifference(suite: string, title: string): string | undefined {
  return differences[suite]?.find(([titles]) => titles.test(title))?.[1]
}

/** Suites that there are entries for. */
export const crunDifferenceSuites: readonly string[] = Object.keys(differences)

/** Entries of a suite that match none of its tests. */
export function staleCrunDifferences(suite: string, titles: readonly string[]): readonly string[] {
  return (differences[suite] ?? [])
    .filter(([pattern]) => !titles.some((title) => pattern.test(title)))
    .map(([pattern]) => `${suite}: ${pattern}`)
}
