// SPDX-License-Identifier: Apache-2.0
import { findNamespace } from '../namespace.ts'
import { pointerTo } from '../pointer.ts'
import type { Rule } from '../rule.ts'
import { utf8Length } from '../utf8-length.ts'

function isInterfaceName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && utf8Length(name) <= 15 && !/[\s/:]/.test(name)
}

/**
 * A network device moves to a network namespace of the container, under a name that the kernel takes and that is free.
 * Spec: config-linux.md#network-devices
 */
export const netDevices: Rule = {
  name: 'net-devices',
  section: 'config-linux.md#network-devices',
  field: '/linux/netDevices',
  reads: '/linux/namespaces',
  check(spec, report) {
    const devices = Object.entries(spec.linux?.netDevices ?? {})
    if (devices.length > 0 && findNamespace(spec, 'network') === undefined) {
      report('/linux/netDevices', 'needs a network namespace: add {"type": "network"} to linux.namespaces')
    }
    const taken = new Map<string, string>()
    for (const [host, { name = '' }] of devices) {
      const at = pointerTo('/linux/netDevices', host)
      if (!isInterfaceName(host))
        report(
          at,
          `${JSON.stringify(host)} is no name of a network device: write at most 15 bytes without space, "/" or ":"`,
        )
      // the kernel puts a number for a closing %d
      const plain = name.endsWith('%d') ? name.slice(0, -2) : name
      if (name !== '' && (!isInterfaceName(plain === '' ? 'x' : plain) || plain.includes('%'))) {
        report(
          `${at}/name`,
          `${JSON.stringify(name)} is no name of a network device: write at most 15 bytes without space, "/", ":" or "%", but for a closing "%d"`,
        )
      }
      const target = name === '' ? host : name
      const other = taken.get(target)
      if (other !== undefined && !target.endsWith('%d'))
        report(at, `gets the name of ${JSON.stringify(other)} in the container: choose another name`)
      taken.set(target, host)
    }
  },
}
