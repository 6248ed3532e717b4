// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Every object that this test process makes on the host (ids, cgroups, directories) carries this word. */
export const mark = `tsrt${process.pid}`

/** Private directory of this test process; removed at exit. Its name carries `mark`. */
export const workDir = mkdtempSync(join(tmpdir(), `${mark}-`))
chmodSync(workDir, 0o711) // a container's own root may have to pass here

/** The `--root` of all containers of this test process. */
export const stateRoot = join(workDir, 'state')
mkdirSync(stateRoot, { mode: 0o711 })
process.on('exit', () => {
  if (process.env['TSRUN_TEST_KEEP'] === undefined) {
    removeTree(workDir)
  }
})

/** Removes a tree. A user's containers leave files of the user's subordinate ids: only root of a namespace with those may. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (e: unknown) {
    const inside = ['--map-root-user', '--map-users=auto', '--map-groups=auto', 'rm', '-rf', path]
    if (process.getuid?.() === 0 || spawnSync('unshare', inside).status !== 0) throw e
  }
}

let counter = 0

/** A new number, for names that must differ. */
export function nextNumber(): number {
  counter += 1
  return counter
}

/** A new path in the work directory. */
export function newPath(name: string): string {
  return join(workDir, `${nextNumber()}-${name}`)
}

/** A new file in the work directory. */
export function newFile(text: string): string {
  const path = newPath('file')
  writeFileSync(path, text)
  return path
}

/** A new empty directory in the work directory. */
export function newDir(name: string): string {
  const path = newPath(name)
  mkdirSync(path, { recursive: true })
  return path
}

/** Top of the project. */
export const projectDir: string = resolve(import.meta.dirname, '../..')
