// SPDX-License-Identifier: Apache-2.0
import type { Statement } from '../statement.ts'
import { type Placed, placeOf, theText } from './arguments.ts'

/** MAINTAINER name: the author of the image. Deprecated; variables are not put in. */
export interface MaintainerInstruction extends Placed {
  readonly kind: 'maintainer'
  readonly author: string
}

export function parseMaintainer(statement: Statement): MaintainerInstruction {
  return { kind: 'maintainer', ...placeOf(statement), author: theText(statement) }
}
