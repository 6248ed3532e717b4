// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

const KNOWN: ReadonlySet<string> = new Set([
  ...['RLIMIT_AS', 'RLIMIT_CORE', 'RLIMIT_CPU', 'RLIMIT_DATA', 'RLIMIT_FSIZE', 'RLIMIT_LOCKS', 'RLIMIT_MEMLOCK'],
  ...['RLIMIT_MSGQUEUE', 'RLIMIT_NICE', 'RLIMIT_NOFILE', 'RLIMIT_NPROC', 'RLIMIT_RSS', 'RLIMIT_RTPRIO'],
  ...['RLIMIT_RTTIME', 'RLIMIT_SIGPENDING', 'RLIMIT_STACK'],
])

/**
 * A limit that the kernel does not have must be an error.
 * Spec: config.md#posix-process
 */
export const rlimitsKnown: Rule = {
  name: 'rlimits-known',
  section: 'config.md#posix-process',
  field: '/process/rlimits',
  process: true,
  check({ process }, report) {
    for (const [index, { type }] of (process?.rlimits ?? []).entries()) {
      if (!KNOWN.has(type))
        report(`/process/rlimits/${index}/type`, `${type} is unknown: give one of ${[...KNOWN].join(', ')}`)
    }
  },
}
