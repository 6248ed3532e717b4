// SPDX-License-Identifier: Apache-2.0

import type { Rule } from '../rule.ts'
import type { Hook } from '../runtime/hooks.ts'

const STAGES: ReadonlySet<string> = new Set([
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
])

/**
 * The program of a hook is named by an absolute path.
 * Spec: config.md#posix-platform-hooks
 */
export const hooksPathAbsolute: Rule = {
  name: 'hooks-path-absolute',
  section: 'config.md#posix-platform-hooks',
  field: '/hooks',
  check(spec, report) {
    for (const [stage, list] of Object.entries(spec.hooks ?? {})) {
      if (!STAGES.has(stage)) continue
      ;(list as readonly Hook[] | undefined)?.forEach(({ path }, index) => {
        if (!path.startsWith('/')) {
          report(
            `/hooks/${stage}/${index}/path`,
            `${JSON.stringify(path)} is not absolute: write a path that starts with /`,
          )
        }
      })
    }
  },
}
