// SPDX-License-Identifier: Apache-2.0
import type { Report, Rule } from '../rule.ts'
import type { LinuxIDMapping } from '../runtime/namespaces.ts'

/** Entries that /proc/PID/uid_map takes since Linux 4.15. */
const MOST_ENTRIES = 340
const IDS = 4294967295

function checkRanges(mappings: readonly LinuxIDMapping[], pointer: string, report: Report): void {
  if (mappings.length > MOST_ENTRIES) {
    report(pointer, `has ${mappings.length} entries: the kernel takes at most ${MOST_ENTRIES}`)
    return
  }
  for (const [index, mapping] of mappings.entries()) {
    const at = `${pointer}/${index}`
    if (mapping.size === 0) report(`${at}/size`, '0 maps nothing: give the number of ids to map')
    for (const side of ['containerID', 'hostID'] as const) {
      const start = mapping[side]
      if (start + mapping.size > IDS)
        report(`${at}/${side}`, `${start} and ${mapping.size} ids pass the last id, 4294967294: make the range smaller`)
      const other = mappings.findIndex(
        (before, place) => place < index && before[side] < start + mapping.size && start < before[side] + before.size,
      )
      if (other !== -1) report(`${at}/${side}`, `overlaps entry ${other} of the same list: make the ranges disjoint`)
    }
  }
}

/**
 * What the kernel asks of a uid_map: ranges that are not empty, end in time, do not overlap, and are not too many.
 * Spec: config-linux.md#user-namespace-mappings
 */
export const idMappingsRanges: Rule = {
  name: 'id-mappings-ranges',
  section: 'config-linux.md#user-namespace-mappings',
  check(spec, report) {
    for (const field of ['uidMappings', 'gidMappings'] as const) {
      checkRanges(spec.linux?.[field] ?? [], `/linux/${field}`, report)
      for (const [index, mount] of (spec.mounts ?? []).entries()) {
        checkRanges(mount[field] ?? [], `/mounts/${index}/${field}`, report)
      }
    }
  },
}
