// SPDX-License-Identifier: Apache-2.0

/** Spec: config-windows.md */
export interface Windows {
  readonly layerFolders: readonly string[]
  readonly devices?: readonly WindowsDevice[] | undefined
  readonly resources?: WindowsResources | undefined
  readonly credentialSpec?: unknown
  readonly servicing?: boolean | undefined
  readonly ignoreFlushesDuringBoot?: boolean | undefined
  readonly hyperv?: WindowsHyperV | undefined
  readonly network?: WindowsNetwork | undefined
}

export interface WindowsDevice {
  readonly id: string
  readonly idType: string
}

export interface WindowsResources {
  readonly memory?: WindowsMemoryResources | undefined
  readonly cpu?: WindowsCPUResources | undefined
  readonly storage?: WindowsStorageResources | undefined
}

export interface WindowsMemoryResources {
  readonly limit?: number | undefined
}

export interface WindowsCPUResources {
  readonly count?: number | undefined
  readonly shares?: number | undefined
  readonly maximum?: number | undefined
  readonly affinity?: readonly WindowsCPUGroupAffinity[] | undefined
}

export interface WindowsCPUGroupAffinity {
  readonly mask?: number | undefined
  readonly group?: number | undefined
}

export interface WindowsStorageResources {
  readonly iops?: number | undefined
  readonly bps?: number | undefined
  readonly sandboxSize?: number | undefined
}

export interface WindowsNetwork {
  readonly endpointList?: readonly string[] | undefined
  readonly allowUnqualifiedDNSQuery?: boolean | undefined
  readonly DNSSearchList?: readonly string[] | undefined
  readonly networkSharedContainerName?: string | undefined
  readonly networkNamespace?: string | undefined
}

export interface WindowsHyperV {
  readonly utilityVMPath?: string | undefined
}
