// SPDX-License-Identifier: Apache-2.0
// Which system calls containers may make unless told otherwise: all of syscalls(2) that act within what a container has, and,
// with a capability, those that this capability is for. What is not named fails with EPERM, and so does what kernels will have
// one day. It allows what users of docker are used to. Pure.

/** By what they are for; names of all architectures, since libseccomp passes over those that one has not. */
const allowed: readonly string[] = [
  // Files: names and attributes.
  `access chdir chmod chown chown32 creat faccessat faccessat2 fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat
  fgetxattr flistxattr fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 futimesat getcwd getdents getdents64
  getxattr getxattrat lchown lchown32 lgetxattr link linkat listxattr listxattrat llistxattr lremovexattr lsetxattr lstat
  lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 readlink readlinkat removexattr
  removexattrat rename renameat renameat2 rmdir setxattr setxattrat stat stat64 statfs statfs64 statx symlink symlinkat umask
  unlink unlinkat utime utimensat utimensat_time64 utimes listmount statmount`,
  // Files: contents and descriptors.
  `_llseek close close_range copy_file_range dup dup2 dup3 fadvise64 fadvise64_64 fallocate fcntl fcntl64 fdatasync flock fsync
  ftruncate ftruncate64 ioctl lseek pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile
  sendfile64 splice sync sync_file_range syncfs tee truncate truncate64 vmsplice write writev`,
  // Waiting for events.
  `_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
  eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch poll ppoll ppoll_time64 pselect6
  pselect6_time64 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64`,
  `io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit`,
  // Memory.
  `brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect
  mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages`,
  // Processes and threads.
  `execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list
  get_thread_area getpgid getpgrp getpid getppid getpriority getrlimit getrusage getsid gettid getcpu ioprio_get ioprio_set
  pidfd_open pidfd_send_signal prctl prlimit64 restart_syscall rseq set_robust_list set_thread_area set_tid_address setpgid
  setpriority setrlimit setsid times ugetrlimit vfork wait4 waitid waitpid uretprobe riscv_hwprobe`,
  `sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
  sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
  sched_yield`,
  // Tracing one's own children: the kernel checks who may (Linux 4.8 keeps seccomp in force meanwhile).
  `process_vm_readv process_vm_writev ptrace`,
  // Who one is, and less of it.
  `capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 getresuid
  getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32
  setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32`,
  `landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp`,
  // Signals.
  `alarm kill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
  rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn tgkill tkill`,
  // Time: changing it takes a capability, which the kernel asks for.
  `adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
  clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun
  timer_gettime timer_gettime64 timer_settime timer_settime64`,
  // Sockets. socket itself: below.
  `accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send
  sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`,
  // Messages, semaphores and shared memory: of the ipc namespace.
  `ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl
  msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget`,
  // About the machine.
  `getrandom sysinfo uname`,
]

/** What one architecture alone has, and its programs need. */
const ofArchitectures: Readonly<Record<string, string>> = {
  amd64: 'arch_prctl modify_ldt',
  '386': 'modify_ldt',
  arm: 'arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2',
  arm64: 'arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2',
  ppc64le: 'swapcontext sync_file_range2',
  riscv64: 'riscv_flush_icache',
  s390x: 's390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr',
}

/** What a capability is for. */
const ofCapabilities: Readonly<Record<string, string>> = {
  CAP_BPF: 'bpf',
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_PERFMON: 'perf_event_open',
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
  lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns
  syslog umount umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module finit_module init_module',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'ioperm iopl',
  CAP_SYS_TIME: 'clock_settime clock_settime64 settimeofday stime',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYSLOG: 'syslog',
}

const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '')

/** Names of system calls that are allowed whatever their arguments are, each once and in order. */
export function allowedCalls(architecture: string, capabilities: readonly string[]): readonly string[] {
  return [
    ...new Set([
      ...allowed.flatMap(words),
      ...words(ofArchitectures[architecture] ?? ''),
      ...capabilities.flatMap((capability) => words(ofCapabilities[capability] ?? '')),
    ]),
  ].sort()
}
