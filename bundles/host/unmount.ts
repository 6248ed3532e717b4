// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { DockError, printable } from '../error.ts'
import { isMountPoint, parseMountTable } from '../volumes/mount-table.ts'

/** Takes a mount away, also from whoever still uses it; none is no failure. Errors: DockError. */
export async function unmount(path: string): Promise<void> {
  if (!isMountPoint(parseMountTable(await readFile('/proc/self/mountinfo', 'utf8')), path)) return
  const child = spawn('umount', ['--lazy', '--', path], { stdio: ['ignore', 'ignore', 'pipe'] })
  const said = text(child.stderr.pipe(new PassThrough()))
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new DockError(printable(await said).trim() || `umount ${path} failed`)
}
