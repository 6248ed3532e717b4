// SPDX-License-Identifier: Apache-2.0
import type { Statement } from '../statement.ts'
import { type CommandLine, commandOf, type Placed, placeOf, refuseFlags } from './arguments.ts'

/** ENTRYPOINT command, or ENTRYPOINT ["program", "argument"]; an empty array takes that of the base image away. */
export interface EntrypointInstruction extends Placed {
  readonly kind: 'entrypoint'
  readonly command: CommandLine
}

export function parseEntrypoint(statement: Statement): EntrypointInstruction {
  refuseFlags(statement)
  return { kind: 'entrypoint', ...placeOf(statement), command: commandOf(statement) }
}
