// SPDX-License-Identifier: Apache-2.0
import type { Spec } from './runtime/config.ts'
import type { LinuxNamespace, LinuxNamespaceType } from './runtime/namespaces.ts'

/** The container's own namespace of a type, new or joined; undefined where it shares the host's. */
export function findNamespace(spec: Spec, type: LinuxNamespaceType): LinuxNamespace | undefined {
  for (const namespace of spec.linux?.namespaces ?? []) if (namespace.type === type) return namespace
  return undefined
}

/** Whether the namespace is made for this container. An empty path means that there is none, as peers read it. */
export function isNewNamespace(namespace: LinuxNamespace | undefined): boolean {
  return namespace !== undefined && (namespace.path ?? '') === ''
}
