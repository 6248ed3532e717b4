// SPDX-License-Identifier: Apache-2.0
// All commands of tsdock. Each is loaded when it is called.

import { bootCommands } from './boot/commands.ts'
import type { Command } from './command.ts'
import { containerCommands } from './containers/commands.ts'
import { imageCommands } from './image-commands.ts'
import { networkCommands } from './networks/commands.ts'
import { volumeCommands } from './volumes/commands.ts'

export const commands: readonly Command[] = [
  ...containerCommands,
  ...imageCommands,
  ...networkCommands,
  ...volumeCommands,
  ...bootCommands,
]

export interface CommandGroup {
  readonly title: string
  readonly commands: readonly Command[]
}

const SYSTEM = /^(system .*|container prune|image prune|info|version|completion|fsck|prune|builder prune|events)$/

/** As the help shows them. */
export const commandGroups: readonly CommandGroup[] = [
  {
    title: 'containers',
    own: [...containerCommands, ...volumeCommands.filter(({ name }) => !name.startsWith('volume'))],
  },
  { title: 'images', own: imageCommands },
  { title: 'volumes', own: volumeCommands.filter(({ name }) => name.startsWith('volume')) },
  { title: 'networks', own: networkCommands },
  { title: 'system', own: commands.filter(({ name }) => SYSTEM.test(name)) },
].map(({ title, own }) => ({
  title,
  commands: own.filter(({ name }) => title === 'system' || !SYSTEM.test(name)),
}))
