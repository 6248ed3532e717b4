// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, join } from 'node:path'
import type { Case } from './case.ts'

/** What differs from call to call. */
export interface Places {
  readonly id: string
  readonly dir: string
  readonly root: string
  readonly rootfs: string
  readonly pid: number | undefined
}

/** The text with names for paths, ids, pids, times and versions. */
export function replacePlaces(text: string, { id, dir, root, rootfs, pid }: Places): string {
  const named = text
    .replaceAll(join(dirname(dir), `.${basename(dir)}`), '$DIRNAME/.$BASENAME')
    .replaceAll(dir, '$DIR')
    .replaceAll(rootfs, '$ROOTFS')
    .replaceAll(root, '$ROOT')
    .replaceAll(id, '$ID')
    .replace(/\/sys\/fs\/cgroup(\/[\w,]+)?\/\$ID/g, '$CGROUP')
    .replace(/(pid|write) \d+(?= to cgroups|: openat2)/g, '$1 $PID')
    .replace(/(^|msg="?|"msg":")\S*\b(?:runc|tsrun)(?=: \\?"| version )/gm, '$1RUNTIME')
    .replace(/^(RUNTIME version|commit:) \S+$/gm, '$1 ...')
  const timed = named
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)/g, '$TIME.N')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)/g, '$TIME')
  return pid === undefined ? timed : timed.replace(new RegExp(`\\b${pid}\\b`, 'g'), '$PID')
}

/** Names of members in their order, and the types of what is left below `depth`. */
function skeleton(value: unknown, depth: number): unknown {
  if (Array.isArray(value)) return depth === 0 ? 'array' : value.slice(0, 1).map((item) => skeleton(item, depth - 1))
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  if (depth === 0) return 'object'
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, skeleton(member, depth - 1)]))
}

/**
 * Help has the words of its program, so only which one it is counts. Tables are as wide as their cells. What remains is a
 * list of lines; the last one is empty when the text ends with a newline.
 */
export function reduceOutput(text: string, { keys, lines }: Pick<Case, 'keys' | 'lines'>): readonly string[] {
  const short = text
    .replace(/NAME:\n {3}\w+ (\w+) - [\s\S]*/, '(help of $1)\n')
    .replace(/NAME:\n {3}\w+ - [\s\S]*/, '(help)\n')
    .replace(/(?<=error: unknown gnu long option)[^"]*(?=")/, '...')
    .replace(/(?<=\S) {2,}(?=\S)/g, '   ')
    .replace(/^ +(?=PID |\$PID )/gm, '')
  if (keys !== undefined) {
    const indent = /\n([ \t]+)/.exec(short)?.[1] ?? ''
    return [
      ...JSON.stringify(skeleton(JSON.parse(short), keys), null, indent).split('\n'),
      ...(short.endsWith('\n') ? [''] : []),
    ]
  }
  const all = short.split('\n')
  return lines === undefined ? all : all.filter((line) => lines.test(line))
}
