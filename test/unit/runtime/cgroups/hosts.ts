// SPDX-License-Identifier: Apache-2.0
import type { HostFacts } from '../../../../runtime/facts/request.ts'

type CgroupFacts = Pick<HostFacts, 'mountinfo' | 'cgroup' | 'uidMap' | 'cgroupControllers'>

/** A host with cgroup v1 and the unified hierarchy beside it. */
export const hybrid = {
  mountinfo: `21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
41 31 0:38 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
42 31 0:39 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
`,
  cgroup: `9:name=systemd:/user.slice
8:pids:/
7:freezer:/
6:blkio:/
5:devices:/
4:memory:/jobs/a
3:cpuset:/
2:cpu,cpuacct:/
0::/user.slice
`,
  uidMap: '         0          0 4294967295\n',
} satisfies CgroupFacts

/** A host with the unified hierarchy alone. */
export const unified = {
  mountinfo: `21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate
`,
  cgroup: '0::/user.slice/session-1.scope\n',
  uidMap: '         0          0 4294967295\n',
  cgroupControllers: 'cpuset cpu io memory hugetlb pids rdma\n',
} satisfies CgroupFacts

/** Facts about a host; what no cgroup depends on stays empty. */
export function factsOf(host: CgroupFacts): HostFacts {
  return {
    time: '2026-01-01T00:00:00.000000000Z',
    pid: 100,
    uid: 0,
    gid: 0,
    cwd: '/',
    umask: 0o22,
    kernel: '6.1.0',
    machine: 'x86_64',
    gidMap: host.uidMap,
    lsm: [],
    env: new Map(),
    ...host,
  }
}
