// SPDX-License-Identifier: Apache-2.0
import type { Verb } from './flags.ts'

/** What TypeScript asks the front to do for it. No help tells of them. */
export const helperVerbs: readonly Verb[] = [
  {
    name: 'marks',
    summary: 'print the cgroups that carry the mark of a container',
    usage: '',
    minimum: 0,
    maximum: 0,
    runs: 'c',
    hidden: true,
    description: ['State directory and cgroup of each, both ended by a NUL.'],
    flags: [],
  },
  {
    name: 'probe',
    summary: 'print which system calls and namespaces the kernel allows',
    usage: '[program...]',
    minimum: 0,
    maximum: Infinity,
    runs: 'c',
    hidden: true,
    description: [
      'Also which of the programs have file capabilities. A kind, a name and an errno (0 is none) on each line.',
    ],
    flags: [],
  },
  {
    name: 'hold',
    summary: 'hold the lock of a container until standard input ends',
    usage: '<container-id>',
    minimum: 1,
    maximum: 1,
    runs: 'c',
    hidden: true,
    description: ['Prints a line once it has it.'],
    flags: [],
  },
  {
    name: 'oom',
    summary: 'print a line each time that a cgroup runs out of memory',
    usage: '<directory>',
    minimum: 1,
    maximum: 1,
    runs: 'c',
    hidden: true,
    description: ['Until the cgroup is gone, or standard input ends.'],
    flags: [],
  },
]
