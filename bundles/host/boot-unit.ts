// SPDX-License-Identifier: Apache-2.0
// The unit of systemd that starts containers after a boot.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { DockError } from '../error.ts'

export const unitName = 'tsdock-restart.service'

export interface BootUnit {
  /** Of a user: it is started with that user's own service manager. */
  readonly isUsers: boolean
  readonly path: string
}

/** Errors: DockError, when systemd does not run here. */
export function bootUnit(env: NodeJS.ProcessEnv = process.env): BootUnit {
  // As sd_booted(3) finds out.
  if (!existsSync('/run/systemd/system')) {
    throw new DockError(
      'this machine was not booted with systemd: have "tsdock system start-all" run at boot by what starts its services',
    )
  }
  const isUsers = process.getuid?.() !== 0
  const config = env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config')
  return { isUsers, path: join(isUsers ? join(config, 'systemd/user') : '/etc/systemd/system', unitName) }
}

/** A word of ExecStart=, quoted. Errors: DockError, for a text that cannot stand in a unit. */
export function unitWord(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) throw new DockError(`${JSON.stringify(text)} cannot stand in a unit of systemd`)
  return `"${text
    .replace(/["\\]/g, '\\$&')
    .replaceAll('%', '%%')
    .replaceAll('$', () => '$$')}"`
}

/** The file: program and storage are absolute paths. */
export function unitText(program: string, storage: string, isUsers: boolean): string {
  // A service of a user has no say about the machine's network.
  const order = isUsers ? [] : ['Wants=network-online.target', 'After=network-online.target']
  return [
    '[Unit]',
    'Description=Start the containers of tsdock that run always',
    ...order,
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    // Each container has a monitor of its own, which is to outlive this unit.
    'KillMode=process',
    'TimeoutStartSec=infinity',
    `ExecStart=${[program, '--storage', storage, 'system', 'start-all'].map(unitWord).join(' ')}`,
    '',
    '[Install]',
    `WantedBy=${isUsers ? 'default.target' : 'multi-user.target'}`,
    '',
  ].join('\n')
}

/** Errors: DockError with what it says. */
function systemctl({ isUsers }: BootUnit, ...args: readonly string[]): void {
  const result = spawnSync('systemctl', [...(isUsers ? ['--user'] : []), ...args], { encoding: 'utf8' })
  if (result.error !== undefined) throw new DockError(`systemctl: ${result.error.message}`)
  if (result.status !== 0) {
    const said = result.stderr.trim().split('\n')[0] ?? ''
    throw new DockError(`systemctl ${args.join(' ')}: ${said === '' ? `status ${result.status}` : said}`)
  }
}

const read = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'ENOENT') return undefined
    throw e
  })

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, text, { mode: 0o644 })
  await rename(`${path}.new`, path)
}

/** Writes the unit, and has systemd start it at each boot. Errors: DockError; then all is as before. */
export async function installUnit(unit: BootUnit, text: string): Promise<void> {
  const before = await read(unit.path)
  const storageOf = (of: string | undefined): string | undefined =>
    /^ExecStart=.*"--storage" ("[^\n]*")/m.exec(of ?? '')?.[1]
  if (before !== undefined && storageOf(before) !== storageOf(text)) {
    throw new DockError(`${unit.path} is there for another storage: "tsdock system uninstall" removes it`)
  }
  await put(unit.path, text)
  try {
    systemctl(unit, 'daemon-reload')
    systemctl(unit, 'enable', unitName)
  } catch (e: unknown) {
    await (before === undefined ? rm(unit.path, { force: true }) : put(unit.path, before))
    throw e
  }
}

/** Errors: DockError, also when it is not installed. Containers that run go on running. */
export async function uninstallUnit(unit: BootUnit): Promise<void> {
  if ((await read(unit.path)) === undefined) throw new DockError(`${unit.path}: it is not installed`)
  systemctl(unit, 'disable', unitName)
  await rm(unit.path, { force: true })
  systemctl(unit, 'daemon-reload')
}
