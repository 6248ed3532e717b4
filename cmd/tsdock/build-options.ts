// SPDX-License-Identifier: Apache-2.0
// What the options of `tsdock build` say.

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type BuildRequest, contextDigests } from '../../bundles/build/build.ts'
import { ContextTree, type FileTree } from '../../bundles/build/file-tree.ts'
import { type RunLimits, runLimits } from '../../bundles/build/run-limits.ts'
import { parseUlimit } from '../../bundles/containers/options/sizes.ts'
import { parsePlatform } from '../../bundles/dockerfile/platform.ts'
import { DockError } from '../../bundles/error.ts'
import { hostPlatform } from '../../bundles/images/platform.ts'
import type { Platform } from '../../spec/image/documents.ts'
import type { Storage } from '../../bundles/storage.ts'
import { type CommandInvocation, CommandUsageError } from './command.ts'
import { cpuOptions, memoryOptions } from './containers/limits.ts'
import { checkContentTrust } from './content-trust.ts'
import type { ProgressMode } from './progress-view.ts'

/** `K=V` pairs; a K alone takes its value from the environment, and is left out when it has none there. */
export function pairs(words: readonly string[], env: NodeJS.ProcessEnv): ReadonlyMap<string, string> {
  return new Map(
    words.flatMap((word): [string, string][] => {
      const equals = word.indexOf('=')
      if (equals > 0) return [[word.slice(0, equals), word.slice(equals + 1)]]
      const value = env[word]
      return value === undefined ? [] : [[word, value]]
    }),
  )
}

export function fieldsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(',').map((field): [string, string] => {
      const equals = field.indexOf('=')
      return equals < 0 ? [field, ''] : [field.slice(0, equals), field.slice(equals + 1)]
    }),
  )
}

/** --secret id=x,src=file | id=x,env=NAME. Errors: DockError. */
export function secretReader(words: readonly string[]): BuildRequest['secret'] {
  const secrets = new Map(
    words.map((word): [string, ReadonlyMap<string, string>] => {
      const fields = fieldsOf(word)
      const id = fields.get('id') ?? ''
      if (id === '') throw new DockError(`--secret ${word}: id=NAME is missing`)
      const unknown = [...fields.keys()].find((key) => !['id', 'src', 'source', 'env', 'type'].includes(key))
      if (unknown !== undefined)
        throw new DockError(`--secret ${word}: ${unknown} is unknown; there are id, src and env`)
      return [id, fields]
    }),
  )
  return async (id) => {
    const fields = secrets.get(id)
    if (fields === undefined) return undefined
    const file = fields.get('src') ?? fields.get('source')
    if (file !== undefined) {
      return readFile(file).catch((e: NodeJS.ErrnoException) => {
        throw new DockError(`--secret id=${id}: open ${file}: ${e.code}`)
      })
    }
    const name = fields.get('env') ?? id
    const value = process.env[name]
    if (value === undefined) throw new DockError(`--secret id=${id}: the variable ${name} is not set`)
    return Buffer.from(value)
  }
}

/** --platform A,B. Undefined: that of this machine. Errors: one that there is not. */
export function platformsOf(text: string | undefined): readonly (Platform | undefined)[] {
  if (text === undefined) return [undefined]
  const host = hostPlatform()
  return [...new Set(text.split(','))].map((one) => {
    const { os, architecture, variant } = parsePlatform(one, host)
    return { os, architecture, ...(variant === undefined || variant === '' ? {} : { variant }) }
  })
}

export function namedContexts(
  words: readonly string[],
  storage: Storage,
): ReadonlyMap<string, FileTree | { readonly image: string }> {
  return new Map(
    words.map((word): [string, FileTree | { readonly image: string }] => {
      const equals = word.indexOf('=')
      if (equals < 1) throw new DockError(`--build-context ${word}: it is NAME=DIR or NAME=docker-image://IMAGE`)
      const [name, where] = [word.slice(0, equals), word.slice(equals + 1)]
      if (where.startsWith('docker-image://')) return [name, { image: where.slice(15) }]
      return [
        name,
        new ContextTree(resolve(where), {
          label: `the context ${name}`,
          files: storage.stores.files,
          digestFile: contextDigests(storage, resolve(where)),
        }),
      ]
    }),
  )
}

export const networks = ['default', 'none', 'host'] as const
export const modes: readonly ProgressMode[] = ['auto', 'plain', 'rawjson', 'quiet']

export function oneOf<T extends string>(flag: string, value: string | undefined, known: readonly T[], usual: T): T {
  if (value === undefined) return usual
  const found = known.find((one) => one === value)
  if (found === undefined)
    throw new CommandUsageError(`--${flag} ${value}: it is one of ${known.join(', ')}`, undefined)
  return found
}

/** --add-host NAME:IP -> a line of /etc/hosts. Errors: DockError. */
export function hostLine(word: string): string {
  const colon = word.search(/[:=]/)
  const [name, address] = [word.slice(0, colon), word.slice(colon + 1).replace(/^\[|\]$/g, '')]
  if (colon < 1 || !/^[A-Za-z0-9._-]+$/.test(name) || !/^[0-9a-fA-F:.]+$/.test(address))
    throw new DockError(`--add-host ${word}: it is HOST:IP`)
  return `${address}\t${name}`
}

/** Options of docker that have one meaning here. Errors: DockError, where another one is asked for. */
export function checkCompatible(invocation: CommandInvocation): void {
  checkContentTrust(invocation)
  const { isSet, text } = invocation
  if (isSet('squash')) {
    throw new DockError(
      '--squash: not supported: end the Dockerfile with FROM scratch and COPY --from=STAGE / /, which makes one layer',
      { exitCode: 125 },
    )
  }
  for (const name of ['provenance', 'sbom']) {
    const value = text(name) ?? 'false'
    if (value !== 'false')
      throw new DockError(`--${name} ${value}: none are made here (there is "false" alone)`, { exitCode: 125 })
  }
  const isolation = text('isolation') ?? 'default'
  if (isolation !== '' && isolation !== 'default')
    throw new DockError(`--isolation ${isolation}: on Linux there is "default" alone`, { exitCode: 125 })
}

/** What each RUN may use. Errors: DockError, CommandUsageError. */
export async function limitsOf(invocation: CommandInvocation): Promise<RunLimits> {
  const { text, list, isGiven } = invocation
  const memory = memoryOptions(invocation)
  const cpu = cpuOptions(invocation)
  return runLimits(
    {
      memory: memory.Memory,
      memorySwap: memory.MemorySwap,
      cpuShares: cpu.CpuShares,
      cpuPeriod: cpu.CpuPeriod,
      cpuQuota: cpu.CpuQuota,
      cpusetCpus: cpu.CpusetCpus,
      cpusetMems: cpu.CpusetMems,
      ulimits: list('ulimit').map(parseUlimit),
      shmSize: isGiven('shm-size') ? memory.ShmSize : undefined,
      cgroupParent: text('cgroup-parent') ?? '',
    },
    list('security-opt'),
  )
}
