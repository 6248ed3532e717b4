// SPDX-License-Identifier: Apache-2.0
import { checkpointFlags, restoreFlags } from './criu-flags.ts'
import { helperVerbs } from './helper-verbs.ts'

/** `list` and `ints` may be given more than once; a comma separates nothing. */
export type FlagType = 'bool' | 'string' | 'list' | 'int' | 'ints'

/** One flag of a verb, or a global one. */
export interface Flag {
  readonly name: string
  /** One letter. */
  readonly short?: string
  readonly type: FlagType
  readonly help: string
  /** What holds when the flag is not given, as the help shows it. */
  readonly default?: string
  /** Accepted for callers that pass it, but not shown in the help. */
  readonly hidden?: true
}

/** One verb of the command line. */
export interface Verb {
  readonly name: string
  readonly summary: string
  /** Flags end at the first word that is none, as what follows is for another program. */
  readonly keepsOrder?: true
  /** What stands after the flags, as the help shows it. */
  readonly usage: string
  /** Number of words after the flags. */
  readonly minimum: number
  /** Infinity: any number. */
  readonly maximum: number
  readonly flags: readonly Flag[]
  /** Paragraphs of the help. */
  readonly description: readonly string[]
  /** `c`: run by the C program without any JavaScript, or with it only for the plan. `ts`: run here. */
  readonly runs: 'c' | 'ts'
  /** For the parts of tsrun among themselves; not shown in the help. */
  readonly hidden?: true
}

/** Flags that stand before the verb. */
export const globalFlags: readonly Flag[] = [
  { name: 'debug', type: 'bool', help: 'log more' },
  { name: 'log', type: 'string', help: 'file that messages are appended to', default: 'standard error' },
  { name: 'log-format', type: 'string', help: 'form of messages: text or json', default: 'text' },
  { name: 'root', type: 'string', help: 'directory of the state of containers', default: '/run/tsrun' },
  { name: 'systemd-cgroup', type: 'bool', help: 'let systemd make cgroups; cgroupsPath is slice:prefix:name' },
  {
    name: 'cgroup-manager',
    type: 'string',
    help: 'who makes cgroups: cgroupfs, systemd or disabled',
    default: 'cgroupfs',
  },
  {
    name: 'rootless',
    type: 'string',
    help: 'tolerate cgroups that may not be written: true, false or auto',
    default: 'auto',
  },
]

const bundle: Flag = { name: 'bundle', short: 'b', type: 'string', help: 'directory of the bundle', default: '.' }
const config: Flag = {
  name: 'config',
  short: 'f',
  type: 'string',
  help: 'file to read instead of config.json in the bundle',
}
const consoleSocket: Flag = {
  name: 'console-socket',
  type: 'string',
  help: 'unix socket that receives the master end of the terminal',
}
const pidfdSocket: Flag = {
  name: 'pidfd-socket',
  type: 'string',
  help: 'unix socket that receives a pidfd of the process',
}
const pidFile: Flag = { name: 'pid-file', type: 'string', help: 'file to write the process id to' }
const preserveFds: Flag = {
  name: 'preserve-fds',
  type: 'int',
  help: 'number of descriptors from 3 on to hand to the container',
  default: '0',
}
const planFd: Flag = { name: 'plan-fd', type: 'string', help: 'descriptor to read a ready plan from', hidden: true }
const noPivot: Flag = {
  name: 'no-pivot',
  type: 'bool',
  help: 'change the root without pivot_root, for a root on a ramdisk',
}
const noNewKeyring: Flag = { name: 'no-new-keyring', type: 'bool', help: 'keep the session keyring of the caller' }
const noSubreaper: Flag = { name: 'no-subreaper', type: 'bool', help: 'do not become the parent of orphans' }
const detach: Flag = { name: 'detach', short: 'd', type: 'bool', help: 'do not wait for the process to end' }

/** Of `update`. */
const limits: readonly Flag[] = [
  { name: 'resources', short: 'r', type: 'string', help: 'JSON file with the new limits; - is standard input' },
  { name: 'blkio-weight', type: 'int', help: 'weight of block IO, 10 to 1000' },
  { name: 'cpu-period', type: 'string', help: 'period of the CPU quota in microseconds' },
  { name: 'cpu-quota', type: 'string', help: 'CPU time in a period in microseconds; -1 is no limit' },
  { name: 'cpu-burst', type: 'string', help: 'CPU time saved up for bursts in microseconds' },
  { name: 'cpu-share', type: 'string', help: 'weight of CPU time, usually 1024' },
  { name: 'cpu-rt-period', type: 'string', help: 'period of real-time scheduling in microseconds' },
  { name: 'cpu-rt-runtime', type: 'string', help: 'real-time CPU time in a period in microseconds' },
  { name: 'cpu-idle', type: 'string', help: '1: run only when nothing else wants to, 0: run as usual' },
  { name: 'cpuset-cpus', type: 'string', help: 'CPUs to use, such as 0-3,7' },
  { name: 'cpuset-mems', type: 'string', help: 'memory nodes to use' },
  { name: 'memory', type: 'string', help: 'memory, such as 64m or 1g; -1 is no limit' },
  { name: 'memory-reservation', type: 'string', help: 'memory that is left to it when the host runs short' },
  { name: 'memory-swap', type: 'string', help: 'memory and swap together; -1 is no limit' },
  { name: 'kernel-memory', type: 'string', help: 'ignored', hidden: true },
  { name: 'kernel-memory-tcp', type: 'string', help: 'memory for TCP, such as 64m; -1 is no limit; cgroup v1 alone' },
  { name: 'pids-limit', type: 'int', help: 'number of processes; -1 is no limit' },
  { name: 'l3-cache-schema', type: 'string', help: 'line for the L3 cache in the resctrl group' },
  { name: 'mem-bw-schema', type: 'string', help: 'line for the memory bandwidth in the resctrl group' },
]

const containerId = '<container-id>'
const noFlags: readonly Flag[] = []

function lifecycleVerb(name: string, summary: string, description: string, flags = noFlags): Verb {
  return { name, summary, usage: containerId, minimum: 1, maximum: 1, flags, description: [description], runs: 'c' }
}

/** All verbs, in the order of the help. A test compares those of the C program with csrc/front/flags.def. */
export const verbs: readonly Verb[] = [
  lifecycleVerb(
    'create',
    'create a container',
    'Makes everything of the container but the user process, which waits for start.',
    [bundle, config, consoleSocket, pidfdSocket, pidFile, noPivot, noNewKeyring, preserveFds, planFd],
  ),
  lifecycleVerb(
    'start',
    'start the user process of a created container',
    'The container must have the status created.',
  ),
  lifecycleVerb(
    'run',
    'create and start a container, and wait for its end',
    'Ends with the exit status of the process, or 128 and the number of the signal that killed it. The container is deleted then.',
    [
      bundle,
      config,
      consoleSocket,
      detach,
      { name: 'keep', type: 'bool', help: 'do not delete the container when it has ended' },
      pidfdSocket,
      pidFile,
      noSubreaper,
      noPivot,
      noNewKeyring,
      preserveFds,
      planFd,
    ],
  ),
  {
    name: 'exec',
    summary: 'run one more process in a container',
    usage: `${containerId} <command> [arguments...] | --process FILE ${containerId}`,
    minimum: 1,
    maximum: Infinity,
    keepsOrder: true,
    runs: 'c',
    description: ['What the flags do not say is taken from the config.json of the container.'],
    flags: [
      consoleSocket,
      pidfdSocket,
      { name: 'cwd', type: 'string', help: 'working directory in the container' },
      { name: 'env', short: 'e', type: 'list', help: 'set an environment variable, NAME=VALUE' },
      { name: 'tty', short: 't', type: 'bool', help: 'give the process a terminal' },
      { name: 'user', short: 'u', type: 'string', help: 'user id, or user and group id: UID[:GID]' },
      { name: 'additional-gids', short: 'g', type: 'ints', help: 'additional group id' },
      { name: 'process', short: 'p', type: 'string', help: 'JSON file with the process object' },
      detach,
      pidFile,
      { name: 'process-label', type: 'string', help: 'SELinux label of the process' },
      { name: 'apparmor', type: 'string', help: 'AppArmor profile of the process' },
      { name: 'no-new-privs', type: 'bool', help: 'set no_new_privs' },
      { name: 'cap', short: 'c', type: 'list', help: 'add a capability' },
      preserveFds,
      { name: 'cgroup', type: 'list', help: 'cgroup below that of the container: [CONTROLLERS:]PATH' },
      { name: 'ignore-paused', type: 'bool', help: 'allow it in a paused container' },
      {
        name: 'exec-wait-fifo',
        type: 'string',
        help: 'fifo that is opened for writing before the program runs: it waits until somebody reads',
      },
      planFd,
    ],
  },
  lifecycleVerb(
    'state',
    'print the state of a container as JSON',
    'The status is created, running, paused or stopped.',
  ),
  {
    name: 'kill',
    summary: 'send a signal to the init process of a container',
    usage: `${containerId} [signal]`,
    minimum: 1,
    maximum: 2,
    runs: 'c',
    description: ['The signal is a number or a name, with or without SIG. The default is SIGTERM.'],
    flags: [{ name: 'all', short: 'a', type: 'bool', help: 'send it to all processes', hidden: true }],
  },
  lifecycleVerb(
    'delete',
    'remove what is left of a container',
    'Undoes what create did: processes, cgroups, hooks of the kind poststop, state directory.',
    [{ name: 'force', short: 'f', type: 'bool', help: 'kill a running container first; an unknown one is no error' }],
  ),
  lifecycleVerb('pause', 'freeze all processes of a container', 'Needs the freezer of cgroup v1, or cgroup v2.'),
  lifecycleVerb('resume', 'let the processes of a paused container go on', 'The counterpart of pause.'),
  {
    name: 'checkpoint',
    summary: 'write the processes of a container to an image',
    usage: containerId,
    minimum: 1,
    maximum: 1,
    runs: 'c',
    description: [
      'The container must be running or paused. It is deleted then, unless --leave-running or --pre-dump is given.',
      'Needs criu(8) on the host, and root. What criu reads besides is the file that the annotation org.criu.config names,',
      'else /etc/criu/tsrun.conf or /etc/criu/runc.conf.',
    ],
    flags: checkpointFlags,
  },
  {
    name: 'restore',
    summary: 'make a container of an image, and wait for its end',
    usage: containerId,
    minimum: 1,
    maximum: 1,
    runs: 'c',
    description: [
      'The bundle must have the root file system and the config.json that the image was made with, but its paths may differ.',
      'Ends as run does. Of the hooks, prestart, createRuntime and poststop are run.',
    ],
    flags: [
      ...restoreFlags,
      bundle,
      config,
      detach,
      pidFile,
      consoleSocket,
      noSubreaper,
      { ...noPivot, help: 'accepted with a warning: criu changes the root with pivot_root' },
    ],
  },
  ...helperVerbs,
  {
    name: 'list',
    summary: 'list containers',
    usage: '',
    minimum: 0,
    maximum: 0,
    runs: 'ts',
    description: [
      'Lists the containers below the global option --root.',
      'With --orphans: what is left of containers that have ended or died and that nobody has deleted. Those of all state',
      'roots, unless --root is given.',
    ],
    flags: [
      { name: 'format', short: 'f', type: 'string', help: 'table or json', default: 'table' },
      { name: 'quiet', short: 'q', type: 'bool', help: 'print ids only' },
      { name: 'orphans', type: 'bool', help: 'list state directories, cgroups and mounts that are left over' },
    ],
  },
  {
    name: 'ps',
    summary: 'list the processes of a container',
    usage: `${containerId} [options of ps]`,
    minimum: 1,
    maximum: Infinity,
    keepsOrder: true,
    runs: 'ts',
    description: ["Runs the host's ps (-ef unless other options are given) and shows its lines about the container."],
    flags: [
      { name: 'format', short: 'f', type: 'string', help: 'table, or json for the process ids', default: 'table' },
    ],
  },
  {
    name: 'update',
    summary: 'change the limits of a container',
    usage: containerId,
    minimum: 1,
    maximum: 1,
    runs: 'ts',
    description: [
      'What is not given stays as it is, and so does what is 0; but a limit of 0 processes is one of 1. Device rules cannot be changed.',
      'With --resources the flags for single limits are ignored. The file has the form of linux.resources in config.json:',
      '{"memory": {"limit": 67108864, "swap": 67108864}, "cpu": {"shares": 512}, "pids": {"limit": 100}}',
    ],
    flags: limits,
  },
  {
    name: 'events',
    summary: 'print statistics of a container, and when it runs out of memory',
    usage: containerId,
    minimum: 1,
    maximum: 1,
    runs: 'ts',
    description: ['One line of JSON for each event, until the container ends.'],
    flags: [
      { name: 'interval', type: 'string', help: 'time between statistics, such as 500ms or 1m30s', default: '5s' },
      { name: 'stats', type: 'bool', help: 'print statistics once' },
    ],
  },
  {
    name: 'spec',
    summary: 'write a config.json to start from',
    usage: '',
    minimum: 0,
    maximum: 0,
    runs: 'ts',
    description: ['It runs sh in the directory rootfs of the bundle. An existing config.json is never overwritten.'],
    flags: [
      { name: 'bundle', short: 'b', type: 'string', help: 'directory of the bundle', default: '.' },
      { name: 'rootless', type: 'bool', help: 'for a container of the calling user, without root' },
    ],
  },
  {
    name: 'features',
    summary: 'print what this runtime supports as JSON',
    usage: '',
    minimum: 0,
    maximum: 0,
    runs: 'ts',
    description: ['The form is the features document of the runtime specification.'],
    flags: [],
  },
  {
    name: 'check',
    summary: 'tell whether this host can run containers, and what is missing',
    usage: '',
    minimum: 0,
    maximum: 0,
    runs: 'ts',
    description: [
      'For the calling user: root, or one without root. Nothing is changed.',
      'Ends with 0 when containers can be run, with 1 when something that is needed is missing.',
    ],
    flags: [{ name: 'json', type: 'bool', help: 'print JSON' }],
  },
  {
    name: 'explain',
    summary: 'print what would be done, and which field of config.json asks for it',
    usage: `[${containerId}]`,
    minimum: 0,
    maximum: 1,
    runs: 'ts',
    description: [
      'Compiles the plan of a bundle and prints it, section by section. Nothing is changed, and root is not needed.',
      'With the id of a container: prints the plan that the container was made with.',
    ],
    flags: [bundle, { name: 'json', type: 'bool', help: 'print JSON' }],
  },
]

/** The verb of this name, or undefined. */
export function findVerb(name: string): Verb | undefined {
  return verbs.find((verb) => verb.name === name)
}
