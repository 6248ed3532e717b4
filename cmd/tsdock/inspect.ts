// SPDX-License-Identifier: Apache-2.0
import { describeContainer } from '../../bundles/containers/describe.ts'
import { containerSizes } from '../../bundles/containers/usage.ts'
import { DockError } from '../../bundles/error.ts'
import { Networks } from '../../bundles/networks/networks.ts'
import { openStorage, type Storage, storageDirectory } from '../../bundles/storage.ts'
import type { Platform } from '../../spec/image/documents.ts'
import { type CommandInvocation, CommandUsageError } from './command.ts'
import { describeImage } from './image-show.ts'
import { compileTemplate } from './template/template.ts'
import { givenPlatform } from './platform-option.ts'

type Kind = 'container' | 'image' | 'network' | 'volume'

/** Undefined: there is no such thing of that kind. */
type Describe = (storage: Storage, name: string, asked: Asked) => Promise<object | undefined>

interface Asked {
  readonly size: boolean
  /** Of images. */
  readonly platform: Platform | undefined
}

const absent =
  (kind: Kind) =>
  (e: unknown): undefined => {
    if (e instanceof DockError && new RegExp(`\\bno such ${kind}\\b|not found`, 'i').test(e.message)) return undefined
    throw e
  }

const describers: Readonly<Record<Kind, Describe>> = {
  container: async (storage, name, { size }) => {
    const found = await storage.containers.find(name).catch(absent('container'))
    if (found === undefined) return undefined
    return describeContainer(storage, found, size ? await containerSizes(storage, found.record) : undefined)
  },
  image: (storage, name, { platform }) => describeImage(storage, name, platform),
  network: (storage, name) => new Networks(storage).inspect(name).catch(absent('network')),
  volume: (storage, name) => storage.volumes.inspect(name).catch(absent('volume')),
}

async function describe(storage: Storage, kinds: readonly Kind[], name: string, asked: Asked) {
  for (const kind of kinds) {
    const found = await describers[kind](storage, name, asked)
    if (found !== undefined) return found
  }
  return undefined
}

/** `inspect` of the kinds named, or of whatever has the name. Returns the exit status. */
export async function inspect(invocation: CommandInvocation, kinds: readonly Kind[], what: string): Promise<number> {
  const { positionals, text, isSet } = invocation
  const format = text('format')
  const print = format === undefined || format === 'json' ? undefined : compileTemplate(format)
  const asked = { size: isSet('size'), platform: givenPlatform(text('platform')) }
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    const found: object[] = []
    let status = 0
    for (const name of positionals) {
      const one = await describe(storage, kinds, name, asked)
      if (one !== undefined) found.push(one)
      else {
        process.stderr.write(`tsdock: No such ${what}: ${name}\n`)
        status = 1
      }
    }
    if (print !== undefined) process.stdout.write(found.map((one) => `${print(one)}\n`).join(''))
    else if (format === 'json') process.stdout.write(`${JSON.stringify(found)}\n`)
    else process.stdout.write(`${JSON.stringify(found, undefined, 4)}\n`)
    return status
  } finally {
    await storage.release()
  }
}

const all: readonly Kind[] = ['container', 'image', 'volume', 'network']

/** `tsdock inspect` */
export function runInspect(invocation: CommandInvocation): Promise<number> {
  const kind = invocation.text('type')
  if (kind === undefined) return inspect(invocation, all, 'object')
  const known = all.find((one) => one === kind)
  if (known === undefined) {
    throw new CommandUsageError(`"${kind}" is not a valid value for --type (there are: ${all.join(', ')})`, undefined)
  }
  return inspect(invocation, [known], known)
}

/** `tsdock container inspect` */
export const runContainerInspect = (invocation: CommandInvocation): Promise<number> =>
  inspect(invocation, ['container'], 'container')

/** `tsdock image inspect` */
export const runImageInspect = (invocation: CommandInvocation): Promise<number> =>
  inspect(invocation, ['image'], 'image')
