// SPDX-License-Identifier: Apache-2.0
// Containers as directories: `containers/<id>` with all that is theirs, `names/<name>` as a link to the id.

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DockError } from '../error.ts'
import { remove } from '../host/files.ts'
import { lock } from '../host/lock.ts'
import { type ContainerRecord, type ContainerState, neverStarted } from './record.ts'

const idPattern = /^[a-f0-9]{64}$/
/** What names are made of. */
export const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

export interface Container {
  readonly record: ContainerRecord
  readonly state: ContainerState
  /** It is frozen. */
  readonly paused: boolean
}

const codeOf = (e: unknown): string | undefined => (e as NodeJS.ErrnoException).code

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (e: unknown) {
    if (codeOf(e) === 'ENOENT' || codeOf(e) === 'ENOTDIR') return undefined
    if (e instanceof SyntaxError) throw new DockError(`${path}: it is damaged: ${e.message}`)
    throw e
  }
}

/** Replaces a file at once: whoever reads sees the old or the new one. */
async function replaceJson(path: string, value: unknown): Promise<void> {
  const scratch = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(scratch, `${JSON.stringify(value)}\n`, { mode: 0o600 })
    await rename(scratch, path)
  } catch (e: unknown) {
    await rm(scratch, { force: true })
    throw e
  }
}

/** Start time of a process in ticks since boot (proc_pid_stat(5), field 22); undefined: there is none. */
export async function processStart(pid: number): Promise<number | undefined> {
  if (pid <= 0) return undefined
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // A zombie runs no more.
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19])
}

const isAlive = async (pid: number, start: number): Promise<boolean> => pid > 0 && (await processStart(pid)) === start

/** Whether what a file says of a container can be so. */
async function isTrue({ status, pid, pidStart, monitorPid, monitorStart }: ContainerState): Promise<boolean> {
  if (status !== 'running' && status !== 'restarting') return true
  if (status === 'running' && (await isAlive(pid, pidStart))) return true
  // Its monitor is about to say how it ended.
  return isAlive(monitorPid, monitorStart)
}

export class ContainerStore {
  readonly directory: string
  readonly #names: string

  constructor(storage: string) {
    this.directory = join(storage, 'containers')
    this.#names = join(storage, 'names')
  }

  path(id: string, ...parts: readonly string[]): string {
    if (!idPattern.test(id)) throw new DockError(`the container id ${JSON.stringify(id)}`)
    return join(this.directory, id, ...parts)
  }

  /** An id that nobody has, with its directory. */
  async open(): Promise<string> {
    await Promise.all([
      mkdir(this.directory, { recursive: true, mode: 0o711 }),
      mkdir(this.#names, { recursive: true, mode: 0o700 }),
    ])
    const id = randomBytes(32).toString('hex')
    await mkdir(this.path(id), { mode: 0o711 })
    return id
  }

  /** Errors: another container has the name. */
  async takeName(name: string, id: string): Promise<void> {
    if (!namePattern.test(name)) {
      throw new DockError(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`, {
        exitCode: 125,
      })
    }
    const path = join(this.#names, name)
    for (;;) {
      try {
        return await symlink(id, path)
      } catch (e: unknown) {
        if (codeOf(e) !== 'EEXIST') throw e
        const holder = await readlink(path)
        // A container that was cut off while it was removed has a name no more.
        if (!(await this.#hasDirectory(holder))) {
          await rm(path, { force: true })
          continue
        }
        throw new DockError(
          `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
          { exitCode: 125 },
        )
      }
    }
  }

  /** Without a record in it, it is one that somebody is about to make. */
  async #hasDirectory(id: string): Promise<boolean> {
    if (!idPattern.test(id)) return false
    return readdir(this.path(id)).then(
      () => true,
      () => false,
    )
  }

  async giveName(name: string): Promise<void> {
    await rm(join(this.#names, name), { force: true })
  }

  async write(record: ContainerRecord): Promise<void> {
    await replaceJson(this.path(record.id, 'container.json'), record)
  }

  async writeState(id: string, state: ContainerState): Promise<void> {
    await replaceJson(this.path(id, 'state.json'), state)
  }

  /** Notes that a running container is frozen, or is so no more. */
  async setPaused(id: string, paused: boolean): Promise<void> {
    const path = this.path(id, 'paused.json')
    await (paused ? replaceJson(path, {}) : rm(path, { force: true }))
  }

  /** Notes that its user does not want it to run, until it is started the next time. */
  async setStopped(id: string, stopped: boolean): Promise<void> {
    const path = this.path(id, 'stopped.json')
    await (stopped ? replaceJson(path, {}) : rm(path, { force: true }))
  }

  /** Its user has stopped it. */
  async wasStopped(id: string): Promise<boolean> {
    return (await readJson<object>(this.path(id, 'stopped.json'))) !== undefined
  }

  /** Undefined: there is none, or none that is whole. */
  async read(id: string): Promise<Container | undefined> {
    if (!idPattern.test(id)) return undefined
    const record = await readJson<ContainerRecord>(this.path(id, 'container.json'))
    if (record === undefined) return undefined
    const state = await this.#state(id)
    // The files of one that is being removed go one after the other, its record first: without its state it seems to be new.
    if (state === undefined && (await readJson<object>(this.path(id, 'container.json'))) === undefined) return undefined
    const paused = state?.status === 'running' && (await readJson<object>(this.path(id, 'paused.json'))) !== undefined
    return { record, state: state ?? neverStarted, paused }
  }

  /** A file may say `running` when nobody is left to write another one: the processes decide. */
  async #state(id: string): Promise<ContainerState | undefined> {
    const read = (): Promise<ContainerState | undefined> => readJson<ContainerState>(this.path(id, 'state.json'))
    let state = await read()
    for (;;) {
      if (state === undefined || (await isTrue(state))) return state
      // Its monitor may have written how it ended, and ended itself, since the file was read.
      const now = await read()
      if (now === undefined || JSON.stringify(now) === JSON.stringify(state)) {
        return {
          ...state,
          status: 'exited',
          pid: 0,
          exitCode: 255,
          error: 'its monitor was killed: how the container ended is not known',
        }
      }
      state = now
    }
  }

  /** All that are whole, the newest first. */
  async list(): Promise<readonly Container[]> {
    const ids = await readdir(this.directory).catch(() => [] as string[])
    const found = await Promise.all(ids.map((id) => this.read(id)))
    return found
      .filter((one): one is Container => one !== undefined)
      .sort((a, b) => (a.record.created < b.record.created ? 1 : -1))
  }

  /** By name, id, or the start of an id. Errors: DockError when there is none, or several begin so. */
  async find(text: string): Promise<Container> {
    const name = text.replace(/^\//, '')
    if (idPattern.test(name)) {
      const exact = await this.read(name)
      if (exact !== undefined) return exact
    }
    if (namePattern.test(name)) {
      const id = await readlink(join(this.#names, name)).catch(() => '')
      const named = await this.read(id)
      if (named !== undefined) return named
    }
    const ids = /^[a-f0-9]+$/.test(name)
      ? (await readdir(this.directory).catch(() => [] as string[])).filter((id) => id.startsWith(name))
      : []
    const found = (await Promise.all(ids.map((id) => this.read(id)))).filter((one) => one !== undefined)
    if (found.length > 1) {
      throw new DockError(`multiple IDs found with provided prefix: ${name}`, { exitCode: 1 })
    }
    const [one] = found
    if (one === undefined) throw new DockError(`No such container: ${text}`, { exitCode: 1 })
    return one
  }

  /** Held by whoever changes a container. */
  lock(id: string): Promise<{ release(): Promise<void> }> {
    return lock(this.path(id, 'lock'), 'exclusive')
  }

  /** Removes all that is the container's. Nothing of it may be mounted any more. */
  async remove(record: ContainerRecord): Promise<void> {
    // Without its record it is no container: a removal that is cut off can be taken up again.
    await rm(this.path(record.id, 'container.json'), { force: true })
    await this.giveName(record.name)
    await remove(this.path(record.id))
  }
}
