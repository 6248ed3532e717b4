// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { parseDocument } from '../../runtime/json.ts'
import { update } from '../../runtime/lifecycle/update.ts'
import { errnoText } from '../../runtime/state/errno-text.ts'
import { readContainer } from '../../runtime/state/container.ts'
import { resolveStateRoot } from '../../runtime/state/state-root.ts'
import { correctFieldNames } from '../../spec/field-names.ts'
import type { LinuxResources } from '../../spec/runtime/resources.ts'
import type { Invocation } from './cli.ts'
import { parseSize } from './go-values.ts'

type Text = Invocation['text']

const kinds = {
  /** Bytes, or -1. */
  size: (text: string) => (text === '-1' ? -1 : parseSize(text)),
  int: (text: string) => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined),
  uint: (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined),
}

const wanted = {
  size: 'give bytes, with a unit if you like: 64m, 1g; or -1 for no limit',
  int: 'give an integer',
  uint: 'give an integer that is not negative',
}

/** Errors: a value that is none. */
function number(text: Text, name: string, kind: keyof typeof kinds): number | undefined {
  const given = text(name)
  if (given === undefined || given === '') return undefined
  const value = kinds[kind](given)
  if (value === undefined) throw new Error(`invalid value for ${name}: ${JSON.stringify(given)}: ${wanted[kind]}`)
  return value
}

/** What the flags for single limits ask for. */
export function resourcesOfFlags(text: Text): LinuxResources {
  const pids = number(text, 'pids-limit', 'int')
  return {
    memory: {
      limit: number(text, 'memory', 'size'),
      reservation: number(text, 'memory-reservation', 'size'),
      swap: number(text, 'memory-swap', 'size'),
      kernel: number(text, 'kernel-memory', 'size'),
      kernelTCP: number(text, 'kernel-memory-tcp', 'size'),
    },
    cpu: {
      shares: number(text, 'cpu-share', 'uint'),
      quota: number(text, 'cpu-quota', 'int'),
      period: number(text, 'cpu-period', 'uint'),
      burst: number(text, 'cpu-burst', 'uint'),
      realtimeRuntime: number(text, 'cpu-rt-runtime', 'int'),
      realtimePeriod: number(text, 'cpu-rt-period', 'uint'),
      idle: number(text, 'cpu-idle', 'int'),
      cpus: text('cpuset-cpus'),
      mems: text('cpuset-mems'),
    },
    ...(pids !== undefined && { pids: { limit: pids } }),
    blockIO: { weight: number(text, 'blkio-weight', 'int') },
  }
}

function readResources(path: string, warn: Invocation['warn']): LinuxResources {
  const stdin = path === '-'
  let text: string
  try {
    text = readFileSync(stdin ? 0 : path, 'utf8')
  } catch (e: unknown) {
    throw new Error(`--resources: ${stdin ? 'read standard input' : `open "${path}"`}: ${errnoText(e)}`)
  }
  // Whether it fits is seen when it is used.
  const name = stdin ? 'resources on standard input' : `resources "${path}"`
  const resources = parseDocument(text, name)
  for (const line of correctFieldNames(resources, '/linux/resources')) warn(`${name}: ${line}`)
  return resources as LinuxResources
}

/** `tsrun update` */
export async function runUpdate({ positionals, text, warn }: Invocation): Promise<number> {
  const [id = ''] = positionals
  readContainer(resolveStateRoot(text('root')), id) // an unknown container comes before bad values
  const file = text('resources') ?? ''
  const warnings = await update(id, {
    root: text('root'),
    resources: file === '' ? resourcesOfFlags(text) : readResources(file, warn),
    l3CacheSchema: text('l3-cache-schema'),
    memBwSchema: text('mem-bw-schema'),
  })
  for (const warning of warnings) warn(warning)
  return 0
}
