// SPDX-License-Identifier: Apache-2.0
// Good configs for the tests of spec/: what engines write, and one that has every field once.

/** A plain JSON object, so that tests can break it. */
export type Json = Record<string, unknown>

const DEFAULT_CAPS = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
const MASKED = ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware']
const READONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

function mount(destination: string, type: string, source: string, options: readonly string[] = []): Json {
  return { destination, type, source, options: [...options] }
}

/** As the verb `spec` writes it. */
export function specConfig(): Json {
  return {
    ociVersion: '1.3.0',
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: [...DEFAULT_CAPS], effective: [...DEFAULT_CAPS], permitted: [...DEFAULT_CAPS] },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'tsrun',
    mounts: [
      mount('/proc', 'proc', 'proc'),
      mount('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
      mount('/dev/pts', 'devpts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']),
      mount('/dev/shm', 'tmpfs', 'shm', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k']),
      mount('/dev/mqueue', 'mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
      mount('/sys', 'sysfs', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro']),
      mount('/sys/fs/cgroup', 'cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', 'relatime', 'ro']),
    ],
    linux: {
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
      maskedPaths: [...MASKED],
      readonlyPaths: [...READONLY],
    },
  }
}

/** As `spec --rootless` writes it. */
export function rootlessConfig(): Json {
  const config = specConfig()
  const mapping = [{ containerID: 0, hostID: 1000, size: 1 }]
  config['linux'] = {
    uidMappings: mapping,
    gidMappings: mapping,
    namespaces: ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'user'].map((type) => ({ type })),
    maskedPaths: [...MASKED],
    readonlyPaths: [...READONLY],
  }
  ;(config['mounts'] as Json[])[5] = {
    destination: '/sys',
    type: 'none',
    source: '/sys',
    options: ['rbind', 'nosuid', 'ro'],
  }
  return config
}

/** Shaped like docker's: hook, seccomp, sysctl, zero limits, network namespace by path. */
export function dockerConfig(): Json {
  const config = specConfig()
  config['process'] = {
    ...(config['process'] as Json),
    consoleSize: { height: 0, width: 0 },
    user: { uid: 0, gid: 0, additionalGids: [0, 10] },
    apparmorProfile: 'docker-default',
    oomScoreAdj: 0,
  }
  config['hooks'] = {
    prestart: [{ path: '/proc/1234/exe', args: ['libnetwork-setkey', '-exec-root=/var/run/docker', 'id', 'key'] }],
  }
  config['linux'] = {
    ...(config['linux'] as Json),
    sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' },
    cgroupsPath: '/docker/0123456789abcdef',
    namespaces: [
      { type: 'mount' },
      { type: 'network', path: '/proc/77/ns/net' },
      { type: 'uts' },
      { type: 'pid' },
      { type: 'ipc' },
      { type: 'cgroup' },
    ],
    devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
    resources: {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' },
        { allow: true, type: 'c', major: 10, minor: -1, access: 'm' },
      ],
      memory: { limit: 134217728, swap: 268435456, disableOOMKiller: false },
      cpu: { shares: 0, quota: 50000, period: 100000, cpus: '0-1', mems: '' },
      pids: { limit: 0 },
      blockIO: { weight: 0 },
    },
    seccomp: {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 1,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      syscalls: [
        { names: ['read', 'write', 'openat'], action: 'SCMP_ACT_ALLOW' },
        { names: ['personality'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 131072, op: 'SCMP_CMP_EQ' }] },
        {
          names: ['clone'],
          action: 'SCMP_ACT_ALLOW',
          args: [{ index: 0, value: 2114060288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
        },
        { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
      ],
    },
    rootfsPropagation: 'private',
    mountLabel: '',
  }
  return config
}

/** A pod's second container under containerd: every namespace that a pod shares comes by path, mappings beside it. */
export function podConfig(): Json {
  const config = specConfig()
  delete config['hostname']
  const mapping = [{ containerID: 0, hostID: 65536, size: 65536 }]
  const linux = config['linux'] as Json
  linux['uidMappings'] = mapping
  linux['gidMappings'] = mapping
  linux['namespaces'] = [
    { type: 'pid' },
    { type: 'mount' },
    { type: 'cgroup' },
    { type: 'ipc', path: '/proc/77/ns/ipc' },
    { type: 'uts', path: '/proc/77/ns/uts' },
    { type: 'network', path: '/proc/77/ns/net' },
    { type: 'user', path: '/proc/77/ns/user' },
  ]
  linux['cgroupsPath'] = 'kubepods-burstable.slice:cri-containerd:0123456789abcdef'
  ;(config['mounts'] as Json[]).push({
    destination: '/etc/hosts',
    type: 'bind',
    source: '/var/lib/kubelet/pods/1/etc-hosts',
    options: ['rbind', 'rprivate', 'rw', 'idmap'],
    uidMappings: mapping,
    gidMappings: mapping,
  })
  config['annotations'] = { 'io.kubernetes.cri.container-type': 'container', 'io.kubernetes.cri.sandbox-id': '1' }
  return config
}

const HOOK = { path: '/bin/true', args: ['true', 'x'], env: ['A=b'], timeout: 5 }
const MAPPINGS = [{ containerID: 0, hostID: 100000, size: 65536 }]
const THROTTLE = [{ major: 8, minor: 0, rate: 1048576 }]

/** Every field that Linux has. */
export function fullConfig(): Json {
  return {
    ociVersion: '1.3.0',
    process: {
      terminal: true,
      consoleSize: { height: 25, width: 80 },
      user: { uid: 1, gid: 1, umask: 18, additionalGids: [5, 6] },
      args: ['sh', '-c', 'true'],
      env: ['PATH=/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: {
        bounding: ['CAP_KILL', 'CAP_CHOWN'],
        effective: ['CAP_KILL'],
        inheritable: ['CAP_KILL'],
        permitted: ['CAP_KILL'],
        ambient: ['CAP_KILL'],
      },
      rlimits: [
        { type: 'RLIMIT_CORE', soft: 0, hard: 600 },
        { type: 'RLIMIT_NOFILE', soft: 1024, hard: 1024 },
      ],
      noNewPrivileges: true,
      apparmorProfile: 'acme',
      oomScoreAdj: 100,
      scheduler: {
        policy: 'SCHED_DEADLINE',
        nice: 19,
        priority: 0,
        flags: ['SCHED_FLAG_RESET_ON_FORK'],
        runtime: 42000,
        deadline: 1000000,
        period: 1000000,
      },
      selinuxLabel: 'system_u:system_r:svirt_lxc_net_t:s0:c124,c675',
      ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
      execCPUAffinity: { initial: '0-1', final: '0,1' },
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'box',
    domainname: 'example.test',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/data',
        type: 'none',
        source: '/srv',
        options: ['rbind', 'idmap'],
        uidMappings: MAPPINGS,
        gidMappings: MAPPINGS,
      },
    ],
    hooks: {
      prestart: [HOOK],
      createRuntime: [HOOK],
      createContainer: [HOOK],
      startContainer: [HOOK],
      poststart: [HOOK],
      poststop: [HOOK],
    },
    annotations: { 'com.example.key': 'value' },
    linux: {
      uidMappings: MAPPINGS,
      gidMappings: MAPPINGS,
      sysctl: {
        'net.core.somaxconn': '256',
        'kernel.shmmax': '1',
        'kernel.domainname': 'x',
        'fs.mqueue.msg_max': '10',
        'net/ipv4/ip_forward': '1',
      },
      resources: {
        devices: [{ allow: false }, { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }],
        memory: {
          limit: 536870912,
          reservation: 536870912,
          swap: 536870912,
          kernel: -1,
          kernelTCP: -1,
          swappiness: 0,
          disableOOMKiller: false,
          useHierarchy: false,
          checkBeforeUpdate: true,
        },
        cpu: {
          shares: 1024,
          quota: 1000000,
          burst: 1000000,
          period: 500000,
          realtimeRuntime: 950000,
          realtimePeriod: 1000000,
          cpus: '2-3,5',
          mems: '0-7',
          idle: 1,
        },
        pids: { limit: 32771 },
        blockIO: {
          weight: 10,
          leafWeight: 10,
          weightDevice: [
            { major: 8, minor: 0, weight: 500, leafWeight: 300 },
            { major: 8, minor: 16, weight: 500 },
          ],
          throttleReadBpsDevice: THROTTLE,
          throttleWriteBpsDevice: THROTTLE,
          throttleReadIOPSDevice: THROTTLE,
          throttleWriteIOPSDevice: THROTTLE,
        },
        hugepageLimits: [
          { pageSize: '2MB', limit: 9223372036854772000 },
          { pageSize: '64KB', limit: 1000000 },
        ],
        network: { classID: 1048577, priorities: [{ name: 'eth0', priority: 500 }] },
        rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, mlx4_0: { hcaObjects: 1000 } },
        unified: { 'memory.high': '1000', 'hugetlb.1GB.max': '0' },
      },
      cgroupsPath: '/myRuntime/myContainer',
      namespaces: ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'].map((type) => ({ type })),
      devices: [
        { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 },
        { path: '/dev/sda', type: 'b', major: 8, minor: 0, fileMode: 432 },
        { path: '/dev/pipe', type: 'p' },
      ],
      netDevices: { eth0: { name: 'container_eth0' }, ens4: {}, ens5: { name: 'net%d' } },
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
        flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC'],
        listenerPath: '/run/agent.sock',
        listenerMetadata: 'x',
        syscalls: [
          {
            names: ['getcwd', 'chmod'],
            action: 'SCMP_ACT_ERRNO',
            errnoRet: 1,
            args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }],
          },
          { names: ['mknod'], action: 'SCMP_ACT_NOTIFY' },
        ],
      },
      rootfsPropagation: 'slave',
      maskedPaths: ['/proc/kcore'],
      readonlyPaths: ['/proc/sys'],
      mountLabel: 'system_u:object_r:svirt_sandbox_file_t:s0:c715,c811',
      intelRdt: {
        closID: 'guaranteed',
        schemata: ['L3:0=7f0'],
        l3CacheSchema: 'L3:0=7f0;1=1f',
        memBwSchema: 'MB:0=20;1=70',
        enableMonitoring: true,
      },
      memoryPolicy: { mode: 'MPOL_INTERLEAVE', nodes: '2-3', flags: ['MPOL_F_STATIC_NODES'] },
      personality: { domain: 'LINUX32', flags: [] },
      timeOffsets: { monotonic: { secs: 172800, nanosecs: 0 }, boottime: { secs: -604800, nanosecs: 5 } },
    },
  }
}
