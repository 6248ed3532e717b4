// SPDX-License-Identifier: Apache-2.0

/** Spec: config-zos.md */
export interface ZOS {
  readonly namespaces?: readonly ZOSNamespace[] | undefined
}

export type ZOSNamespaceType = 'pid' | 'mount' | 'ipc' | 'uts'

export interface ZOSNamespace {
  readonly type: ZOSNamespaceType
  readonly path?: string | undefined
}
