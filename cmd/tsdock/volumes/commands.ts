// SPDX-License-Identifier: Apache-2.0
// Commands on volumes, and on the files of containers: what they are called and what they take.

import type { Command } from '../command.ts'

export const volumeCommands: readonly Command[] = []
