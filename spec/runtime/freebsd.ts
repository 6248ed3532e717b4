// SPDX-License-Identifier: Apache-2.0

/** Spec: config-freebsd.md */
export interface FreeBSD {
  readonly devices?: readonly FreeBSDDevice[] | undefined
  readonly jail?: FreeBSDJail | undefined
}

export interface FreeBSDDevice {
  readonly path: string
  readonly mode?: number | undefined
}

export type FreeBSDSharing = 'disable' | 'new' | 'inherit'

export interface FreeBSDJail {
  readonly parent?: string | undefined
  readonly host?: FreeBSDSharing | undefined
  readonly ip4?: FreeBSDSharing | undefined
  readonly ip4Addr?: readonly string[] | undefined
  readonly ip6?: FreeBSDSharing | undefined
  readonly ip6Addr?: readonly string[] | undefined
  readonly vnet?: FreeBSDSharing | undefined
  readonly interface?: string | undefined
  readonly vnetInterfaces?: readonly string[] | undefined
  readonly sysvmsg?: FreeBSDSharing | undefined
  readonly sysvsem?: FreeBSDSharing | undefined
  readonly sysvshm?: FreeBSDSharing | undefined
  readonly enforceStatfs?: number | undefined
  readonly allow?: FreeBSDJailAllow | undefined
}

export interface FreeBSDJailAllow {
  readonly setHostname?: boolean | undefined
  readonly rawSockets?: boolean | undefined
  readonly chflags?: boolean | undefined
  readonly mount?: readonly string[] | undefined
  readonly quotas?: boolean | undefined
  readonly socketAf?: boolean | undefined
  readonly mlock?: boolean | undefined
  readonly reservedPorts?: boolean | undefined
  readonly suser?: boolean | undefined
}
