// SPDX-License-Identifier: Apache-2.0
import type { Statement } from '../statement.ts'
import { type CommandLine, commandOf, type Placed, placeOf, refuseFlags } from './arguments.ts'

/** CMD command, or CMD ["program", "argument"]; an empty array takes that of the base image away. */
export interface CmdInstruction extends Placed {
  readonly kind: 'cmd'
  readonly command: CommandLine
}

export function parseCmd(statement: Statement): CmdInstruction {
  refuseFlags(statement)
  return { kind: 'cmd', ...placeOf(statement), command: commandOf(statement) }
}
