// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TsrunError } from '../../spec/error.ts'
import { readFacts } from '../facts/read.ts'
import type { PlanRequest } from '../facts/request.ts'
import { encodePlan } from '../plan/encode.ts'
import { planFromRequest } from '../plan-request.ts'
import { readContainer, type StoredContainer } from '../state/container.ts'
import { errnoText } from '../state/errno-text.ts'
import { resolveStateRoot } from '../state/state-root.ts'
import { readBundle } from './read-bundle.ts'
import { type RuntimeOptions, runFront, toError } from './run-front.ts'

export interface ExecOptions extends RuntimeOptions {
  readonly id: string
  readonly args: readonly string[]
  /** Added to the environment of the config: NAME -> value. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
  /** UID or UID:GID. */
  readonly user?: string | undefined
  readonly additionalGids?: readonly number[] | undefined
  /** Capabilities to add. */
  readonly capabilities?: readonly string[] | undefined
  readonly noNewPrivileges?: boolean | undefined
  /** What the process reads from its standard input. */
  readonly input?: string | Uint8Array | undefined
}

/** A process that has ended. */
export interface ExecResult {
  /** Its exit status, or 128 and the number of the signal that killed it. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly warnings: readonly string[]
}

type Flags = readonly (readonly [name: string, value: string])[]

function flagsOf(options: ExecOptions): Flags {
  const { env = {}, cwd, user, additionalGids = [], capabilities = [], noNewPrivileges } = options
  const flags: [string, string][] = Object.entries(env).map(([name, value]) => ['env', `${name}=${value}`])
  if (cwd !== undefined) flags.push(['cwd', cwd])
  if (user !== undefined) flags.push(['user', user])
  for (const gid of additionalGids) flags.push(['additional-gids', String(gid)])
  for (const name of capabilities) flags.push(['cap', name])
  if (noNewPrivileges === true) flags.push(['no-new-privs', 'true'])
  return flags
}

const lists: ReadonlySet<string> = new Set(['env', 'additional-gids', 'cap'])

function toPlanOptions(flags: Flags, { cgroupManager }: RuntimeOptions): PlanRequest['options'] {
  const options = new Map<string, string | readonly string[]>()
  for (const [name, value] of flags) {
    options.set(name, lists.has(name) ? [...(options.get(name) ?? []), value] : value)
  }
  if (cgroupManager !== undefined) options.set('cgroup-manager', cgroupManager)
  return options
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (e: unknown) {
    throw new TsrunError('state', `${what}: open "${path}": ${errnoText(e)}`, { cause: e })
  }
}

function toRequest(container: StoredContainer, root: string, options: ExecOptions): PlanRequest {
  const { id, pid, directory } = container
  const { path, config } = readBundle(container.plan.fields.bundle)
  return {
    verb: 'exec',
    id,
    bundle: path,
    root,
    options: toPlanOptions(flagsOf(options), options),
    args: options.args,
    config,
    state: readText(join(directory, 'state.json'), 'state'),
    facts: readFacts(),
    target: { pid, cgroup: readText(`/proc/${pid}/cgroup`, 'target.cgroup') },
  }
}

/** Collects a stream; the result is complete when it has ended. */
function collect(stream: ChildProcess['stdout']): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream?.once('close', () => resolve(Buffer.concat(chunks).toString()))
    if (stream === null) resolve('')
  })
}

/**
 * Runs one more process in a container, to its end. Errors: not-found, wrong-state, and those of `plan`; a program that
 * cannot be run is one, too, and not an exit code.
 */
export async function exec(options: ExecOptions): Promise<ExecResult> {
  const root = resolveStateRoot(options.root)
  const container = readContainer(root, options.id)
  if (container.status === 'stopped') throw new TsrunError('wrong-state', 'cannot exec in a stopped container')
  const plan = encodePlan(planFromRequest(toRequest(container, root, options)))
  const flags = flagsOf(options).map(([name, value]) => `--${name}=${value}`)
  let output: readonly Promise<string>[] = []
  const result = await runFront(
    { args: ['exec', ...flags, '--', options.id, ...options.args], plan, stdio: ['pipe', 'pipe', 'pipe'] },
    options,
    ({ stdin, stdout, stderr }) => {
      // The process need not read its input.
      stdin?.on('error', () => undefined)
      stdin?.end(options.input ?? '')
      output = [collect(stdout), collect(stderr)]
    },
  )
  if (result.error !== undefined) throw toError(result.error, result.exitCode)
  const [stdout = '', stderr = ''] = await Promise.all(output)
  return { exitCode: result.exitCode, stdout, stderr, warnings: result.warnings }
}
