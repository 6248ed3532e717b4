// SPDX-License-Identifier: Apache-2.0
// An ordinary user, made for a test and removed after it.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mark, nextNumber } from './work-dir.ts'
import { type Run, runProgram, tsdockPath } from './tsdock.ts'

const ID_FILES = ['/etc/subuid', '/etc/subgid']

export class PlainUser {
  readonly name = `${mark}u${nextNumber()}`
  readonly home = `/home/${this.name}`
  readonly uid: number

  /** alone: without subordinate ids. Errors: useradd failed. */
  constructor({ alone = false } = {}) {
    const made = runProgram('useradd', ['--create-home', '--shell', '/bin/sh', this.name])
    if (made.status !== 0) throw new Error(`useradd ${this.name}: ${made.stderr}`)
    this.uid = statSync(this.home).uid
    if (alone) for (const file of ID_FILES) this.#forgetIn(file)
  }

  #forgetIn(file: string): void {
    const lines = readFileSync(file, 'utf8').split('\n')
    writeFileSync(file, lines.filter((line) => !line.startsWith(`${this.name}:`)).join('\n'))
  }

  run(program: string, ...args: readonly string[]): Run {
    const env = { HOME: this.home, XDG_RUNTIME_DIR: '', TSDOCK_ROOT: '', SOURCE_DATE_EPOCH: '1700000000' }
    return runProgram('runuser', ['-u', this.name, '--', program, ...args], { cwd: this.home, env })
  }

  tsdock(...args: readonly string[]): Run {
    return this.run(tsdockPath, ...args)
  }

  /** Errors: the command failed. */
  must(...args: readonly string[]): Run {
    const result = this.tsdock(...args)
    if (result.status !== 0) throw new Error(`tsdock ${args.join(' ')}: status ${result.status}: ${result.stderr}`)
    return result
  }

  /** Gives what is at a path to the user. */
  own(path: string): void {
    spawnSync('chown', ['-R', `${this.name}:`, path])
  }

  /** Ids of the user's processes and of those in the user's namespaces that show as the user. */
  processes(): readonly number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((name) => statSync(`/proc/${name}`, { throwIfNoEntry: false })?.uid === this.uid)
      .map(Number)
  }

  /** The user was made by this test: all of the user's processes are this test's. */
  remove(): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    spawnSync('userdel', ['--force', '--remove', this.name])
    for (const directory of [this.home, `/tmp/tsdock-${this.uid}`]) rmSync(directory, { recursive: true, force: true })
  }
}

/** Why there can be no such user; undefined: there can. */
export function plainUserLacks(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, to make a user'
  const missing = ['useradd', 'userdel', 'runuser', 'newuidmap', 'newgidmap'].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  )
  if (missing.length > 0) return `no ${missing.join(', ')} on this host`
  return readFileSync('/proc/sys/user/max_user_namespaces', 'utf8').trim() === '0' ? 'no user namespaces' : undefined
}
