// SPDX-License-Identifier: Apache-2.0
import { pointerTo } from '../pointer.ts'
import type { Report, Rule } from '../rule.ts'

/** Annotations are not here: they are handed on as JSON and never reach the kernel. */
const SECTIONS = ['process', 'root', 'hostname', 'domainname', 'mounts', 'hooks', 'linux'] as const

function walk(value: unknown, pointer: string, report: Report): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) report(pointer, 'has a NUL byte in it: remove it')
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => {
      walk(item, `${pointer}/${index}`, report)
    })
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const inner = pointerTo(pointer, key)
      if (key.includes('\0')) report(inner, 'has a NUL byte in its name: remove it')
      walk(item, inner, report)
    }
  }
}

/**
 * The kernel ends each string at a NUL byte, so a string with one in it means something else than it says.
 * Spec: config.md#valid-values
 */
export const noNul: Rule = {
  name: 'no-nul',
  section: 'config.md#valid-values',
  process: true,
  check(spec, report) {
    for (const section of SECTIONS) {
      // the search in the text is native and finds nothing in all configs but hostile ones
      if (JSON.stringify(spec[section])?.includes('\\u0000')) walk(spec[section], `/${section}`, report)
    }
  },
}
