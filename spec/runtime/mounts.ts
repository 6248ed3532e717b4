// SPDX-License-Identifier: Apache-2.0
import type { LinuxIDMapping } from './namespaces.ts'

/** One entry of `mounts`. Spec: config.md#mounts */
export interface Mount {
  readonly destination: string
  readonly type?: string | undefined
  readonly source?: string | undefined
  readonly options?: readonly string[] | undefined
  readonly uidMappings?: readonly LinuxIDMapping[] | undefined
  readonly gidMappings?: readonly LinuxIDMapping[] | undefined
}
