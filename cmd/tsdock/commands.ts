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
