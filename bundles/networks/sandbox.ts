// SPDX-License-Identifier: Apache-2.0
// What is known of a container's network while it is up: <runtime>/network/<id>.json. It is written before each thing is
// made, so that whoever comes after a crash knows what to take down.

import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { processStart } from '../containers/container-store.ts'
import type { EndpointRequest } from '../containers/record.ts'
import { lock } from '../host/lock.ts'
import type { CniResult, PluginConfig } from './cni.ts'
import { readJson, replaceFile } from './json-file.ts'
import type { NetworkRecord } from './network.ts'
import type { Mapping } from './ports.ts'
import type { NetworkSettings } from './settings.ts'

export interface ProcessMark {
  readonly pid: number
  /** When it started, in ticks since boot. */
  readonly start: number
}

export interface Attachment {
  /** As it was when the container joined. */
  readonly network: NetworkRecord
  readonly ifName: string
  readonly request: EndpointRequest
  /** The chain, as far as it was begun. */
  readonly plugins: readonly PluginConfig[]
  readonly result?: CniResult
}

/** Without prefixes. */
export const addressesOf = ({ result }: Attachment): readonly string[] =>
  (result?.ips ?? []).map(({ address }) => address.split('/')[0] ?? '')

export interface Link {
  /** Id of the other container. */
  readonly id: string
  readonly alias: string
}

export interface Sandbox {
  readonly id: string
  readonly name: string
  readonly hostname: string
  readonly netns: string
  readonly exposed: readonly string[]
  readonly ports: readonly Mapping[]
  readonly attachments: readonly Attachment[]
  /** Names that it alone has for others. */
  readonly links?: readonly Link[]
  /** Who sets it up. */
  readonly owner: ProcessMark
  /** The plugin under way. */
  readonly plugin?: ProcessMark
  /** Holds and passes on published ports. */
  readonly relay?: ProcessMark
  /** There once all is up. */
  readonly settings?: NetworkSettings
}

export const isAlive = async (mark: ProcessMark | undefined): Promise<boolean> =>
  mark !== undefined && (await processStart(mark.pid)) === mark.start

/** Errors: the process has ended already. */
export async function markOf(pid: number): Promise<ProcessMark> {
  return { pid, start: (await processStart(pid)) ?? -1 }
}

/** Ends a process, if it is still the one that is meant. group: with all that it has started. */
export async function endProcess(mark: ProcessMark | undefined, group: boolean): Promise<void> {
  for (let i = 0; i < 400 && mark !== undefined && (await isAlive(mark)); i++) {
    if (i === 0) {
      try {
        process.kill(group ? -mark.pid : mark.pid, 'SIGKILL')
      } catch {
        // It has just ended.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export class SandboxStore {
  readonly directory: string
  readonly netnsDirectory: string
  readonly ipamDirectory: string

  constructor(runtimeDirectory: string) {
    this.directory = join(runtimeDirectory, 'network')
    this.netnsDirectory = join(runtimeDirectory, 'netns')
    this.ipamDirectory = join(this.directory, 'ipam')
  }

  async open(): Promise<void> {
    await mkdir(this.ipamDirectory, { recursive: true, mode: 0o700 })
    await mkdir(this.netnsDirectory, { recursive: true, mode: 0o711 })
  }

  #path(id: string): string {
    return join(this.directory, `${id}.json`)
  }

  netnsPath(id: string): string {
    return join(this.netnsDirectory, id)
  }

  read(id: string): Promise<Sandbox | undefined> {
    return readJson<Sandbox>(this.#path(id))
  }

  async write(sandbox: Sandbox): Promise<Sandbox> {
    await replaceFile(this.#path(sandbox.id), `${JSON.stringify(sandbox)}\n`)
    return sandbox
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true })
  }

  async ids(): Promise<readonly string[]> {
    const names = await readdir(this.directory).catch(() => [] as string[])
    return names.filter((name) => /^[a-zA-Z0-9][\w.-]*\.json$/.test(name)).map((name) => name.slice(0, -5))
  }

  async list(): Promise<readonly Sandbox[]> {
    const all = await Promise.all((await this.ids()).map((id) => this.read(id)))
    return all.filter((one) => one !== undefined)
  }

  /** Held for moments: by whoever chooses ports or writes hosts files. */
  async locked<T>(job: () => Promise<T>): Promise<T> {
    const held = await lock(join(this.directory, 'lock'), 'exclusive')
    try {
      return await job()
    } finally {
      await held.release()
    }
  }
}
