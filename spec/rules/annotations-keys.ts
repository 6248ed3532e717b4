// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * The key of an annotation must not be empty.
 * Spec: config.md#annotations
 */
export const annotationsKeys: Rule = {
  name: 'annotations-keys',
  section: 'config.md#annotations',
  field: '/annotations',
  check(spec, report) {
    if (spec.annotations !== undefined && Object.hasOwn(spec.annotations, '')) {
      report('/annotations/', 'has an empty key: name the annotation')
    }
  },
}
