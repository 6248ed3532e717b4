// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, withArgs } from './bundle.ts'
import { type Container, mustSucceed, newContainer } from './container.ts'
import { isRootless, type Need, needsSystemd, readCgroupDir } from './host.ts'
import type { PlainUser } from './rootless.ts'
import { type CallOptions, isTsrun, until } from './runtime.ts'
import { type HostTest, hostSuite } from './suite.ts'
import { mark, stateRoot } from './work-dir.ts'

/** The service manager that makes the units of the tests. */
const manager = isRootless ? '--user' : '--system'

/** Its slice for what names none. */
export const usualSlice: string = isRootless ? 'user.slice' : 'system.slice'

/** Calls systemctl; what it prints. */
export function systemctl(...args: readonly string[]): string {
  const result = spawnSync('systemctl', [manager, ...args], { encoding: 'utf8' })
  return `${result.stdout}${result.stderr}`.trim()
}

/** Values of properties of a unit, one for each name. */
export function unitValues(unit: string, ...names: readonly string[]): readonly string[] {
  const text = systemctl('show', unit, ...names.flatMap((name) => ['-p', name]))
  const values = new Map(
    text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  return names.map((name) => values.get(name) ?? '')
}

/** A user of the host that has a service manager of its own, for tests that are root. */
export function userWithManager(): PlainUser | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name = '', , uid, gid] = line.split(':')
    if (Number(uid) >= 1000 && existsSync(`/run/user/${uid}/bus`)) return { name, uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}

/** State of a unit: inactive when there is none. */
export function unitState(unit: string): string {
  return unitValues(unit, 'ActiveState')[0] ?? ''
}

/** Units that tests of this process have left behind. */
export function markedUnits(): readonly string[] {
  return systemctl('list-units', '--all', '--plain', '--no-legend', `*${mark}*`)
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((unit) => unit !== '')
}

/** A container in the unit `test-ID.scope`, whose verbs are called with --systemd-cgroup. */
export interface SystemdContainer extends Container {
  readonly unit: string
}

const globals = ['--systemd-cgroup']

function withFlag(options: CallOptions = {}): CallOptions {
  return { ...options, globals: [...globals, ...(options.globals ?? [])] }
}

/** `cgroupsPath` of the patch wins; its unit has to be named then. */
export function newSystemdContainer(patch: Json = {}, unit?: string): SystemdContainer {
  const container = newContainer((id) => {
    const linux = (patch['linux'] ?? {}) as Json
    return { ...patch, linux: { cgroupsPath: `${usualSlice}:test:${id}`, ...linux } }
  })
  const { id, bundle, pidFile } = container
  const call: Container['call'] = (verb, flags, rest, options) => container.call(verb, flags, rest, withFlag(options))
  const files = ['--bundle', bundle, '--pid-file', pidFile]
  return {
    ...container,
    unit: unit ?? `test-${id}.scope`,
    call,
    create: (flags = [], options) => call('create', [...files, ...flags], [], options),
    run: (flags = [], options) => call('run', [...files, ...flags], [], options),
    start: () => call('start'),
    exec: (command, flags, options) => call('exec', flags, command, options),
    kill: (signal) => call('kill', [], signal === undefined ? [] : [signal]),
    delete: (flags) => call('delete', flags),
  }
}

/** The same for `use`, and deletes it by force afterwards, whatever happened. */
export async function withUnit<T>(
  patch: Json,
  use: (container: SystemdContainer) => T | Promise<T>,
  unit?: string,
): Promise<T> {
  const container = newSystemdContainer(patch, unit)
  try {
    return await use(container)
  } finally {
    if (existsSync(join(stateRoot, container.id))) mustSucceed(container.delete(['--force']))
  }
}

/** The same, started. */
export function withRunningUnit<T>(
  patch: Json,
  use: (c: SystemdContainer) => T | Promise<T>,
  unit?: string,
): Promise<T> {
  return withUnit(
    patch,
    async (container) => {
      mustSucceed(container.create())
      mustSucceed(container.start())
      await container.waitForStatus('running')
      return use(container)
    },
    unit,
  )
}

/** A config that does nothing for long. */
export const sleeper = (patch: Json = {}): Json => withArgs(['sleep', '1000'], patch)
export const limited = (resources: Json): Json => sleeper({ linux: { resources } })

/** Its cgroup in the unified hierarchy. */
export const dirOf = (container: SystemdContainer): string => readCgroupDir(container.pid(), '') ?? ''
/** A file of it. */
export const file = (container: SystemdContainer, name: string): string =>
  readFileSync(join(dirOf(container), name), 'utf8').trim()

/** A promise of tsrun that others do not make. */
export const needsTsrun: Need = () => (isTsrun ? undefined : 'this is a promise of tsrun alone')

/** A suite whose tests need systemd, and leave no unit. */
export function systemdSuite(name: string): ReturnType<typeof hostSuite> {
  const { test, run } = hostSuite(name)
  const checked: HostTest = (title, body, options = {}) =>
    test(
      title,
      async () => {
        await body()
        await until('no unit is left', () => markedUnits().length === 0)
      },
      { ...options, needs: [needsSystemd, ...(options.needs ?? [])] },
    )
  return { test: checked, run }
}
