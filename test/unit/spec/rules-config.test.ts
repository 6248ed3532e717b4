// SPDX-License-Identifier: Apache-2.0
// Rules about config.md: each alone, with the exact pointers it names.
import { test } from 'uvu'
import { testRules } from './rule-harness.ts'

const scheduler = (value: object) => ({ '/process/scheduler': value })

testRules({
  'oci-version': {
    good: [
      { '/ociVersion': '1.0.0' },
      { '/ociVersion': '1.0.2-dev' },
      { '/ociVersion': '1.3.0+dev' },
      { '/ociVersion': '1.9.0' },
    ],
    bad: [
      [{ '/ociVersion': '' }, '/ociVersion'],
      [{ '/ociVersion': '1.0' }, '/ociVersion'],
      [{ '/ociVersion': 'v1.0.0' }, '/ociVersion'],
      [{ '/ociVersion': '0.5.0-dev' }, '/ociVersion'],
      [{ '/ociVersion': '2.0.0' }, '/ociVersion'],
    ],
  },
  'platform-linux': {
    bad: [
      [{ '/freebsd': {} }, '/freebsd'],
      [{ '/zos': {}, '/solaris': {} }, '/solaris', '/zos'],
    ],
  },
  'no-nul': {
    good: [{ '/annotations/a': 'x\0' }],
    bad: [
      [{ '/process/args/1': 'a\0b' }, '/process/args/1'],
      [{ '/linux/sysctl': { 'net.x\0': '1' } }, '/linux/sysctl/net.x\0'],
      [{ '/hostname': '\0' }, '/hostname'],
    ],
  },
  'root-required': {
    bad: [
      [{ '/root': undefined }, '/root'],
      [{ '/root/path': '' }, '/root/path'],
    ],
  },
  'annotations-keys': { good: [{ '/annotations': {} }], bad: [[{ '/annotations': { '': 'x' } }, '/annotations/']] },
  'args-not-empty': {
    good: [{ '/process': undefined }, { '/process/args': ['a', ''] }],
    bad: [
      [{ '/process/args': undefined }, '/process/args'],
      [{ '/process/args': [] }, '/process/args'],
      [{ '/process/args': [''] }, '/process/args/0'],
    ],
  },
  'cwd-absolute': {
    bad: [
      [{ '/process/cwd': 'tmp' }, '/process/cwd'],
      [{ '/process/cwd': '' }, '/process/cwd'],
    ],
  },
  'env-entries': {
    good: [{ '/process/env': ['A=', 'B=c=d'] }],
    bad: [[{ '/process/env': ['A=b', 'C', '=d'] }, '/process/env/1', '/process/env/2']],
  },
  'console-size': {
    good: [{ '/process/consoleSize/width': 70000, '/process/terminal': false }],
    bad: [[{ '/process/consoleSize/width': 70000 }, '/process/consoleSize/width']],
  },
  'user-required': {
    good: [{ '/process': undefined }],
    bad: [
      [{ '/process/user': undefined }, '/process/user'],
      [{ '/process/user': {} }, '/process/user/uid'],
    ],
  },
  'user-group': { bad: [[{ '/process/user/gid': undefined }, '/process/user/gid']] },
  'user-ids': {
    good: [{ '/process/user/uid': 4294967294, '/process/user/umask': 511 }],
    bad: [
      [{ '/process/user/uid': 4294967295 }, '/process/user/uid'],
      [{ '/process/user/gid': 4294967295 }, '/process/user/gid'],
      [{ '/process/user/additionalGids/1': 4294967295 }, '/process/user/additionalGids/1'],
      [{ '/process/user/umask': 512 }, '/process/user/umask'],
    ],
  },
  'capabilities-effective': {
    good: [{ '/process/capabilities': undefined }, { '/process/capabilities/effective': ['CAP_NONSENSE'] }],
    bad: [[{ '/process/capabilities/effective': ['CAP_KILL', 'CAP_CHOWN'] }, '/process/capabilities/effective/1']],
  },
  'rlimits-known': {
    good: [{ '/process/rlimits/0/type': 'RLIMIT_MSGQUEUE' }],
    bad: [[{ '/process/rlimits/0/type': 'RLIMIT_NONSENSE' }, '/process/rlimits/0/type']],
  },
  'rlimits-unique': { bad: [[{ '/process/rlimits/1/type': 'RLIMIT_CORE' }, '/process/rlimits/1/type']] },
  'rlimits-order': {
    good: [{ '/process/rlimits/0/soft': 600 }, { '/process/rlimits/0/hard': 2 ** 64 }],
    bad: [[{ '/process/rlimits/0/soft': 601 }, '/process/rlimits/0/soft']],
  },
  'oom-score-adj': {
    good: [{ '/process/oomScoreAdj': -1000 }, { '/process/oomScoreAdj': 1000 }],
    bad: [
      [{ '/process/oomScoreAdj': -1001 }, '/process/oomScoreAdj'],
      [{ '/process/oomScoreAdj': 1001 }, '/process/oomScoreAdj'],
    ],
  },
  scheduler: {
    good: [
      scheduler({ policy: 'SCHED_FIFO', priority: 99 }),
      scheduler({ policy: 'SCHED_BATCH', nice: -20 }),
      scheduler({ policy: 'SCHED_DEADLINE', runtime: 1024, deadline: 1024 }),
    ],
    bad: [
      [scheduler({ policy: 'SCHED_OTHER', nice: 20 }), '/process/scheduler/nice'],
      [scheduler({ policy: 'SCHED_RR' }), '/process/scheduler/priority'],
      [scheduler({ policy: 'SCHED_FIFO', priority: 100 }), '/process/scheduler/priority'],
      [scheduler({ policy: 'SCHED_IDLE', priority: 1 }), '/process/scheduler/priority'],
      [scheduler({ policy: 'SCHED_BATCH', period: 1 }), '/process/scheduler/period'],
      [scheduler({ policy: 'SCHED_DEADLINE' }), '/process/scheduler/runtime'],
      [scheduler({ policy: 'SCHED_DEADLINE', runtime: 5000, deadline: 4000 }), '/process/scheduler'],
      [scheduler({ policy: 'SCHED_DEADLINE', runtime: 5000, deadline: 5000, period: 4000 }), '/process/scheduler'],
    ],
  },
  'io-priority': {
    good: [{ '/process/ioPriority/priority': 7 }],
    bad: [
      [{ '/process/ioPriority/priority': 8 }, '/process/ioPriority/priority'],
      [{ '/process/ioPriority/priority': -1 }, '/process/ioPriority/priority'],
    ],
  },
  'cpu-affinity': {
    good: [{ '/process/execCPUAffinity/final': '' }, { '/process/execCPUAffinity/final': '0-3, 7' }],
    bad: [
      [{ '/process/execCPUAffinity/initial': '3-1' }, '/process/execCPUAffinity/initial'],
      [{ '/process/execCPUAffinity/final': '1-' }, '/process/execCPUAffinity/final'],
    ],
  },
  'hostname-needs-uts': {
    good: [
      { '/hostname': '', '/linux/namespaces': [] },
      { '/linux/namespaces': [{ type: 'uts', path: '/proc/1/ns/uts' }] },
    ],
    bad: [
      [{ '/linux/namespaces': [] }, '/hostname'],
      [{ '/hostname': 'x'.repeat(65) }, '/hostname'],
    ],
  },
  'domainname-needs-uts': {
    good: [{ '/domainname': undefined, '/linux/namespaces': [] }],
    bad: [
      [{ '/linux/namespaces': undefined }, '/domainname'],
      [{ '/domainname': '\u00e4'.repeat(33) }, '/domainname'],
    ],
  },
  'mounts-destination': {
    good: [{ '/mounts/0/destination': 'proc' }],
    bad: [[{ '/mounts/1/destination': '' }, '/mounts/1/destination']],
  },
  'mounts-destination-relative': {
    good: [{ '/mounts/0/destination': '' }],
    bad: [[{ '/mounts/0/destination': 'proc' }, '/mounts/0/destination']],
  },
  'mounts-kind': {
    good: [
      { '/mounts/0': { destination: '/a', options: ['remount', 'ro'] } },
      { '/mounts/0': { destination: '/a', options: ['rslave'] } },
    ],
    bad: [
      [{ '/mounts/1/source': undefined }, '/mounts/1/source'],
      [{ '/mounts/0/type': undefined }, '/mounts/0/type'],
    ],
  },
  'mounts-id-mappings': {
    good: [{ '/mounts/1/uidMappings': undefined, '/mounts/1/gidMappings': undefined }],
    bad: [
      [{ '/mounts/1/uidMappings': undefined }, '/mounts/1/uidMappings'],
      [{ '/mounts/1/gidMappings': [] }, '/mounts/1/gidMappings'],
      [
        {
          '/mounts/1/uidMappings': undefined,
          '/mounts/1/gidMappings': undefined,
          '/linux/namespaces': [{ type: 'mount' }],
        },
        '/mounts/1/options/1',
      ],
    ],
  },
  'hooks-path-absolute': {
    good: [{ '/hooks/unknown': [{ path: 'x' }] }],
    bad: [
      [{ '/hooks/prestart/0/path': 'true' }, '/hooks/prestart/0/path'],
      [{ '/hooks/poststop/0/path': '' }, '/hooks/poststop/0/path'],
    ],
  },
  'capabilities-known': {
    bad: [[{ '/process/capabilities/bounding/1': 'CAP_NONSENSE' }, '/process/capabilities/bounding/1']],
  },
  'capabilities-ambient': {
    good: [
      { '/process/capabilities/ambient': undefined },
      { '/process/capabilities/ambient': ['CAP_NONSENSE'] },
      { '/process/capabilities/inheritable': undefined },
    ],
    bad: [
      [{ '/process/capabilities/inheritable': ['CAP_CHOWN'] }, '/process/capabilities/ambient'],
      [{ '/process/capabilities/permitted': [] }, '/process/capabilities/ambient'],
    ],
  },
  'oci-version-newer': { good: [{ '/ociVersion': '1.3.9' }], bad: [[{ '/ociVersion': '1.4.0' }, '/ociVersion']] },
  'fields-of-windows': {
    bad: [
      [{ '/process/commandLine': 'sh' }, '/process/commandLine'],
      [{ '/process/user/username': '' }, '/process/user/username'],
    ],
  },
  'console-size-unused': {
    good: [{ '/process/consoleSize': undefined, '/process/terminal': false }],
    bad: [[{ '/process/terminal': undefined }, '/process/consoleSize']],
  },
})

test.run()
