// SPDX-License-Identifier: Apache-2.0
// Another process in a running container.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import type { Spec } from '../../spec/runtime/config.ts'
import type { Process } from '../../spec/runtime/process.ts'
import { DockError } from '../error.ts'
import { read } from '../host/files.ts'
import type { Storage } from '../storage.ts'
import { mergeEnv } from './container-spec.ts'
import type { Container } from './container-store.ts'
import { messageOfRuntime, runtimeOf } from './runtime.ts'
import { optionalFile, resolveUser } from './users.ts'

export interface ExecOptions {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly user: string | undefined
  readonly workdir: string | undefined
  readonly tty: boolean
  readonly interactive: boolean
  readonly detach: boolean
  readonly privileged: boolean
}

/** The process, as the container's own one but for what is asked. */
export async function execProcess(storage: Storage, container: Container, options: ExecOptions): Promise<Process> {
  const { record } = container
  const text = await readFile(storage.containers.path(record.id, 'config.json'), 'utf8')
  const own = (JSON.parse(text) as Spec).process
  if (own === undefined) throw new DockError(`${record.name}: its config.json has no process`)
  const root = storage.containers.path(record.id, 'merged')
  const user =
    options.user === undefined
      ? own.user
      : (
          await resolveUser(
            options.user,
            optionalFile((path) => read(root, path, storage.stores.files)),
          )
        ).user
  const all = storage.host.allCapabilities
  return {
    ...own,
    terminal: options.tty,
    args: options.args,
    user,
    env: mergeEnv(own.env ?? [], options.tty ? ['TERM=xterm'] : [], options.env),
    cwd: options.workdir ?? own.cwd,
    ...(options.privileged
      ? { capabilities: { bounding: all, effective: all, permitted: all }, noNewPrivileges: false }
      : {}),
  }
}

/** Why the runtime did not run it: docker's exit statuses. Undefined: it ran. said: the text of its log. */
function failureStatus(said: string): number | undefined {
  if (!/level=(error|fatal)|"level":"(error|fatal)"/.test(said)) return undefined
  if (/executable file not found|no such file or directory|ENOENT|not found/i.test(said)) return 127
  if (/permission denied|EACCES|exec format error|ENOEXEC|is a directory/i.test(said)) return 126
  return 126
}

/** Runs it with the caller's stdio. Returns its exit status. Errors: DockError when the container does not run. */
export async function execInContainer(storage: Storage, container: Container, options: ExecOptions): Promise<number> {
  const { record, state, paused } = container
  if (state.status !== 'running') {
    throw new DockError(`container ${record.id} is not running`)
  }
  if (paused) throw new DockError(`Container ${record.id} is paused, unpause the container before exec`)
  const runtime = runtimeOf(storage, record)
  const name = `exec-${randomBytes(8).toString('hex')}`
  const [file, log] = ['json', 'log'].map((kind) => storage.containers.path(record.id, `${name}.${kind}`)) as [
    string,
    string,
  ]
  await writeFile(file, JSON.stringify(await execProcess(storage, container, options)), { mode: 0o600 })
  const output = options.detach ? 'ignore' : 'inherit'
  try {
    const child = spawn(
      runtime.program,
      [...runtime.options, '--log', log, 'exec', '--process', file, ...(options.detach ? ['--detach'] : []), record.id],
      // What goes on by itself holds nothing of the caller's, who may wait for the end of a pipe.
      { stdio: [options.interactive ? 'inherit' : 'ignore', output, output] },
    )
    const [status] = (await once(child, 'close')) as [number | null]
    if (status === 0) return 0
    const said = await readFile(log, 'utf8').catch(() => '')
    const exitCode = failureStatus(said) ?? status ?? 255
    if (!options.detach) return exitCode
    throw new DockError(messageOfRuntime(said) || `${runtime.program} exec failed`, { exitCode })
  } finally {
    await Promise.all([rm(file, { force: true }), rm(log, { force: true })])
  }
}
