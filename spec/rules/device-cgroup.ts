// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A rule is for all, character or block devices, and grants read, write and mknod.
 * Spec: config-linux.md#allowed-device-list
 */
export const deviceCgroup: Rule = {
  name: 'device-cgroup',
  section: 'config-linux.md#allowed-device-list',
  field: '/linux/resources/devices',
  check({ linux }, report) {
    for (const [index, device] of (linux?.resources?.devices ?? []).entries()) {
      const at = `/linux/resources/devices/${index}`
      const { type = '', access = '' } = device as { readonly type?: string; readonly access?: string }
      if (!['', 'a', 'b', 'c'].includes(type))
        report(`${at}/type`, `${JSON.stringify(type)} is no type of device: give a, b or c`)
      // "rwa" is about in configs; the a says nothing.
      if (!/^[rwma]*$/.test(access))
        report(`${at}/access`, `${JSON.stringify(access)} is no access: write letters of rwm`)
      for (const name of ['major', 'minor'] as const) {
        const value = device[name]
        if (value !== undefined && value < -1)
          report(`${at}/${name}`, `${value} is no device number: give one from 0, or -1 for all`)
      }
    }
  },
}
