// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import type { Json } from './bundle.ts'
import { type Container, newContainer } from './container.ts'
import { isRootless } from './host.ts'
import type { CallOptions } from './runtime.ts'
import { mark } from './work-dir.ts'

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
