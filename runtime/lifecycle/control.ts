// SPDX-License-Identifier: Apache-2.0
import { type ContainerReport, isLocked, readContainer, toReport } from '../state/container.ts'
import { resolveStateRoot } from '../state/state-root.ts'
import { TsrunError } from '../../spec/error.ts'
import { listContainers } from './list-containers.ts'
import { type RuntimeOptions, runFrontOk } from './run-front.ts'

/** Starts the user process of a created container. Errors: not-found, wrong-state, hook, executor. */
export async function start(id: string, options: RuntimeOptions = {}): Promise<void> {
  await runFrontOk({ args: ['start', '--', id] }, options)
}

/** Sends a signal to init; a name may come with or without SIG. Errors: not-found, wrong-state, executor. */
export async function kill(
  id: string,
  signal: number | string = 'SIGTERM',
  options: RuntimeOptions & { readonly all?: boolean | undefined } = {},
): Promise<void> {
  await runFrontOk({ args: ['kill', ...(options.all === true ? ['--all'] : []), '--', id, String(signal)] }, options)
}

/**
 * Removes what is left of a container. With `force` a running one is killed first, and an unknown one is no error.
 * Errors: not-found, wrong-state, executor.
 */
export async function deleteContainer(
  id: string,
  options: RuntimeOptions & { readonly force?: boolean | undefined } = {},
): Promise<void> {
  await runFrontOk({ args: ['delete', ...(options.force === true ? ['--force'] : []), '--', id] }, options)
}

/** Freezes all processes of a container. Errors: not-found, wrong-state, executor. */
export async function pause(id: string, options: RuntimeOptions = {}): Promise<void> {
  await runFrontOk({ args: ['pause', '--', id] }, options)
}

/** Lets the processes of a paused container go on. Errors: not-found, wrong-state, executor. */
export async function resume(id: string, options: RuntimeOptions = {}): Promise<void> {
  await runFrontOk({ args: ['resume', '--', id] }, options)
}

/** What the verb `state` prints; no program is run. Errors: invalid-id, not-found, state. */
export async function state(id: string, options: Pick<RuntimeOptions, 'root'> = {}): Promise<ContainerReport> {
  const container = readContainer(resolveStateRoot(options.root), id)
  if (container.pid === 0 && isLocked(container.directory)) {
    throw new TsrunError('not-found', `container does not exist: ${id} (it is being created)`)
  }
  return toReport(container)
}

/** All containers of a state root. Those that cannot be read are told to `warn`. Errors: state. */
export async function list(
  options: Pick<RuntimeOptions, 'root'> & { readonly warn?: ((message: string) => void) | undefined } = {},
): Promise<readonly ContainerReport[]> {
  return listContainers(resolveStateRoot(options.root), options.warn ?? (() => undefined))
}
