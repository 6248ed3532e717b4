// SPDX-License-Identifier: Apache-2.0
// Rules about config-linux.md: each alone, with the exact pointers it names.
import { test } from 'uvu'
import { type Changes, testRules } from './rule-harness.ts'

const namespaces = (...types: string[]): Changes => ({ '/linux/namespaces': types.map((type) => ({ type })) })
const joined = (type: string): Changes => ({ '/linux/namespaces': [{ type, path: `/proc/1/ns/${type}` }] })
const mapping = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size })
const policy = (mode: string, nodes: string, flags: string[] = []): Changes => ({
  '/linux/memoryPolicy': { mode, nodes, flags },
})

testRules({
  'namespaces-unique': {
    good: [namespaces()],
    bad: [[namespaces('pid', 'uts', 'pid', 'pid'), '/linux/namespaces/2/type', '/linux/namespaces/3/type']],
  },
  'namespaces-path-absolute': {
    good: [{ '/linux/namespaces/0/path': '' }, { '/linux/namespaces/0/path': '/proc/1/ns/pid' }],
    bad: [[{ '/linux/namespaces/1/path': 'ns/net' }, '/linux/namespaces/1/path']],
  },
  'id-mappings-need-userns': {
    good: [joined('user'), { ...namespaces(), '/linux/uidMappings': [], '/linux/gidMappings': undefined }],
    bad: [[namespaces('pid'), '/linux/uidMappings', '/linux/gidMappings']],
  },
  'userns-needs-id-mappings': {
    good: [{ ...joined('user'), '/linux/uidMappings': undefined }],
    bad: [
      [{ '/linux/uidMappings': undefined }, '/linux/uidMappings'],
      [{ '/linux/gidMappings': [] }, '/linux/gidMappings'],
    ],
  },
  'id-mappings-ranges': {
    good: [
      { '/linux/uidMappings': [mapping(0, 0, 4294967295)] },
      { '/linux/uidMappings': [mapping(0, 1000, 1), mapping(1, 100000, 65536)] },
    ],
    bad: [
      [{ '/linux/uidMappings/0/size': 0 }, '/linux/uidMappings/0/size'],
      [{ '/linux/gidMappings': [mapping(1, 0, 4294967295)] }, '/linux/gidMappings/0/containerID'],
      [{ '/linux/gidMappings': [mapping(0, 4294967290, 6)] }, '/linux/gidMappings/0/hostID'],
      [{ '/linux/uidMappings': [mapping(0, 0, 10), mapping(9, 10, 5)] }, '/linux/uidMappings/1/containerID'],
      [{ '/mounts/1/uidMappings': [mapping(0, 5, 10), mapping(10, 0, 6)] }, '/mounts/1/uidMappings/1/hostID'],
      [{ '/linux/uidMappings': Array.from({ length: 341 }, (_, id) => mapping(id, id, 1)) }, '/linux/uidMappings'],
    ],
  },
  'user-mapped': {
    good: [{ ...joined('user'), '/process/user/uid': 65536 }, { '/process': undefined }],
    bad: [
      [{ '/process/user/uid': 65536 }, '/process/user/uid'],
      [{ '/linux/gidMappings': [mapping(5, 5, 1)] }, '/process/user/gid', '/process/user/additionalGids/1'],
    ],
  },
  'time-offsets': {
    good: [{ '/linux/timeOffsets': {}, ...namespaces() }, { '/linux/timeOffsets/boottime/nanosecs': 999999999 }],
    bad: [
      [namespaces('pid'), '/linux/timeOffsets'],
      [joined('time'), '/linux/timeOffsets'],
      [{ '/linux/timeOffsets/realtime': { secs: 1 } }, '/linux/timeOffsets/realtime'],
      [{ '/linux/timeOffsets/boottime/nanosecs': 1000000000 }, '/linux/timeOffsets/boottime/nanosecs'],
    ],
  },
  'devices-path-absolute': {
    good: [{ '/linux/devices/0/path': '/srv/x' }],
    bad: [
      [{ '/linux/devices/0/path': 'dev/fuse' }, '/linux/devices/0/path'],
      [{ '/linux/devices/1/path': '/' }, '/linux/devices/1/path'],
    ],
  },
  'devices-numbers': {
    good: [{ '/linux/devices/0/major': 4095, '/linux/devices/0/minor': 1048575 }],
    bad: [
      [
        { '/linux/devices/0/major': undefined, '/linux/devices/0/minor': -1 },
        '/linux/devices/0/major',
        '/linux/devices/0/minor',
      ],
      [
        { '/linux/devices/1/major': 4096, '/linux/devices/1/minor': 1048576 },
        '/linux/devices/1/major',
        '/linux/devices/1/minor',
      ],
    ],
  },
  'devices-unique': {
    good: [{ '/linux/devices/1': { path: '/dev/fuse', type: 'c', major: 10, minor: 229 } }],
    bad: [[{ '/linux/devices/1/path': '/dev/fuse' }, '/linux/devices/1/path']],
  },
  'device-cgroup': {
    good: [
      { '/linux/resources/devices/1/type': 'a', '/linux/resources/devices/1/minor': -1 },
      { '/linux/resources/devices/1/access': '' },
      { '/linux/resources/devices/1/access': 'rwa' },
    ],
    bad: [
      [{ '/linux/resources/devices/1/type': 'p' }, '/linux/resources/devices/1/type'],
      [{ '/linux/resources/devices/1/access': 'rx' }, '/linux/resources/devices/1/access'],
      [{ '/linux/resources/devices/1/access': 'rw\n' }, '/linux/resources/devices/1/access'],
      [{ '/linux/resources/devices/1/major': -2 }, '/linux/resources/devices/1/major'],
    ],
  },
  'net-devices': {
    good: [
      { '/linux/netDevices': { 'a.1': { name: '%d' }, b: { name: 'x%d' }, c: { name: 'x%d' } } },
      joined('network'),
    ],
    bad: [
      [namespaces('pid'), '/linux/netDevices'],
      [{ '/linux/netDevices': { 'a/b': {} } }, '/linux/netDevices/a~1b'],
      [{ '/linux/netDevices/eth0/name': 'a name' }, '/linux/netDevices/eth0/name'],
      [{ '/linux/netDevices/eth0/name': 'sixteen-bytes-xx' }, '/linux/netDevices/eth0/name'],
      [{ '/linux/netDevices/eth0/name': 'a%sb' }, '/linux/netDevices/eth0/name'],
      [{ '/linux/netDevices': { a: { name: 'b' }, b: {} } }, '/linux/netDevices/b'],
    ],
  },
  'cgroups-path': {
    good: [
      { '/linux/cgroupsPath': 'system.slice:tsrun:c1' },
      { '/linux/cgroupsPath': '/a..b/c' },
      { '/linux/cgroupsPath': undefined },
    ],
    bad: [
      [{ '/linux/cgroupsPath': '/a/../b' }, '/linux/cgroupsPath'],
      [{ '/linux/cgroupsPath': '..' }, '/linux/cgroupsPath'],
      [{ '/linux/cgroupsPath': '/a\nb' }, '/linux/cgroupsPath'],
    ],
  },
  'memory-limits': {
    good: [
      { '/linux/resources/memory': { limit: 100, swap: -1 } },
      { '/linux/resources/memory': { limit: -1, swap: -1 } },
      { '/linux/resources/memory/swappiness': 100 },
    ],
    bad: [
      [{ '/linux/resources/memory/limit': -2 }, '/linux/resources/memory/limit'],
      [{ '/linux/resources/memory/swap': 1000 }, '/linux/resources/memory/swap'],
      [{ '/linux/resources/memory/limit': -1 }, '/linux/resources/memory/swap'],
      [{ '/linux/resources/memory/swappiness': 101 }, '/linux/resources/memory/swappiness'],
    ],
  },
  'device-cgroup-whole': {
    good: [{ '/linux/resources/devices/0': { allow: true, type: 'a', major: -1, access: 'mrw' } }],
    bad: [
      [
        { '/linux/resources/devices/0': { allow: true, major: 1, minor: 3, access: 'r' } },
        '/linux/resources/devices/0/access',
        '/linux/resources/devices/0/major',
        '/linux/resources/devices/0/minor',
      ],
    ],
  },
  'memory-kernel': {
    good: [{ '/linux/resources/memory/kernel': 0, '/linux/resources/memory/kernelTCP': 1 }],
    bad: [[{ '/linux/resources/memory/kernel': 1 }, '/linux/resources/memory/kernel']],
  },
  'cpu-burst': {
    good: [{ '/linux/resources/cpu/quota': -1 }, { '/linux/resources/cpu/quota': undefined }],
    bad: [[{ '/linux/resources/cpu/burst': 1000001 }, '/linux/resources/cpu/burst']],
  },
  'cpu-values': {
    good: [
      { '/linux/resources/cpu/cpus': '', '/linux/resources/cpu/idle': 0 },
      { '/linux/resources/cpu/mems': '0-7:1/2' },
    ],
    bad: [
      [{ '/linux/resources/cpu/cpus': '0-' }, '/linux/resources/cpu/cpus'],
      [{ '/linux/resources/cpu/mems': '7-0' }, '/linux/resources/cpu/mems'],
      [{ '/linux/resources/cpu/idle': 2 }, '/linux/resources/cpu/idle'],
    ],
  },
  'block-io-weights': {
    good: [{ '/linux/resources/blockIO/weight': 0 }, { '/linux/resources/blockIO/weight': 1000 }],
    bad: [
      [{ '/linux/resources/blockIO/weight': 9 }, '/linux/resources/blockIO/weight'],
      [
        { '/linux/resources/blockIO/weightDevice/0/leafWeight': 1001 },
        '/linux/resources/blockIO/weightDevice/0/leafWeight',
      ],
      [{ '/linux/resources/blockIO/weightDevice/1/weight': undefined }, '/linux/resources/blockIO/weightDevice/1'],
    ],
  },
  'block-io-devices': {
    bad: [
      [
        { '/linux/resources/blockIO/throttleReadIOPSDevice/0/minor': -1 },
        '/linux/resources/blockIO/throttleReadIOPSDevice/0/minor',
      ],
    ],
  },
  'hugepage-limits-unique': {
    bad: [[{ '/linux/resources/hugepageLimits/1/pageSize': '2MB' }, '/linux/resources/hugepageLimits/1/pageSize']],
  },
  'rdma-entries': { bad: [[{ '/linux/resources/rdma/mlx4_0': {} }, '/linux/resources/rdma/mlx4_0']] },
  'unified-names': {
    good: [{ '/linux/resources/unified': { 'cgroup.subtree_control': '', 'io.max': 'x' } }],
    bad: [
      [{ '/linux/resources/unified': { '../memory.high': '1' } }, '/linux/resources/unified/..~1memory.high'],
      [
        { '/linux/resources/unified': { memory: '1', '..': '1' } },
        '/linux/resources/unified/memory',
        '/linux/resources/unified/..',
      ],
    ],
  },
  'rootfs-namespace': {
    good: [{ ...namespaces(), '/linux/rootfsPropagation': '' }],
    bad: [[namespaces('pid'), '/linux/rootfsPropagation']],
  },
  'masked-paths-absolute': { bad: [[{ '/linux/maskedPaths': ['/a', 'proc/kcore'] }, '/linux/maskedPaths/1']] },
  'readonly-paths-absolute': { bad: [[{ '/linux/readonlyPaths': [''] }, '/linux/readonlyPaths/0']] },
  'intel-rdt': {
    good: [{ '/linux/intelRdt/closID': '/' }, { '/linux/intelRdt/closID': undefined }],
    bad: [
      [{ '/linux/intelRdt/closID': 'a/b' }, '/linux/intelRdt/closID'],
      [{ '/linux/intelRdt/closID': '..' }, '/linux/intelRdt/closID'],
      [{ '/linux/intelRdt/l3CacheSchema': 'L3:0=f\nL3:1=f' }, '/linux/intelRdt/l3CacheSchema'],
      [{ '/linux/intelRdt/schemata': ['a', 'b\nc'] }, '/linux/intelRdt/schemata/1'],
    ],
  },
  'memory-policy': {
    good: [
      policy('MPOL_DEFAULT', ''),
      policy('MPOL_PREFERRED', ''),
      policy('MPOL_BIND', '0', ['MPOL_F_NUMA_BALANCING']),
    ],
    bad: [
      [policy('MPOL_LOCAL', '0'), '/linux/memoryPolicy/nodes'],
      [policy('MPOL_DEFAULT', '', ['MPOL_F_STATIC_NODES']), '/linux/memoryPolicy/flags'],
      [policy('MPOL_BIND', ''), '/linux/memoryPolicy/nodes'],
      [policy('MPOL_BIND', '0-x'), '/linux/memoryPolicy/nodes'],
      [policy('MPOL_BIND', '0', ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES']), '/linux/memoryPolicy/flags'],
    ],
  },
  'personality-flags': { bad: [[{ '/linux/personality/flags': ['ADDR_NO_RANDOMIZE'] }, '/linux/personality/flags/0']] },
  'sysctl-namespaced': {
    good: [
      {
        '/linux/sysctl': {
          'net/ipv4/conf/eth0.1/forwarding': '1',
          'net.ipv4.conf.eth0/1.forwarding': '1',
          'user.max_user_namespaces': '5',
        },
      },
      { ...joined('network'), '/linux/sysctl': { 'net.core.somaxconn': '1' } },
    ],
    bad: [
      [{ '/linux/sysctl': { 'vm.swappiness': '1' } }, '/linux/sysctl/vm.swappiness'],
      [{ '/linux/sysctl': { 'kernel.core_pattern': '|/x' } }, '/linux/sysctl/kernel.core_pattern'],
      [{ '/linux/sysctl': { 'kernel.hostname': 'x' } }, '/linux/sysctl/kernel.hostname'],
      [{ '/linux/sysctl': { 'net/../kernel/core_pattern': 'x' } }, '/linux/sysctl/net~1..~1kernel~1core_pattern'],
      [{ '/linux/sysctl': { 'net...kernel.core_pattern': 'x' } }, '/linux/sysctl/net...kernel.core_pattern'],
      [{ '/linux/sysctl': { net: 'x', '': 'y' } }, '/linux/sysctl/net', '/linux/sysctl/'],
      [
        { '/linux/sysctl': { 'kernel.sem': '1', 'net.x': '1' }, ...namespaces('pid') },
        '/linux/sysctl/kernel.sem',
        '/linux/sysctl/net.x',
      ],
      [
        { '/linux/sysctl': { 'kernel.domainname': 'x', 'user.x': '1' }, ...namespaces('ipc') },
        '/linux/sysctl/kernel.domainname',
        '/linux/sysctl/user.x',
      ],
    ],
  },
  'seccomp-errno': {
    good: [{ '/linux/seccomp/syscalls/0': { names: ['a'], action: 'SCMP_ACT_TRACE', errnoRet: 65535 } }],
    bad: [
      [{ '/linux/seccomp/defaultErrnoRet': 1 }, '/linux/seccomp/defaultErrnoRet'],
      [{ '/linux/seccomp/syscalls/0/errnoRet': 4096 }, '/linux/seccomp/syscalls/0/errnoRet'],
      [{ '/linux/seccomp/syscalls/0/action': 'SCMP_ACT_ALLOW' }, '/linux/seccomp/syscalls/0/errnoRet'],
    ],
  },
  'seccomp-arguments': {
    good: [{ '/linux/seccomp/syscalls/0/args/0/index': 5 }],
    bad: [
      [{ '/linux/seccomp/syscalls/0/args/0/index': 6 }, '/linux/seccomp/syscalls/0/args/0/index'],
      [{ '/linux/seccomp/syscalls/1/names': ['a', ''] }, '/linux/seccomp/syscalls/1/names/1'],
    ],
  },
  'seccomp-notify': {
    bad: [
      [{ '/linux/seccomp/defaultAction': 'SCMP_ACT_NOTIFY' }, '/linux/seccomp/defaultAction'],
      [{ '/linux/seccomp/syscalls/1/names': ['mknod', 'write'] }, '/linux/seccomp/syscalls/1/names/1'],
    ],
  },
  'seccomp-listener': {
    good: [
      {
        '/linux/seccomp/syscalls/1': undefined,
        '/linux/seccomp/listenerPath': undefined,
        '/linux/seccomp/listenerMetadata': undefined,
      },
    ],
    bad: [
      [{ '/linux/seccomp/listenerPath': undefined }, '/linux/seccomp/listenerMetadata', '/linux/seccomp/listenerPath'],
      [
        { '/linux/seccomp/listenerPath': '', '/linux/seccomp/listenerMetadata': undefined },
        '/linux/seccomp/listenerPath',
      ],
    ],
  },
})

test.run()
