// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * Fields of a later minor version are unknown here, and unknown fields are ignored.
 * Spec: config.md#specification-version
 */
export const ociVersionNewer: Rule = {
  name: 'oci-version-newer',
  section: 'config.md#specification-version',
  check(spec, report) {
    const minor = /^1\.(\d+)\./.exec(spec.ociVersion)?.[1]
    if (minor !== undefined && Number(minor) > 3) {
      report('/ociVersion', `${JSON.stringify(spec.ociVersion)} is newer than 1.3, whatever it adds is ignored`)
    }
  },
}
