// SPDX-License-Identifier: Apache-2.0
/**
 * The ops a plan can say: twin of csrc/plan/ops.def (a test compares them).
 *
 * `signature` has one letter per argument: u u32, q u64, s text or host path, r path inside the container's root,
 * b bytes, v list of strings, P puts a slot, T takes a slot, F borrows a slot, O borrows a slot or none.
 * `side`: H front, I init, B both.
 */
export const OPS = {
  'open-tree': { code: 1, side: 'B', signature: 'suP', syscall: 'open_tree', args: ['path', 'flags', 'slot'] },
  'open': { code: 2, side: 'B', signature: 'suP', syscall: 'open', args: ['path', 'flags', 'slot'] },
  'open-ns': { code: 3, side: 'H', signature: 'suP', syscall: 'open', args: ['path', 'nstype', 'slot'] },
  'connect': { code: 4, side: 'B', signature: 'suP', syscall: 'connect', args: ['path', 'socktype', 'slot'] },
  'open-char': {
    code: 5,
    side: 'B',
    signature: 'suuP',
    syscall: 'open_tree',
    args: ['path', 'major', 'minor', 'slot'],
  },
  'idmap-userns': { code: 6, side: 'H', signature: 'bbP', syscall: 'clone3', args: ['uidMap', 'gidMap', 'slot'] },
  'cgroup-make': { code: 10, side: 'H', signature: 'su', syscall: 'mkdir', args: ['path', 'flags'] },
  'cgroup-vacant': { code: 11, side: 'H', signature: 's', syscall: 'read', args: ['path'] },
  'write-file': { code: 12, side: 'H', signature: 'sb', syscall: 'write', args: ['path', 'data'] },
  'wait-file': { code: 13, side: 'H', signature: 'sbu', syscall: 'read', args: ['path', 'expected', 'timeoutMs'] },
  'cgroup-remove': { code: 14, side: 'H', signature: 'su', syscall: 'rmdir', args: ['path', 'flags'] },
  'chown': { code: 15, side: 'H', signature: 'suu', syscall: 'fchownat', args: ['path', 'uid', 'gid'] },
  'device-filter': { code: 16, side: 'H', signature: 'sb', syscall: 'bpf', args: ['cgroup', 'insns'] },
  'make-dir': { code: 17, side: 'H', signature: 'su', syscall: 'mkdir', args: ['path', 'mode'] },
  'remove-dir': { code: 18, side: 'H', signature: 's', syscall: 'rmdir', args: ['path'] },
  'resctrl-group': { code: 19, side: 'H', signature: 'sb', syscall: 'mkdir', args: ['path', 'schemata'] },
  'unmount': { code: 9, side: 'H', signature: 's', syscall: 'umount2', args: ['path'] },
  'id-map': { code: 20, side: 'H', signature: 'ubu', syscall: 'write', args: ['which', 'map', 'flags'] },
  'join-pid': { code: 21, side: 'H', signature: 's', syscall: 'write', args: ['path'] },
  'write-pid-file': { code: 22, side: 'H', signature: 'sb', syscall: 'write', args: ['name', 'data'] },
  'prlimit': { code: 23, side: 'B', signature: 'uqq', syscall: 'prlimit', args: ['resource', 'soft', 'hard'] },
  'net-device': { code: 24, side: 'H', signature: 'ss', syscall: 'netlink', args: ['name', 'rename'] },
  'net-device-present': { code: 28, side: 'H', signature: 's', syscall: 'netlink', args: ['name'] },
  'send-pidfd': { code: 27, side: 'H', signature: 'F', syscall: 'sendmsg', args: ['socket'] },
  'hook': {
    code: 30,
    side: 'B',
    signature: 'svvubu',
    syscall: 'execve',
    args: ['path', 'args', 'env', 'timeoutMs', 'state', 'flags'],
  },
  'open-append': { code: 32, side: 'H', signature: 'sP', syscall: 'open', args: ['path', 'slot'] },
  'hook-into': {
    code: 33,
    side: 'B',
    signature: 'svvubuOO',
    syscall: 'execve',
    args: ['path', 'args', 'env', 'timeoutMs', 'state', 'flags', 'stdout', 'stderr'],
  },
  'seccomp-prepare': { code: 31, side: 'H', signature: 'sbP', syscall: 'seccomp', args: ['key', 'policy', 'slot'] },
  'join-cgroup': { code: 40, side: 'I', signature: 'F', syscall: 'write', args: ['slot'] },
  'unshare': { code: 41, side: 'I', signature: 'u', syscall: 'unshare', args: ['flags'] },
  'sethostname': { code: 42, side: 'I', signature: 'b', syscall: 'sethostname', args: ['name'] },
  'setdomainname': { code: 43, side: 'I', signature: 'b', syscall: 'setdomainname', args: ['name'] },
  'loopback-up': { code: 44, side: 'I', signature: '', syscall: 'ioctl', args: [] },
  'keyring': { code: 45, side: 'I', signature: 's', syscall: 'keyctl', args: ['name'] },
  'attach-root': {
    code: 71,
    side: 'I',
    signature: 'Tus',
    syscall: 'move_mount',
    args: ['slot', 'propagation', 'path'],
  },
  'ensure': {
    code: 51,
    side: 'I',
    signature: 'ruOuP',
    syscall: 'openat2',
    args: ['path', 'type', 'like', 'mode', 'target'],
  },
  'mount-fs': {
    code: 52,
    side: 'I',
    signature: 'ssvuP',
    syscall: 'fsmount',
    args: ['type', 'source', 'options', 'attr', 'slot'],
  },
  'move': { code: 53, side: 'I', signature: 'TT', syscall: 'move_mount', args: ['tree', 'target'] },
  'setattr': {
    code: 54,
    side: 'B',
    signature: 'FqquuO',
    syscall: 'mount_setattr',
    args: ['slot', 'set', 'clear', 'propagation', 'recursive', 'userns'],
  },
  'idmap-tree': {
    code: 78,
    side: 'I',
    signature: 'FuF',
    syscall: 'mount_setattr',
    args: ['tree', 'recursive', 'userns'],
  },
  'mount-data': { code: 55, side: 'I', signature: 'rsu', syscall: 'mount', args: ['path', 'data', 'flags'] },
  'open-rooted': { code: 56, side: 'I', signature: 'ruP', syscall: 'openat2', args: ['path', 'flags', 'slot'] },
  'copy-up': { code: 58, side: 'I', signature: 'Fr', syscall: 'openat2', args: ['tree', 'path'] },
  'mknod': {
    code: 59,
    side: 'I',
    signature: 'ruuuuu',
    syscall: 'mknodat',
    args: ['path', 'mode', 'major', 'minor', 'uid', 'gid'],
  },
  'symlink': { code: 60, side: 'I', signature: 'sr', syscall: 'symlinkat', args: ['target', 'path'] },
  'mask-path': { code: 61, side: 'I', signature: 'rF', syscall: 'move_mount', args: ['path', 'devNull'] },
  'readonly-path': { code: 62, side: 'I', signature: 'r', syscall: 'move_mount', args: ['path'] },
  'pivot': { code: 63, side: 'I', signature: 'u', syscall: 'pivot_root', args: ['flags'] },
  'root-attr': {
    code: 64,
    side: 'I',
    signature: 'qqu',
    syscall: 'mount_setattr',
    args: ['set', 'clear', 'propagation'],
  },
  'refuse-symlink': { code: 65, side: 'I', signature: 'r', syscall: 'openat2', args: ['path'] },
  'hooks-point': { code: 66, side: 'I', signature: '', syscall: 'recvmsg', args: [] },
  'sysctl': { code: 67, side: 'I', signature: 'sb', syscall: 'write', args: ['path', 'value'] },
  'place-root': { code: 74, side: 'I', signature: 'Ts', syscall: 'move_mount', args: ['slot', 'path'] },
  'open-tree-rooted': { code: 72, side: 'I', signature: 'ruP', syscall: 'open_tree', args: ['path', 'flags', 'slot'] },
  'mount-fs-like': {
    code: 73,
    side: 'I',
    signature: 'ssvuFP',
    syscall: 'fsmount',
    args: ['type', 'source', 'options', 'attr', 'target', 'slot'],
  },
  'mount-fs-over': {
    code: 77,
    side: 'I',
    signature: 'ssvurFP',
    syscall: 'fsmount',
    args: ['type', 'source', 'options', 'attr', 'path', 'root', 'slot'],
  },
  'null-stdio': { code: 75, side: 'I', signature: '', syscall: 'openat2', args: [] },
  'criu-root': { code: 76, side: 'I', signature: 'Ts', syscall: 'move_mount', args: ['tree', 'path'] },
  'console': { code: 69, side: 'I', signature: 'uuu', syscall: 'ioctl', args: ['rows', 'columns', 'flags'] },
  'session': { code: 80, side: 'I', signature: '', syscall: 'setsid', args: [] },
  'lsm-label': { code: 81, side: 'I', signature: 'ss', syscall: 'write', args: ['lsm', 'value'] },
  'no-new-privs': { code: 82, side: 'I', signature: '', syscall: 'prctl', args: [] },
  'umask': { code: 83, side: 'I', signature: 'u', syscall: 'umask', args: ['mask'] },
  'cap-bound': { code: 84, side: 'I', signature: 'q', syscall: 'prctl', args: ['mask'] },
  'ids': { code: 85, side: 'I', signature: 'uubu', syscall: 'setresuid', args: ['uid', 'gid', 'groups', 'flags'] },
  'caps': {
    code: 86,
    side: 'I',
    signature: 'qqqq',
    syscall: 'capset',
    args: ['effective', 'permitted', 'inheritable', 'ambient'],
  },
  'chdir': { code: 87, side: 'I', signature: 's', syscall: 'chdir', args: ['path'] },
  'home': { code: 88, side: 'I', signature: 'u', syscall: 'openat', args: ['uid'] },
  'find-exec': { code: 89, side: 'I', signature: 'vv', syscall: 'execve', args: ['args', 'env'] },
  'scheduler': {
    code: 90,
    side: 'B',
    signature: 'uquuqqq',
    syscall: 'sched_setattr',
    args: ['policy', 'flags', 'nice', 'priority', 'runtime', 'deadline', 'period'],
  },
  'io-priority': { code: 91, side: 'I', signature: 'u', syscall: 'ioprio_set', args: ['value'] },
  'cpu-affinity': { code: 92, side: 'B', signature: 'b', syscall: 'sched_setaffinity', args: ['mask'] },
  'personality': { code: 93, side: 'I', signature: 'u', syscall: 'personality', args: ['domain'] },
  'memory-policy': { code: 94, side: 'I', signature: 'ub', syscall: 'set_mempolicy', args: ['mode', 'nodes'] },
  'seccomp': {
    code: 100,
    side: 'I',
    signature: 'FuOb',
    syscall: 'seccomp',
    args: ['program', 'flags', 'listener', 'state'],
  },
  'preserve-fds': { code: 101, side: 'I', signature: 'u', syscall: 'close_range', args: ['count'] },
  'execve': { code: 102, side: 'I', signature: 'vv', syscall: 'execve', args: ['args', 'env'] },
  'criu-socket': { code: 106, side: 'I', signature: 'P', syscall: 'socketpair', args: ['slot'] },
  'loopback-of-init': { code: 107, side: 'H', signature: '', syscall: 'ioctl', args: [] },
  'readonly-root-of-init': { code: 108, side: 'H', signature: '', syscall: 'mount_setattr', args: [] },
  'exec-criu': { code: 103, side: 'I', signature: 'Fs', syscall: 'execve', args: ['slot', 'program'] },
  'number-fd': { code: 104, side: 'I', signature: 'Fu', syscall: 'dup2', args: ['slot', 'number'] },
  'criu-scratch': { code: 109, side: 'H', signature: 's', syscall: 'mkdir', args: ['path'] },
  'criu-call': { code: 105, side: 'H', signature: 'bu', syscall: 'recvmsg', args: ['request', 'status'] },
  'systemd-start': {
    code: 110,
    side: 'H',
    signature: 'ssvs',
    syscall: 'dbus',
    args: ['bus', 'unit', 'properties', 'cgroup'],
  },
  'systemd-stop': { code: 111, side: 'H', signature: 'ss', syscall: 'dbus', args: ['bus', 'unit'] },
  'systemd-attach': { code: 112, side: 'H', signature: 'sss', syscall: 'dbus', args: ['bus', 'unit', 'below'] },
} as const

export type OpKind = keyof typeof OPS

/** Index of a descriptor that ops hand to each other. */
export type FdSlot = number & { readonly __brand: 'FdSlot' }

/** Errors an op may meet and still count as done (csrc/README.md, "Tolerated errors"). */
export const TOLERATED = {
  ENOENT: 1 << 0,
  EPERM: 1 << 1,
  EINVAL: 1 << 2,
  ENOSYS: 1 << 3,
  EBUSY: 1 << 4,
  EEXIST: 1 << 5,
  ENOTDIR: 1 << 6,
  ESRCH: 1 << 7,
  EROFS: 1 << 8,
  ENXIO: 1 << 9,
} as const
export type Tolerated = keyof typeof TOLERATED

interface ArgumentTypes {
  u: number
  q: bigint
  s: string
  r: string
  b: string | Uint8Array
  v: readonly string[]
  P: FdSlot
  T: FdSlot
  F: FdSlot
  O: FdSlot | null
}

type Letters<S extends string> = S extends `${infer L}${infer Rest}` ? [L, ...Letters<Rest>] : []
type Arguments<Names extends readonly string[], L extends readonly unknown[]> = {
  readonly [I in Exclude<keyof Names, keyof (readonly unknown[])> as Names[I] & string]: I extends keyof L
    ? L[I] extends keyof ArgumentTypes
      ? ArgumentTypes[L[I]]
      : never
    : never
}

/** Where an op comes from. */
export interface Provenance {
  /** JSON pointer of the field that caused it (`/mounts/3`), or `flag:--no-pivot`, or `runtime` for the spec's own rules. */
  readonly cause: string
  /** The same for people, object included, as printed in errors: `mounts[3] (/data)`. */
  readonly label: string
  readonly tolerate?: readonly Tolerated[]
}

export type OpOf<K extends OpKind> = { readonly kind: K } & Arguments<
  (typeof OPS)[K]['args'],
  Letters<(typeof OPS)[K]['signature']>
> &
  Provenance

/** One step of a plan. */
export type Op = { [K in OpKind]: OpOf<K> }[OpKind]

/** Sections in the order of the wire format: who runs them and when (csrc/README.md). */
export const SECTIONS = [
  'prepare',
  'adopt',
  'hooks',
  'setup',
  'drop',
  'start',
  'commit',
  'poststart',
  'undo',
  'poststop',
  'pause',
  'resume',
] as const
export type SectionName = (typeof SECTIONS)[number]
