// SPDX-License-Identifier: Apache-2.0
import { findNamespace } from '../namespace.ts'
import { pointerTo } from '../pointer.ts'
import type { Rule } from '../rule.ts'
import type { LinuxNamespaceType } from '../runtime/namespaces.ts'

/** Below kernel. */
const IPC: ReadonlySet<string> = new Set([
  ...['msgmax', 'msgmnb', 'msgmni', 'msg_next_id', 'sem', 'sem_next_id'],
  ...['shmall', 'shmmax', 'shmmni', 'shm_next_id', 'shm_rmid_forced'],
])

/**
 * The name with dots between its parts, as sysctl(8) reads both spellings: the first separator counts, and where it
 * is a slash, a dot is part of a name (net/ipv4/conf/eth0.1/forwarding). Undefined where a part is empty or climbs.
 */
function dotted(key: string): string | undefined {
  const separator = /[./]/.exec(key)?.[0]
  if (separator === undefined) return undefined
  const parts = key.split(separator)
  // with dots between parts, a slash stands for a dot inside one
  const names = separator === '.' ? parts.map((part) => part.replaceAll('/', '.')) : parts
  if (names.some((part) => part === '' || part === '.' || part === '..')) return undefined
  return names.join('.')
}

function namespaceOf(name: string): LinuxNamespaceType | undefined {
  const isIpc = name.startsWith('kernel.') && IPC.has(name.slice('kernel.'.length))
  if (isIpc || name.startsWith('fs.mqueue.')) return 'ipc'
  if (name.startsWith('net.')) return 'network'
  if (name === 'kernel.domainname') return 'uts'
  return name.startsWith('user.') ? 'user' : undefined
}

/**
 * Only what belongs to a namespace of the container may be set: anything else would be set for the host.
 * Spec: config-linux.md#sysctl
 */
export const sysctlNamespaced: Rule = {
  name: 'sysctl-namespaced',
  section: 'config-linux.md#sysctl',
  field: '/linux/sysctl',
  reads: '/linux/namespaces',
  check(spec, report) {
    for (const key of Object.keys(spec.linux?.sysctl ?? {})) {
      const name = dotted(key)
      const at = pointerTo('/linux/sysctl', key)
      if (name === undefined) {
        report(at, `${JSON.stringify(key)} is no name of a kernel parameter: write one like "net.ipv4.ip_forward"`)
      } else if (name === 'kernel.hostname') {
        report(at, 'is what the field hostname sets: use that')
      } else {
        const type = namespaceOf(name)
        if (type === undefined) report(at, 'belongs to no namespace, so it would change the host: remove it')
        else if (findNamespace(spec, type) === undefined) {
          report(at, `needs a namespace of its own: add {"type": "${type}"} to linux.namespaces, or remove it`)
        }
      }
    }
  },
}
