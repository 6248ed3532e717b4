// SPDX-License-Identifier: Apache-2.0

export type LinuxDeviceType = 'b' | 'c' | 'u' | 'p'

/** A device node to provide. Spec: config-linux.md#devices */
export interface LinuxDevice {
  readonly path: string
  readonly type: LinuxDeviceType
  readonly major?: number | undefined
  readonly minor?: number | undefined
  readonly fileMode?: number | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/** A rule of the device cgroup. Spec: config-linux.md#allowed-device-list */
export interface LinuxDeviceCgroup {
  readonly allow: boolean
  readonly type?: 'a' | 'b' | 'c' | undefined
  readonly major?: number | undefined
  readonly minor?: number | undefined
  readonly access?: string | undefined
}

/** A host network device to move in, under `name` or its own name. Spec: config-linux.md#network-devices */
export interface LinuxNetDevice {
  readonly name?: string | undefined
}
