// SPDX-License-Identifier: Apache-2.0
import { pointerTo } from '../../spec/pointer.ts'
import type { Op } from '../plan/ops.ts'
import { type CompileContext, invalid, origin } from './context.ts'

/** Kernel parameters of the container's namespaces. Spec: config-linux.md#sysctl */
export function compileSysctl({ linux }: CompileContext): Op[] {
  const ops: Op[] = []
  for (const [key, value] of Object.entries(linux.sysctl ?? {})) {
    const pointer = pointerTo('/linux/sysctl', key)
    ops.push({ kind: 'sysctl', path: sysctlPath(key, pointer), value, ...origin(pointer) })
  }
  return ops
}

/**
 * The file of a parameter below /proc/sys. Both spellings of sysctl(8) count: the first separator of a name tells
 * which one it is, and the other character is part of a component (net.ipv4.conf.eth0/1.forwarding).
 * Errors: invalid-config for a name that climbs.
 */
function sysctlPath(key: string, pointer: string): string {
  const dotted = /[./]/.exec(key)?.[0] === '.'
  const parts = dotted ? key.split('.').map((part) => part.replaceAll('/', '.')) : key.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw invalid(pointer, undefined, `${JSON.stringify(key)} is no name of a kernel parameter`)
  }
  return parts.join('/')
}
