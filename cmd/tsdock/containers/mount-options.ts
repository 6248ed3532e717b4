// SPDX-License-Identifier: Apache-2.0
import type { MountRequest } from '../../../bundles/volumes/mount-request.ts'
import { parseMountFlag } from '../../../bundles/volumes/mount-flag.ts'
import { parseTmpfsFlag } from '../../../bundles/volumes/tmpfs-options.ts'
import { parseVolumeFlag } from '../../../bundles/volumes/volume-flag.ts'
import type { CommandInvocation } from '../command.ts'

/** -v, --mount and --tmpfs. Errors: DockError. */
export function mountRequests({ list }: CommandInvocation): readonly MountRequest[] {
  const here = process.cwd()
  return [
    ...list('volume').map((text) => parseVolumeFlag(text, here)),
    ...list('mount').map((text) => parseMountFlag(text, here)),
    ...list('tmpfs').map(parseTmpfsFlag),
  ]
}
