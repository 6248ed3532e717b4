// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

const KNOWN: ReadonlySet<string> = new Set(
  [
    'AS',
    'CORE',
    'CPU',
    'DATA',
    'FSIZE',
    'LOCKS',
    'MEMLOCK',
    'MSGQUEUE',
    'NICE',
    'NOFILE',
    'NPROC',
    'RSS',
    'RTPRIO',
    'RTTIME',
    'SIGPENDING',
    'STACK',
  ].map((name) => `RLIMIT_${name}`),
)

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
    process?.rlimits?.forEach(({ type }, index) => {
      if (!KNOWN.has(type))
        report(`/process/rlimits/${index}/type`, `${type} is unknown: give one of ${[...KNOWN].join(', ')}`)
    })
  },
}
