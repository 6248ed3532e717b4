// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { type ErrorCode, TsrunError } from '../../spec/error.ts'
import { errnoText } from '../state/errno-text.ts'
import { resolveStateRoot } from '../state/state-root.ts'
import { findExecutable } from './find-executable.ts'

/** What all calls of the library take. */
export interface RuntimeOptions {
  /** Path of the program tsrun; default: the one of this package. */
  readonly executable?: string | undefined
  /** The state root; default: that of the program. */
  readonly root?: string | undefined
  /** Who makes cgroups; default cgroupfs. */
  readonly cgroupManager?: 'cgroupfs' | 'systemd' | 'disabled' | undefined
  /** Aborting kills the program; it undoes what it has begun. */
  readonly signal?: AbortSignal | undefined
}

/** One of a container's first three descriptors: /dev/null, this process's own, a new pipe, or a descriptor. */
export type Stdio = 'ignore' | 'inherit' | 'pipe' | number

/** One run of the program tsrun. */
export interface FrontCall {
  /** Verb, flags and the rest. */
  readonly args: readonly string[]
  /** Goes to the program through a pipe, whose number follows the last flag as --plan-fd. */
  readonly plan?: Uint8Array
  readonly stdio?: readonly [Stdio, Stdio, Stdio]
  /** Descriptors that become 3, 4 ... of the process in the container. */
  readonly fds?: readonly number[]
}

export interface FrontResult {
  readonly exitCode: number
  readonly warnings: readonly string[]
  /** What the program says went wrong; undefined when it says nothing. */
  readonly error: string | undefined
}

interface LogLine {
  readonly level: string
  readonly msg: string
}

/** What the words of a message stand for: callers switch over codes, and must not match texts. */
const codes: readonly (readonly [pattern: RegExp, code: ErrorCode])[] = [
  [/container does not exist/, 'not-found'],
  [/container with given ID already exists/, 'id-taken'],
  [/invalid container ID|container id cannot be empty/, 'invalid-id'],
  [/cannot start a|cannot exec in a|that is not stopped|container not (running|paused)|already paused/, 'wrong-state'],
  [/hook #\d+/, 'hook'],
  [/seccomp/, 'seccomp'],
  [/cgroup/, 'cgroup'],
]

/** A message of the program as an error. */
export function toError(message: string, exitCode: number): TsrunError {
  const code = codes.find(([pattern]) => pattern.test(message))?.[1] ?? 'executor'
  return new TsrunError(code, message, { exitCode })
}

/** There is none when the program did not come so far. */
function readLog(path: string): readonly LogLine[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine)
}

/** Environment of the program: what a service manager told this process is not told to containers. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env }
  for (const name of ['NOTIFY_SOCKET', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) delete env[name]
  return env
}

function startFront(call: FrontCall, globals: readonly string[], options: RuntimeOptions): ChildProcess {
  const [verb = '', ...rest] = call.args
  const fds = call.fds ?? []
  const planFlag = call.plan === undefined ? [] : [`--plan-fd=${3 + fds.length}`]
  const stdio = [...(call.stdio ?? (['ignore', 'ignore', 'ignore'] as const)), ...fds]
  const child = spawn(findExecutable(options.executable), [...globals, verb, ...planFlag, ...rest], {
    stdio: call.plan === undefined ? stdio : [...stdio, 'pipe'],
    env: environment(),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const pipe = call.plan === undefined ? undefined : (child.stdio[3 + fds.length] as Writable | null | undefined)
  // The program may fail before it has read the plan: then its own message counts.
  pipe?.on('error', () => undefined)
  pipe?.end(call.plan)
  return child
}

/** Not 'close': the container may keep the pipes. */
function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (e: Error) => {
      const failed = new TsrunError('host', `execve "${child.spawnfile}": ${errnoText(e)}`, { cause: e })
      reject(e.name === 'AbortError' ? e : failed)
    })
    child.once('exit', (status, signal) => {
      if (status !== null) resolve(status)
      else reject(new TsrunError('executor', `tsrun was killed by ${signal}`))
    })
  })
}

/**
 * Runs the program and waits for its end. `onStart` gets the process, to serve its pipes in the meantime.
 * Errors: host, executor; that of an AbortSignal.
 */
export async function runFront(
  call: FrontCall,
  options: RuntimeOptions,
  onStart: (child: ChildProcess) => void = () => undefined,
): Promise<FrontResult> {
  const directory = mkdtempSync(join(tmpdir(), 'tsrun-'))
  const log = join(directory, 'log')
  const globals = [`--root=${resolveStateRoot(options.root)}`, `--log=${log}`, '--log-format=json']
  if (options.cgroupManager !== undefined) globals.push(`--cgroup-manager=${options.cgroupManager}`)
  try {
    const child = startFront(call, globals, options)
    const ended = exitOf(child)
    onStart(child)
    const exitCode = await ended
    const lines = readLog(log)
    return {
      exitCode,
      warnings: lines.filter(({ level }) => level === 'warning').map(({ msg }) => msg),
      error: lines.findLast(({ level }) => level === 'error')?.msg,
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The same for calls that end with 0 or have failed. Errors: any code that a message can stand for. */
export async function runFrontOk(
  call: FrontCall,
  options: RuntimeOptions,
  onStart?: (child: ChildProcess) => void,
): Promise<FrontResult> {
  const result = await runFront(call, options, onStart)
  if (result.exitCode !== 0) {
    throw toError(result.error ?? `tsrun ${call.args[0]} ended with status ${result.exitCode}`, result.exitCode)
  }
  return result
}
