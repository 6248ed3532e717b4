// SPDX-License-Identifier: Apache-2.0
// What is mounted where in this process's mount namespace: proc_pid_mountinfo(5). Pure.

export interface MountedAt {
  readonly path: string
  readonly shared: boolean
  /** It gets what is mounted at its peers. */
  readonly slave: boolean
}

/** Blanks and the like stand as `\040` there. */
const plain = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

/** In the order in which they were mounted. */
export function parseMountTable(text: string): readonly MountedAt[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ')
    const path = fields[4]
    if (path === undefined) return []
    // Optional fields end with a dash.
    const tags = fields.slice(6, fields.indexOf('-', 6))
    return [
      {
        path: plain(path),
        shared: tags.some((tag) => tag.startsWith('shared:')),
        slave: tags.some((tag) => tag.startsWith('master:')),
      },
    ]
  })
}

export const isMountPoint = (table: readonly MountedAt[], path: string): boolean =>
  table.some((mount) => mount.path === path)

/** The mount that a path (without links in it) lies on. */
export function mountOf(table: readonly MountedAt[], path: string): MountedAt | undefined {
  const around = table.filter((one) => one.path === '/' || path === one.path || path.startsWith(`${one.path}/`))
  const longest = Math.max(...around.map((one) => one.path.length))
  return around.findLast((one) => one.path.length === longest)
}
