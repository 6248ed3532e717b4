// SPDX-License-Identifier: Apache-2.0
// What spec and features write.

import { needsCgroup1 } from '../../host.ts'
import type { Case } from '../case.ts'

/** With cgroup v2, a cgroup namespace is added. */
const needs = [needsCgroup1]

export const documents: readonly Case[] = [
  { line: 'spec', look: ['config.json'], needs, config: null },
  { line: 'spec --rootless', look: ['config.json'], needs, config: null },
  { line: 'spec --bundle $DIR', look: ['config.json'], needs, config: null },
  { line: 'spec --bundle $DIR/none', config: null, words: 'no such file or directory' },
  {
    line: 'spec',
    title: 'there is one',
    files: { 'config.json': 'mine' },
    look: ['config.json'],
    words: 'File config.json exists. Remove it first',
  },
  { line: 'spec -b $DIR', title: 'there is one', files: { 'config.json': 'mine' }, look: ['config.json'] },
  { line: 'features', keys: 3 },
]
