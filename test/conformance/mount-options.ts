// SPDX-License-Identifier: Apache-2.0

/** Mount options that runtimes of Linux MUST, SHOULD and MAY support. Spec: config.md#linux-mount-options */
export const MOUNT_OPTIONS: Readonly<Record<'MUST' | 'SHOULD' | 'MAY', readonly string[]>> = {
  MUST: words(`async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec
    noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave
    runbindable rw shared silent slave strictatime suid sync unbindable`),
  SHOULD: words(`nosymfollow ratime rdev rdiratime rexec rnoatime rnodiratime rnoexec rnorelatime rnostrictatime rnosuid
    rnosymfollow rrelatime rro rrw rstrictatime rsuid rsymfollow symfollow idmap ridmap`),
  MAY: words('mand nomand tmpcopyup'),
}

function words(text: string): readonly string[] {
  return text.split(/\s+/)
}
