// SPDX-License-Identifier: Apache-2.0
import { runBesideStopped } from '../../../bundles/containers/container-tree.ts'
import type { Container } from '../../../bundles/containers/container-store.ts'
import { findProgram } from '../../../bundles/host/files.ts'
import { openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import { type Command, type CommandInvocation, parseCommand } from '../command.ts'
import { runFlags } from './run-flags.ts'
import { runRun } from './run.ts'

const TOOLBOX = 'busybox'
/** Where the toolbox sees the files of the other container. */
const ROOT = '/container'

/** What `debug` asks of `run`. */
const runCommand: Command = {
  name: 'debug',
  summary: '',
  usage: '[OPTIONS] CONTAINER [COMMAND] [ARG...]',
  flags: runFlags,
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  stopAtPositional: true,
  examples: [],
  load: async () => runRun,
}

/** Words for `run`: a container of the toolbox, with the files of another one. */
function toolbox(invocation: CommandInvocation, id: string, options: readonly string[]): readonly string[] {
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  return [
    `--storage=${storageDirectory(invocation.storage)}`,
    '--rm',
    '--interactive',
    ...(terminal ? ['--tty'] : []),
    '--cap-add=SYS_PTRACE',
    '--cap-add=NET_ADMIN',
    `--label=tsdock.debug=${id}`,
    ...options,
    invocation.text('image') ?? TOOLBOX,
    ...invocation.positionals.slice(1),
  ]
}

/** In its namespaces, with its mounts. */
function besideRunning(storage: Storage, { record }: Container): readonly string[] {
  // Its /dev/shm can be had only where it shares that.
  const shares = record.hostConfig.IpcMode === 'shareable' || record.hostConfig.IpcMode === 'host'
  const kinds = ['network', 'pid', ...(shares ? ['ipc'] : [])]
  const namespaces = kinds.map((kind) => `--${kind}=container:${record.id}`)
  const binds = [
    `${storage.containers.path(record.id, 'merged')}:${ROOT}`,
    ...['hosts', 'hostname', 'resolv.conf'].map(
      (file) => `${storage.containers.path(record.id, file)}:${ROOT}/etc/${file}`,
    ),
    ...record.mounts
      .filter(({ Type }) => Type !== 'tmpfs')
      .map(({ Source, Destination, RW }) => `${Source}:${ROOT}${Destination}${RW ? '' : ':ro'}`),
  ]
  return [...namespaces, ...binds.map((bind) => `--volume=${bind}`)]
}

/** `tsdock debug`: a container of the toolbox beside another one, in its namespaces where it runs. */
export async function runDebug(invocation: CommandInvocation): Promise<number> {
  const [name = ''] = invocation.positionals
  const storage = await openStorage(storageDirectory(invocation.storage))
  // A long session keeps nobody from collecting garbage: the containers keep what they need.
  await storage.release()
  for (;;) {
    const found = await storage.containers.find(name)
    const { id } = found.record
    if (found.state.status === 'running') {
      return runRun(parseCommand(runCommand, toolbox(invocation, id, besideRunning(storage, found))))
    }
    const merged = storage.containers.path(id, 'merged')
    const words = toolbox(invocation, id, ['--network=none', `--volume=${merged}:${ROOT}`])
    const status = await runBesideStopped(storage, id, [findProgram('tsdock'), 'run', ...words])
    if (status !== undefined) return status
  }
}
