// SPDX-License-Identifier: Apache-2.0
import { createContainer, type CreateOptions } from '../../../bundles/containers/create.ts'
import { recordEvent } from '../../../bundles/containers/events.ts'
import type { ContainerRecord } from '../../../bundles/containers/record.ts'
import { startNewContainer } from '../../../bundles/containers/start.ts'
import { DockError, messageOf } from '../../../bundles/error.ts'
import type { OpenImage } from '../../../bundles/images/store.ts'
import { findImage, openImage, openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { pullImage, wantedPlatform } from '../transfer.ts'
import { createOptions } from './run-options.ts'

/** The image, fetched when that is wanted. */
async function imageFor(storage: Storage, invocation: CommandInvocation, name: string): Promise<OpenImage> {
  const policy = invocation.text('pull') ?? 'missing'
  if (!['always', 'missing', 'never'].includes(policy)) {
    throw new DockError(`invalid pull option: '${policy}': must be one of 'always', 'missing' or 'never'`, {
      exitCode: 125,
    })
  }
  const platform = wantedPlatform(invocation.text('platform'))
  let found = policy === 'always' ? undefined : await findImage(storage.images, name)
  if (found === undefined) {
    if (policy === 'never') throw new DockError(`No such image: ${name}`, { exitCode: 125 })
    if (policy === 'missing') process.stderr.write(`Unable to find image '${name}' locally\n`)
    await pullImage(storage, name, { platform, quiet: invocation.isSet('quiet') })
    found = await findImage(storage.images, name)
  }
  if (found === undefined) throw new DockError(`No such image: ${name}`, { exitCode: 125 })
  return openImage(storage.images, found.descriptor, platform, name)
}

/** What fails before anything runs has docker's status for that. */
function asRunFailure(e: unknown): never {
  if (e instanceof DockError && e.exitCode === 1) throw new DockError(e.message, { exitCode: 125, cause: e })
  throw e
}

async function make(
  storage: Storage,
  invocation: CommandInvocation,
  options: CreateOptions,
  publish: boolean,
): Promise<ContainerRecord> {
  const image = await imageFor(storage, invocation, options.image)
  const record = await createContainer(storage, options, image, { publish })
  await recordEvent(storage, record, 'create')
  return record
}

/** `tsdock create` */
export async function runCreate(invocation: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    const options = await createOptions(invocation, { detached: false })
    const { id } = await make(storage, invocation, options, true)
    process.stdout.write(`${id}\n`)
    return 0
  } catch (e: unknown) {
    return asRunFailure(e)
  } finally {
    await storage.release()
  }
}

function checkTerminal(invocation: CommandInvocation): void {
  const { isSet } = invocation
  if (isSet('detach')) {
    if (invocation.list('attach').length > 0) {
      throw new DockError('Conflicting options: -a and -d', { exitCode: 125 })
    }
    return
  }
  if (isSet('tty') && isSet('interactive') && !process.stdin.isTTY) {
    throw new DockError('the input device is not a TTY', { exitCode: 1 })
  }
}

/** `tsdock run` */
export async function runRun(invocation: CommandInvocation): Promise<number> {
  checkTerminal(invocation)
  const detached = invocation.isSet('detach')
  const storage = await openStorage(storageDirectory(invocation.storage))
  let release = storage.release
  try {
    const record = await make(storage, invocation, await createOptions(invocation, { detached }), false)
    const { AttachStdin, AttachStdout, AttachStderr } = record.config
    const attach = {
      stdin: AttachStdin,
      stdout: AttachStdout,
      stderr: AttachStderr,
      signals: !invocation.isGiven('sig-proxy') || invocation.isSet('sig-proxy'),
      detachKeys: invocation.text('detach-keys'),
    }
    const status = await startNewContainer(storage, record, {
      attach: detached ? undefined : attach,
      onRunning: async () => {
        // From here on the container keeps what it needs, and whoever collects garbage need not wait for its end.
        await release()
        release = () => Promise.resolve()
      },
    })
    if (detached && status === 0) process.stdout.write(`${record.id}\n`)
    return status
  } catch (e: unknown) {
    return asRunFailure(e)
  } finally {
    await release()
  }
}

/** For errors of several arguments: each is told, the rest goes on. */
export async function forEach(names: readonly string[], action: (name: string) => Promise<void>): Promise<number> {
  let status = 0
  for (const name of names) {
    try {
      await action(name)
    } catch (e: unknown) {
      process.stderr.write(`tsdock: ${messageOf(e)}\n`)
      status = 1
    }
  }
  return status
}
