// SPDX-License-Identifier: Apache-2.0
// Commands for what happens when the machine is booted.

import type { Command } from '../command.ts'

const none = { min: 0, max: 0 }

export const bootCommands: readonly Command[] = [
  {
    name: 'system install',
    summary: 'Have systemd start containers at boot whose restart policy says so',
    usage: '',
    anywhere: true,
    positionals: none,
    flags: [],
    examples: ['tsdock system install'],
    load: async () => (await import('./boot.ts')).runInstall,
  },
  {
    name: 'system uninstall',
    summary: 'Have systemd start no containers at boot any more',
    usage: '',
    anywhere: true,
    positionals: none,
    flags: [],
    examples: ['tsdock system uninstall'],
    load: async () => (await import('./boot.ts')).runUninstall,
  },
  {
    name: 'system start-all',
    summary: 'Start the containers that are to run always, or unless they were stopped',
    usage: '',
    positionals: none,
    flags: [],
    examples: ['tsdock system start-all'],
    load: async () => (await import('./boot.ts')).runStartAll,
  },
]
