// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * The kernel takes scores from -1000 to 1000.
 * Spec: config.md#linux-process
 */
export const oomScoreAdj: Rule = {
  name: 'oom-score-adj',
  section: 'config.md#linux-process',
  field: '/process/oomScoreAdj',
  process: true,
  check({ process }, report) {
    const score = process?.oomScoreAdj
    if (score !== undefined && (score < -1000 || score > 1000)) {
      report('/process/oomScoreAdj', `${score} is out of range: give a score from -1000 to 1000`)
    }
  },
}
