// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../../spec/error.ts'
import { pointerLabel } from '../../../spec/pointer.ts'

/** The error for a field that cgroup v2 has nothing for. It is refused, never dropped in silence. */
export function onlyV1(pointer: string): TsrunError {
  return new TsrunError(
    'not-supported',
    `${pointerLabel(pointer)}: this host uses cgroup v2, which has no such setting`,
    { pointer },
  )
}
