// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, makeConfig } from './bundle.ts'
import { isRootless } from './host.ts'
import type { Report } from './report.ts'
import { forThisUser } from './rootless.ts'
import { callRuntime, type CallOptions, type Outcome, until } from './runtime.ts'
import { mark, newDir, nextNumber, stateRoot } from './work-dir.ts'

/** A container of the runtime under test, and its bundle. */
export interface Container {
  readonly id: string
  readonly bundle: string
  readonly pidFile: string
  /** Writes config.json again. */
  configure(config: Json): void
  create(flags?: readonly string[], options?: CallOptions): Outcome
  run(flags?: readonly string[], options?: CallOptions): Outcome
  /** Calls `VERB flags ID rest`. */
  call(verb: string, flags?: readonly string[], rest?: readonly string[], options?: CallOptions): Outcome
  start(): Outcome
  exec(command: readonly string[], flags?: readonly string[], options?: CallOptions): Outcome
  kill(signal?: string): Outcome
  delete(flags?: readonly string[]): Outcome
  /** Parsed output of `state`. */
  state(): Json
  status(): string
  /** Pid in the pid file of `create` or `run -d`. */
  pid(): number
  waitForStatus(status: string, timeoutMs?: number): Promise<void>
}

/** Throws with everything that is known when a call did not end with status 0. */
export function mustSucceed(outcome: Outcome): Outcome {
  if (outcome.status !== 0) {
    throw new Error(
      `status ${outcome.status ?? outcome.signal} of: ${outcome.command}\n${(outcome.stderr + outcome.stdout).slice(0, 600)}`,
    )
  }
  return outcome
}

/** A new id, marked as ours. */
export function newId(name = 'c'): string {
  return `${mark}-${nextNumber()}-${name}`
}

/** cgroupsPath of a cgroup of ours: at the top, for a user beside the cgroup that the tests run in. */
export function cgroupsPathOf(name: string): string {
  return isRootless ? name : `/${name}`
}

/** A container with its bundle directory on disk; nothing is created in the runtime yet. */
export function newContainer(patch: Json | ((id: string) => Json) = {}, id: string = newId()): Container {
  const bundle = newDir('bundle')
  const pidFile = join(newDir('pid'), 'pid')
  const configure = (config: Json): void => {
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config, null, 2))
  }
  const withCgroup = (change: Json): Json => {
    const config = makeConfig(change)
    const linux = config['linux'] as Json | undefined
    if (linux !== undefined && !('cgroupsPath' in linux)) {
      linux['cgroupsPath'] = cgroupsPathOf(id)
    }
    return forThisUser(config)
  }
  configure(withCgroup(typeof patch === 'function' ? patch(id) : patch))
  const call: Container['call'] = (verb, flags = [], rest = [], options = {}) =>
    callRuntime([verb, ...flags, id, ...rest], options)
  const state = (): Json => JSON.parse(mustSucceed(call('state')).stdout) as Json
  const container: Container = {
    id,
    bundle,
    pidFile,
    configure: (config) => configure(withCgroup(config)),
    create: (flags = [], options = {}) =>
      call('create', ['--bundle', bundle, '--pid-file', pidFile, ...flags], [], options),
    run: (flags = [], options = {}) => call('run', ['--bundle', bundle, '--pid-file', pidFile, ...flags], [], options),
    call,
    start: () => call('start'),
    exec: (command, flags = [], options = {}) => call('exec', flags, command, options),
    kill: (signal) => call('kill', [], signal === undefined ? [] : [signal]),
    delete: (flags = []) => call('delete', flags),
    state,
    status: () => String(state()['status']),
    pid: () => Number(readFileSync(pidFile, 'utf8')),
    waitForStatus: (status, timeoutMs) => until(`${id} is ${status}`, () => state()['status'] === status, timeoutMs),
  }
  return container
}

/** Gives a container to `use` and deletes it by force afterwards, whatever happened. */
export async function withContainer<T>(
  patch: Json | ((id: string) => Json),
  use: (container: Container) => T | Promise<T>,
): Promise<T> {
  const container = newContainer(patch)
  try {
    return await use(container)
  } finally {
    if (existsSync(join(stateRoot, container.id))) {
      container.delete(['--force'])
    }
  }
}

/** Gives a started container; its user process is up when the runtime says "running". */
export function withRunning<T>(
  patch: Json | ((id: string) => Json),
  use: (container: Container, output: Outcome) => T | Promise<T>,
): Promise<T> {
  return withContainer(patch, async (container) => {
    const output = mustSucceed(container.create())
    mustSucceed(container.start())
    await container.waitForStatus('running')
    return use(container, output)
  })
}

/** Runs a container in the foreground and gives what came out. */
export function runOnce(patch: Json | ((id: string) => Json) = {}, options: CallOptions = {}): Promise<Outcome> {
  return withContainer(patch, (container) => container.run([], options))
}

/** Runs `probe report` with this config and gives what it saw. */
export async function inspect(patch: Json | ((id: string) => Json) = {}, options: CallOptions = {}): Promise<Report> {
  const outcome = mustSucceed(await runOnce(patch, options))
  return JSON.parse(outcome.stdout) as Report
}

/** An empty directory for a bind mount source. */
export function newSource(files: Readonly<Record<string, string>> = {}): string {
  const dir = newDir('source')
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  return dir
}
