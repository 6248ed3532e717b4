// SPDX-License-Identifier: Apache-2.0
// Good documents beside the configs of Linux containers: each has every field once.
import type { Json } from './configs.ts'

/** Every field that other platforms have, and what of Linux does not go with the fields of `fullConfig`. */
export function foreignConfig(): Json {
  return {
    ociVersion: '1.3.0',
    process: { cwd: '/', commandLine: 'sh', user: { username: 'x' } },
    root: { path: 'rootfs' },
    freebsd: {
      devices: [{ path: 'pf', mode: 448 }],
      jail: {
        parent: 'p',
        host: 'new',
        ip4: 'inherit',
        ip4Addr: ['10.0.0.1'],
        ip6: 'disable',
        ip6Addr: ['::1'],
        vnet: 'new',
        interface: 'em0',
        vnetInterfaces: ['e0b'],
        sysvmsg: 'new',
        sysvsem: 'new',
        sysvshm: 'new',
        enforceStatfs: 1,
        allow: {
          setHostname: true,
          rawSockets: true,
          chflags: true,
          mount: ['tmpfs'],
          quotas: true,
          socketAf: true,
          mlock: true,
          reservedPorts: true,
          suser: true,
        },
      },
    },
    solaris: {
      milestone: 'm',
      limitpriv: 'default',
      maxShmMemory: '512m',
      cappedCPU: { ncpus: '8' },
      cappedMemory: { physical: '512m', swap: '512m' },
      anet: [
        {
          linkname: 'net0',
          lowerLink: 'net2',
          allowedAddress: 'x',
          configureAllowedAddress: 'true',
          defrouter: 'y',
          linkProtection: 'z',
          macAddress: '02:42',
        },
      ],
    },
    windows: {
      layerFolders: ['C:\\layer'],
      devices: [{ id: '24E552D7', idType: 'class' }],
      resources: {
        memory: { limit: 2097152 },
        cpu: { count: 1, shares: 1, maximum: 5000 },
        storage: { iops: 50, bps: 1, sandboxSize: 1 },
      },
      network: {
        endpointList: ['e'],
        allowUnqualifiedDNSQuery: true,
        DNSSearchList: ['a.com'],
        networkSharedContainerName: 'c',
        networkNamespace: 'n',
      },
      credentialSpec: { any: 1 },
      servicing: true,
      ignoreFlushesDuringBoot: true,
      hyperv: { utilityVMPath: 'C:\\vm' },
    },
    vm: {
      hypervisor: { path: '/h', parameters: ['a'] },
      kernel: { path: '/k', parameters: ['b'], initrd: '/i' },
      image: { path: '/im', format: 'raw' },
      hwConfig: {
        deviceTree: '/d',
        vcpus: 1,
        memory: 4096,
        dtdevs: ['/x'],
        iomems: [
          { firstGFN: 1, firstMFN: 2, nrMFNs: 3 },
          { firstMFN: 2, nrMFNs: 3 },
        ],
        irqs: [11, 12],
      },
    },
    linux: { seccomp: { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 } },
    zos: { namespaces: [{ type: 'pid', path: '/p' }, { type: 'uts' }] },
  }
}

export function fullState(): Json {
  return { ociVersion: '1.3.0', id: 'c', status: 'running', pid: 4422, bundle: '/b', annotations: { k: 'v' } }
}

export function fullFeatures(): Json {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: '1.3.0',
    hooks: ['prestart'],
    mountOptions: ['bind'],
    annotations: { a: 'b' },
    potentiallyUnsafeConfigAnnotations: ['c.d.'],
    linux: {
      namespaces: ['pid', 'user'],
      capabilities: ['CAP_CHOWN'],
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: ['SCMP_ACT_ALLOW'],
        operators: ['SCMP_CMP_NE'],
        archs: ['SCMP_ARCH_X86'],
        knownFlags: ['SECCOMP_FILTER_FLAG_LOG'],
        supportedFlags: ['SECCOMP_FILTER_FLAG_LOG'],
      },
      apparmor: { enabled: true },
      selinux: { enabled: false },
      intelRdt: { enabled: true, schemata: true, monitoring: false },
      memoryPolicy: { modes: ['MPOL_DEFAULT'], flags: [] },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
  }
}
