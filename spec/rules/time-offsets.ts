// SPDX-License-Identifier: Apache-2.0
import { findNamespace, isNewNamespace } from '../namespace.ts'
import { pointerTo } from '../pointer.ts'
import type { Rule } from '../rule.ts'

/**
 * Offsets can be set only in a time namespace that is new, for two clocks, with less than a second of nanoseconds.
 * Spec: config-linux.md#offset-for-time-namespace
 */
export const timeOffsets: Rule = {
  name: 'time-offsets',
  section: 'config-linux.md#offset-for-time-namespace',
  field: '/linux/timeOffsets',
  reads: '/linux/namespaces',
  check(spec, report) {
    const offsets = Object.entries(spec.linux?.timeOffsets ?? {})
    if (offsets.length > 0 && !isNewNamespace(findNamespace(spec, 'time'))) {
      report(
        '/linux/timeOffsets',
        'needs a new time namespace: add {"type": "time"}, without path, to linux.namespaces',
      )
    }
    for (const [clock, { nanosecs = 0 }] of offsets) {
      const at = pointerTo('/linux/timeOffsets', clock)
      if (clock !== 'monotonic' && clock !== 'boottime')
        report(at, 'is no clock with an offset: use "monotonic" or "boottime"')
      else if (nanosecs > 999999999) report(`${at}/nanosecs`, `${nanosecs} is a second or more: move the rest to secs`)
    }
  },
}
