// SPDX-License-Identifier: Apache-2.0
// The OCI runtime of a container, by its command line.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { DockError, printable } from '../error.ts'
import { findProgram } from '../host/files.ts'
import type { Storage } from '../storage.ts'
import type { ContainerRecord } from './record.ts'

export interface Runtime {
  readonly program: string
  /** Where it keeps the state of a storage's containers. */
  readonly root: string
  /** Options before the verb. */
  readonly options: readonly string[]
  /** Runs a verb. Returns what it printed. Errors: DockError with what it says. */
  call(args: readonly string[]): Promise<string>
}

export const runtimeRoot = (storage: Storage): string => join(storage.runtimeDirectory, 'state')

/** What a runtime says, without the form that it says it in: `time=... level=error msg="..."`, or a name in front. */
export function messageOfRuntime(said: string): string {
  const last = printable(said).trim().split('\n').at(-1) ?? ''
  const logged = /msg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1]
  return (logged?.replace(/\\(.)/g, '$1') ?? last).replace(/^(tsrun|runc|crun|youki): /, '')
}

/** Whether containers have cgroups of their own: those of a user, only where a systemd of the user's makes them. */
export const hasCgroups = ({ host }: Storage): boolean => host.rootless === undefined || host.rootless.systemd

/** Errors: DockError: there are none. */
export function needCgroups(storage: Storage, what: string): void {
  if (hasCgroups(storage)) return
  throw new DockError(
    `${what}: the container has no cgroup: without root it takes cgroup v2 and a systemd of the user's own`,
  )
}

export function runtimeOf(storage: Storage, record: ContainerRecord): Runtime {
  const named = record.hostConfig.Runtime
  const program = named === '' || named === 'tsrun' ? findProgram('tsrun') : named
  const root = runtimeRoot(storage)
  const options = ['--root', root, ...(storage.host.rootless?.systemd === true ? ['--systemd-cgroup'] : [])]
  return {
    program,
    root,
    options,
    call: async (args) => {
      const child = spawn(program, [...options, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      const failed = once(child, 'error').then(([e]) => {
        throw new DockError(`${program}: ${(e as NodeJS.ErrnoException).code ?? e}`)
      })
      const ended = Promise.all([
        text(child.stdout.pipe(new PassThrough())),
        text(child.stderr.pipe(new PassThrough())),
        once(child, 'close') as Promise<[number | null]>,
      ])
      const [out, said, [status]] = await Promise.race([ended, failed])
      if (status !== 0) throw new DockError(messageOfRuntime(said) || `${program} ${args[0]} failed`)
      return out
    },
  }
}
