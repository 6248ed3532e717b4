// SPDX-License-Identifier: Apache-2.0
import { DockError } from '../../../bundles/error.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
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

/** `tsdock debug`: a container of the toolbox, in the namespaces of another one. */
export async function runDebug(invocation: CommandInvocation): Promise<number> {
  const [name = '', ...command] = invocation.positionals
  const directory = storageDirectory(invocation.storage)
  const storage = await openStorage(directory)
  const { record, state } = await storage.containers.find(name).finally(() => storage.release())
  if (state.status !== 'running') {
    throw new DockError(`container ${record.id} is not running (try: tsdock start ${name})`)
  }
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  const namespaces = ['network', 'pid', 'ipc'].map((kind) => `--${kind}=container:${record.id}`)
  const binds = [
    `${storage.containers.path(record.id, 'merged')}:${ROOT}`,
    ...record.mounts
      .filter(({ Type }) => Type !== 'tmpfs')
      .map(({ Source, Destination, RW }) => `${Source}:${ROOT}${Destination}${RW ? '' : ':ro'}`),
  ]
  return runRun(
    parseCommand(runCommand, [
      `--storage=${directory}`,
      '--rm',
      '--interactive',
      ...(terminal ? ['--tty'] : []),
      '--cap-add=SYS_PTRACE',
      '--cap-add=NET_ADMIN',
      `--label=tsdock.debug=${record.id}`,
      ...namespaces,
      ...binds.map((bind) => `--volume=${bind}`),
      invocation.text('image') ?? TOOLBOX,
      ...command,
    ]),
  )
}
