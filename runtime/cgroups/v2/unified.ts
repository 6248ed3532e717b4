// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../../spec/error.ts'
import { pointerLabel, pointerTo } from '../../../spec/pointer.ts'
import type { CgroupWrite } from '../cgroup-write.ts'

/**
 * Settings of v2 by file name, written as they stand, unknown ones too; one write for each line,
 * because files such as io.max take one device at a time. Spec: config-linux.md#unified
 */
export function compileUnified(unified: Readonly<Record<string, string>>): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  for (const [file, text] of Object.entries(unified)) {
    const pointer = pointerTo('/linux/resources/unified', file)
    const refuse = (what: string) => new TsrunError('invalid-config', `${pointerLabel(pointer)}: ${what}`, { pointer })
    if (file.includes('/') || file.includes('\0')) {
      throw refuse('must be a file name, without slashes')
    }
    const dot = file.indexOf('.')
    if (dot < 1) throw refuse('must have the form CONTROLLER.SETTING')
    const controller = file.slice(0, dot)
    const lines = text.split('\n').filter((line) => line !== '')
    for (const value of lines.length === 0 ? [''] : lines) {
      writes.push({ controller, file, value, pointer })
    }
  }
  return writes
}
