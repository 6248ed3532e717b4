// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { noteCall } from './coverage.ts'
import { scaled } from './slow.ts'
import { mark, newPath, projectDir, stateRoot } from './work-dir.ts'

function findRuntime(): string {
  const wanted = process.env['TSRUN_RUNTIME'] ?? join(projectDir, 'dist/bin/tsrun')
  const candidates = wanted.includes('/')
    ? [wanted]
    : (process.env['PATH'] ?? '').split(delimiter).map((dir) => join(dir, wanted))
  const found = candidates.find((path) => existsSync(path))
  if (found === undefined) {
    throw new Error(`no runtime to test: ${wanted} not found (npm run build, or set TSRUN_RUNTIME)`)
  }
  return found
}

/** Path of the runtime under test: $TSRUN_RUNTIME, else the built tsrun. */
export const runtimePath = findRuntime()

const [, name = 'unknown', version = '0'] =
  /^(\S+) version (\S+)/.exec(spawnSync(runtimePath, ['--version'], { encoding: 'utf8' }).stdout ?? '') ?? []

/** What the runtime calls itself in `--version`: tsrun, runc, crun ... */
export const runtimeName: string = name

/** The version that it gives there. */
export const runtimeVersion: string = version

/** True when the runtime under test is ours, so that its own promises can be checked. */
export const isTsrun: boolean = runtimeName === 'tsrun'

/** How to call the runtime. */
export interface CallOptions {
  /** Text for stdin; default: /dev/null. */
  readonly stdin?: string
  /** Changes to the environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** After this time the runtime is killed and the call fails; default 20 s. See `scaled`. */
  readonly timeoutMs?: number
  /** Descriptors of this process that become 3, 4, ... */
  readonly fds?: readonly number[]
  /** Flags before the verb. */
  readonly globals?: readonly string[]
  /** The state root; default `stateRoot`; null: do not pass --root. */
  readonly root?: string | null
  /** Program and arguments to put before the runtime. */
  readonly wrapper?: readonly string[]
}

/** What a call gave. Output is read late, as a detached container may still write. */
export interface Outcome {
  readonly status: number | null
  readonly signal: string | null
  readonly command: string
  readonly stdout: string
  readonly stderr: string
}

class FileOutcome implements Outcome {
  readonly status: number | null
  readonly signal: string | null
  readonly command: string
  readonly #files: readonly [string, string]

  constructor(
    result: { status: number | null; signal: string | null },
    command: string,
    files: readonly [string, string],
  ) {
    this.status = result.status
    this.signal = result.signal
    this.command = command
    this.#files = files
  }

  get stdout(): string {
    return readFileSync(this.#files[0], 'utf8')
  }

  get stderr(): string {
    return readFileSync(this.#files[1], 'utf8')
  }
}

function environment(changes: CallOptions['env']): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, TSRUN_TEST_MARK: mark, ...changes }
  delete env['NOTIFY_SOCKET']
  for (const [name, value] of Object.entries(changes ?? {})) {
    if (value === undefined) {
      delete env[name]
    } else {
      env[name] = value
    }
  }
  return env
}

function commandLine(args: readonly string[], options: CallOptions): readonly string[] {
  const root = options.root === undefined ? stateRoot : options.root
  const globals = root === null ? [] : ['--root', root]
  return [...(options.wrapper ?? []), runtimePath, ...globals, ...(options.globals ?? []), ...args]
}

/** Calls the runtime and waits for it. Its stdio are files, so that a container can inherit them. */
export function callRuntime(args: readonly string[], options: CallOptions = {}): Outcome {
  const files = [newPath('stdout'), newPath('stderr')] as const
  let stdin = '/dev/null'
  if (options.stdin !== undefined) {
    stdin = newPath('stdin')
    writeFileSync(stdin, options.stdin)
  }
  const fds = [openSync(stdin, 'r'), openSync(files[0], 'a'), openSync(files[1], 'a')]
  const [program = '', ...rest] = commandLine(args, options)
  const result = spawnSync(program, rest, {
    stdio: [...fds, ...(options.fds ?? [])],
    env: environment(options.env),
    timeout: scaled(options.timeoutMs ?? 20_000),
    killSignal: 'SIGKILL',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  for (const fd of fds) {
    closeSync(fd)
  }
  const outcome = new FileOutcome(result, [program, ...rest].join(' '), files)
  if (isTsrun) noteCall(args, outcome.stderr)
  return outcome
}

/** A runtime that is still running: its output so far, and its end. */
export interface RunningCall {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<{ readonly status: number | null; readonly signal: string | null }>
}

/** Calls the runtime without waiting. stdin is a pipe. */
export function startRuntime(args: readonly string[], options: CallOptions = {}): RunningCall {
  const [program = '', ...rest] = commandLine(args, options)
  const call = startProgram(program, rest, options)
  const noted = call.ended.then((end) => {
    if (isTsrun) noteCall(args, call.stderr())
    return end
  })
  return { ...call, ended: noted }
}

/** Starts any program as `startRuntime` does. */
export function startProgram(program: string, args: readonly string[], options: CallOptions = {}): RunningCall {
  const files = [newPath('stdout'), newPath('stderr')] as const
  const fds = [openSync(files[0], 'a'), openSync(files[1], 'a')] as const
  const child = spawn(program, args, {
    stdio: ['pipe', ...fds],
    env: environment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  closeSync(fds[0])
  closeSync(fds[1])
  const ended = new Promise<{ status: number | null; signal: string | null }>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (status, signal) => resolve({ status, signal }))
  })
  child.stdin?.on('error', () => undefined)
  return {
    child,
    stdout: () => readFileSync(files[0], 'utf8'),
    stderr: () => readFileSync(files[1], 'utf8'),
    ended,
  }
}

/** Polls until a condition holds. Fails after `timeoutMs` with `what`. */
export async function until(what: string, condition: () => boolean, timeoutMs = 5000): Promise<void> {
  const end = performance.now() + scaled(timeoutMs)
  while (!condition()) {
    if (performance.now() > end) {
      throw new Error(`never came true: ${what}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
