// SPDX-License-Identifier: Apache-2.0

/** Spec: config-vm.md */
export interface VM {
  readonly hypervisor?: VMHypervisor | undefined
  readonly kernel: VMKernel
  readonly image?: VMImage | undefined
  readonly hwConfig?: HWConfig | undefined
}

export interface VMHypervisor {
  readonly path: string
  readonly parameters?: readonly string[] | undefined
}

export interface VMKernel {
  readonly path: string
  readonly parameters?: readonly string[] | undefined
  readonly initrd?: string | undefined
}

export interface VMImage {
  readonly path: string
  readonly format: string
}

export interface HWConfig {
  readonly deviceTree?: string | undefined
  readonly vcpus?: number | undefined
  readonly memory?: number | undefined
  readonly dtdevs?: readonly string[] | undefined
  readonly iomems?: readonly IOMems[] | undefined
  readonly irqs?: readonly number[] | undefined
}

export interface IOMems {
  readonly firstGFN?: number | undefined
  readonly firstMFN: number
  readonly nrMFNs: number
}
