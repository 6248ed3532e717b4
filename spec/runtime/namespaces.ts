// SPDX-License-Identifier: Apache-2.0

export type LinuxNamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time'

/** A namespace to create, or to join when `path` is given. Spec: config-linux.md#namespaces */
export interface LinuxNamespace {
  readonly type: LinuxNamespaceType
  readonly path?: string | undefined
}

/** One line of a uid_map or gid_map. Spec: config-linux.md#user-namespace-mappings */
export interface LinuxIDMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

/** Spec: config-linux.md#offset-for-time-namespace */
export interface LinuxTimeOffset {
  readonly secs?: number | undefined
  readonly nanosecs?: number | undefined
}
