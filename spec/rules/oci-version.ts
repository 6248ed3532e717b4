// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

/**
 * The version must be a semantic version. All of 1.x is accepted: later minor versions only add fields.
 * Spec: config.md#specification-version
 */
export const ociVersion: Rule = {
  name: 'oci-version',
  section: 'config.md#specification-version',
  check(spec, report) {
    const match = SEMVER.exec(spec.ociVersion)
    if (match === null) {
      report('/ociVersion', `${JSON.stringify(spec.ociVersion)} is not a semantic version: write one like "1.3.0"`)
    } else if (match[1] !== '1') {
      report(
        '/ociVersion',
        `${JSON.stringify(spec.ociVersion)} is not supported: write a version from 1.0.0 up to, but not including, 2.0.0`,
      )
    }
  },
}
