// SPDX-License-Identifier: Apache-2.0

/** Spec: config-solaris.md */
export interface Solaris {
  readonly milestone?: string | undefined
  readonly limitpriv?: string | undefined
  readonly maxShmMemory?: string | undefined
  readonly anet?: readonly SolarisAnet[] | undefined
  readonly cappedCPU?: SolarisCappedCPU | undefined
  readonly cappedMemory?: SolarisCappedMemory | undefined
}

export interface SolarisCappedCPU {
  readonly ncpus?: string | undefined
}

export interface SolarisCappedMemory {
  readonly physical?: string | undefined
  readonly swap?: string | undefined
}

export interface SolarisAnet {
  readonly linkname?: string | undefined
  readonly lowerLink?: string | undefined
  readonly allowedAddress?: string | undefined
  readonly configureAllowedAddress?: string | undefined
  readonly defrouter?: string | undefined
  readonly linkProtection?: string | undefined
  readonly macAddress?: string | undefined
}
