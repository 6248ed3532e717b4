// SPDX-License-Identifier: Apache-2.0
import type { CompileContext } from '../../../../runtime/compile/context.ts'
import { compileConsole } from '../../../../runtime/compile/console.ts'
import { compileDevices } from '../../../../runtime/compile/devices.ts'
import { compileFinal } from '../../../../runtime/compile/final.ts'
import { compileMounts } from '../../../../runtime/compile/mounts.ts'
import { compileRootfs } from '../../../../runtime/compile/rootfs.ts'
import { showOps } from '../../../helpers/compile-input.ts'
import { cgroupsOf } from './no-cgroups.ts'

/** All that is done about file systems and names, as lines. */
export function plan(context: CompileContext): {
  readonly prepare: readonly string[]
  /** In init, before the root is attached. */
  readonly late: readonly string[]
  readonly setup: readonly string[]
} {
  const mounts = [compileRootfs(context), compileMounts(context, cgroupsOf(context)), compileDevices(context)]
  const final = compileFinal(context)
  return {
    prepare: showOps([...mounts, final].flatMap(({ prepare }) => prepare)),
    late: showOps(mounts.flatMap(({ late = [] }) => late)),
    setup: showOps([...mounts.flatMap(({ setup }) => setup), ...compileConsole(context), ...final.setup]),
  }
}

/** The lines of a text that is indented for looks. */
export function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** A new mount at a place: `line`, then what is the same for all. */
export function mounted(line: string, path: string, tree = '#1'): string {
  return `${line}\nensure ${path} 0 0755 #2\nmove ${tree} #2\n`
}

export const links = `
  symlink /proc/self/fd /dev/fd
  symlink /proc/self/fd/0 /dev/stdin
  symlink /proc/self/fd/1 /dev/stdout
  symlink /proc/self/fd/2 /dev/stderr
  symlink /proc/kcore /dev/core
  symlink pts/ptmx /dev/ptmx
`
