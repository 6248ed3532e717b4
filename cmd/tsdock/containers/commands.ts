// SPDX-License-Identifier: Apache-2.0
// Commands on containers: what they are called and what they take.

import type { Command } from '../command.ts'

export const containerCommands: readonly Command[] = []
