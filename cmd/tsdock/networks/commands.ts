// SPDX-License-Identifier: Apache-2.0
// Commands on networks: what they are called and what they take.

import type { Command } from '../command.ts'

export const networkCommands: readonly Command[] = []
