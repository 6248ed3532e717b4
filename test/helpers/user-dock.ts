// SPDX-License-Identifier: Apache-2.0
// tsdock as an ordinary user: a new one when the tests run as root, else whoever runs them.

import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Files, type Run, runProgram, tsdockPath, writeFiles } from './tsdock.ts'
import { mark, newDir } from './work-dir.ts'

const isRoot = process.getuid?.() === 0

/** What the machine lacks; undefined: nothing. */
export function userTestsNeed(): string | undefined {
  if (!existsSync('/bin/busybox')) return 'busybox is missing'
  const needed = isRoot ? ['newuidmap', 'setpriv', 'useradd', 'unshare'] : ['newuidmap']
  const missing = needed.find((name) => spawnSync('which', [name]).status !== 0)
  if (missing !== undefined) return `${missing} is missing`
  const setup = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : ['env']
  const [program = '', ...args] = [...setup, 'unshare', '-U', 'true']
  if (spawnSync(program, args).status !== 0) return 'users may make no namespaces'
  if (isRoot) return undefined
  const name = spawnSync('id', ['-un'], { encoding: 'utf8' }).stdout.trim()
  const known = readFileSync('/etc/subuid', 'utf8').split('\n')
  return known.some((line) => line.startsWith(`${name}:`)) ? undefined : `${name} has no subordinate ids`
}

/** What the machine lacks for networks of users' containers; undefined: nothing. */
export function userNetworksNeed(): string | undefined {
  if (!existsSync('/dev/net/tun')) return 'the kernel has no /dev/net/tun'
  const missing = ['pasta', 'curl', 'iptables'].find(
    (name) => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin; command -v ${name}`]).status !== 0,
  )
  if (missing !== undefined) return `${missing} is missing`
  return ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'].some((path) => existsSync(join(path, 'bridge')))
    ? undefined
    : 'the plugins of CNI are missing'
}

/** Command lines of a user's processes that belong to containers and networks. */
export function dockProcesses(uid: number): readonly string[] {
  const ours = /tsdock-rootless|tsdock-monitor|tsdock-net|pasta|slirp4netns/
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        return statSync(`/proc/${pid}`).uid === uid && ours.test(line) ? [line] : []
      } catch {
        return []
      }
    })
}

export interface UserOptions {
  /** Without subordinate ids. */
  readonly alone?: boolean
  /** Programs that the user does not have. */
  readonly without?: readonly string[]
}

/** What processes see of /dev/net/tun and of programs, in a mount namespace of the tests' own. */
function prologue(without: readonly string[]): string {
  const hide = without.map((path) => `mount --bind /dev/null ${path} && `).join('')
  return `mount -t tmpfs -o mode=755 tun /dev/net && mknod -m 666 /dev/net/tun c 10 200 && ${hide}exec "$@"`
}

export class UserDock {
  readonly name: string
  readonly uid: number
  /** What the user may write to. */
  readonly home = newDir('home')
  readonly storage = join(this.home, 'storage')
  readonly runtime = join(this.home, 'runtime')
  readonly #options: UserOptions

  constructor(options: UserOptions = {}) {
    this.#options = options
    this.name = isRoot ? `${mark}${options.alone === true ? 'a' : options.without === undefined ? '' : 'w'}` : ''
    chmodSync(this.home, 0o755)
    if (isRoot) {
      const made = runProgram('useradd', ['--no-create-home', '--home-dir', this.home, this.name])
      if (made.status !== 0) throw new Error(`useradd: ${made.stderr}`)
      // A range that nobody has: tests of several processes may run at once.
      const first = 300_000_000 + (process.pid % 4096) * 65536
      const ids = `${first}-${first + 65535}`
      if (options.alone === true) this.#dropIds()
      else if (!readFileSync('/etc/subuid', 'utf8').includes(`${this.name}:`))
        runProgram('usermod', ['--add-subuids', ids, '--add-subgids', ids, this.name])
    }
    this.uid = isRoot ? Number(runProgram('id', ['-u', this.name]).stdout) : (process.getuid?.() ?? 0)
    spawnSync('mkdir', ['-m', '700', this.runtime])
    for (const path of [this.home, this.runtime]) if (isRoot) chownSync(path, this.uid, this.uid)
  }

  #dropIds(): void {
    for (const path of ['/etc/subuid', '/etc/subgid']) spawnSync('sed', ['-i', `/^${this.name}:/d`, path])
  }

  run(...args: readonly string[]): Run {
    const env = {
      HOME: this.home,
      TSDOCK_ROOT: this.storage,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      ...(isRoot ? { XDG_RUNTIME_DIR: this.runtime } : {}),
    }
    if (!isRoot) return runProgram(tsdockPath, args, { env, cwd: this.home })
    const id = String(this.uid)
    const become = ['setpriv', '--reuid', id, '--regid', id, '--clear-groups', tsdockPath, ...args]
    const words = ['-m', 'sh', '-c', prologue(this.#options.without ?? []), 'sh', ...become]
    return runProgram('unshare', words, { env, cwd: this.home })
  }

  /** Errors: the command failed. */
  must(...args: readonly string[]): string {
    const { status, stdout, stderr } = this.run(...args)
    if (status !== 0) throw new Error(`tsdock ${args.join(' ')}: status ${status}: ${stderr}`)
    return stdout.trim()
  }

  /** A directory of the user's. */
  context(name: string, files: Files): string {
    const directory = writeFiles(join(this.home, name), files)
    copyFileSync('/bin/busybox', join(directory, 'busybox'))
    return directory
  }

  /** Where this user's namespaces are kept. */
  get namespaces(): string {
    const base = isRoot ? this.runtime : (process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${this.uid}`)
    const all = join(base, 'tsdock')
    const parent = existsSync(all) ? all : `/tmp/tsdock-${this.uid}`
    const found = readdirSync(parent).find((name) => existsSync(join(parent, name, 'holder')))
    return join(parent, found ?? '')
  }

  get holder(): number {
    return Number(readFileSync(join(this.namespaces, 'holder'), 'utf8').split(' ')[0])
  }

  /** Processes of a user that was made for the tests. */
  #killAll(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid !== this.uid) continue
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // It has just ended.
      }
    }
  }

  /** Command lines of processes that belong to this user's containers and networks. */
  processes(): readonly string[] {
    return dockProcesses(this.uid)
  }

  /** Ends the holder, and removes what there is. */
  async close(): Promise<void> {
    rmSync(join(this.namespaces, 'holder'), { force: true })
    for (let i = 0; i < 100 && this.processes().length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 20))
    rmSync(this.namespaces, { recursive: true, force: true })
    if (!isRoot) return
    if (this.processes().length > 0) this.#killAll()
    runProgram('userdel', [this.name])
  }
}
