// SPDX-License-Identifier: Apache-2.0

/** One line of mountinfo. Spec: proc_pid_mountinfo(5) */
export interface MountLine {
  /** Of the mount within its file system. */
  readonly root: string
  readonly mountPoint: string
  readonly type: string
}

/** All mounts of /proc/PID/mountinfo, in its order. */
export function parseMountTable(text: string): readonly MountLine[] {
  const mounts: MountLine[] = []
  for (const line of text.split('\n')) {
    const words = line.split(' ')
    const dash = words.indexOf('-', 6)
    const [root, mountPoint, type] = [words[3], words[4], words[dash + 1]]
    if (dash < 0 || root === undefined || mountPoint === undefined || type === undefined) continue
    mounts.push({ root: unescapePath(root), mountPoint: unescapePath(mountPoint), type })
  }
  return mounts
}

/** Space, tab, newline and backslash are written as octal escapes. */
function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
