// SPDX-License-Identifier: Apache-2.0
// The default filter beside docker's own profile (test/data/README.md says where that is from).

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultCapabilities } from '../../../../bundles/containers/container-spec.ts'
import { defaultSeccomp, parseSeccompProfile } from '../../../../bundles/containers/seccomp.ts'
import { CAPABILITIES } from '../../../../spec/capability.ts'
import type { LinuxSeccomp } from '../../../../spec/runtime/seccomp.ts'
import { projectDir } from '../../../helpers/work-dir.ts'

/** What a filter says, whatever the order and the grouping: `name action arguments`. */
const said = ({ syscalls = [] }: LinuxSeccomp): readonly string[] =>
  [
    ...new Set(
      syscalls.flatMap(({ names: all, action, errnoRet = '', args = [] }) => {
        const conditions = args.map(({ index, value, valueTwo = 0, op }) => `${index} ${op} ${value} ${valueTwo}`)
        return all.map((name) => [name, action, errnoRet, ...conditions].join(' '))
      }),
    ),
  ].sort()

test("what docker's own profile says, with each capability and on each architecture", () => {
  const text = readFileSync(join(projectDir, 'test/data/seccomp-docker-profile.json'), 'utf8')
  const sets = [
    defaultCapabilities,
    [],
    CAPABILITIES,
    ...CAPABILITIES.map((one) => [...defaultCapabilities, one]),
    ...defaultCapabilities.map((one) => defaultCapabilities.filter((other) => other !== one)),
  ]
  for (const architecture of ['amd64', 'arm64', 'arm', 'ppc64le', 'riscv64', 's390x', 'loong64']) {
    for (const capabilities of sets) {
      const of = { architecture, capabilities, kernel: '6.18.0' }
      const which = `${architecture} ${capabilities.join(' ')}`
      assert.equal(said(defaultSeccomp(of)), said(parseSeccompProfile(text, 'docker', of)), which)
    }
  }
})

test.run()
