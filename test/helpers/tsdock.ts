// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import * as assert from 'uvu/assert'
import { runtimeDirectoryOf } from '../../bundles/storage.ts'
import { scaled } from './slow.ts'
import { mark, newDir, nextNumber, projectDir } from './work-dir.ts'

export const tsdockPath = join(projectDir, 'dist/bin/tsdock')

export interface Run {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: string | Buffer } = {},
): Run {
  const result = spawnSync(program, args, {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    input: options.input ?? '',
    maxBuffer: 256 << 20,
    timeout: scaled(300_000),
  })
  return {
    status: result.status,
    stdout: result.stdout?.toString('latin1') ?? '',
    stderr: result.stderr?.toString('utf8') ?? String(result.error),
  }
}

/** A storage of its own, with the commands of tsdock on it. */
export class Dock {
  readonly storage: string

  constructor(storage = newDir('storage')) {
    this.storage = storage
  }

  run(...args: readonly string[]): Run {
    return runProgram(tsdockPath, args, { env: { TSDOCK_ROOT: this.storage } })
  }

  runWith(options: Parameters<typeof runProgram>[2], ...args: readonly string[]): Run {
    return runProgram(tsdockPath, args, { ...options, env: { TSDOCK_ROOT: this.storage, ...options?.env } })
  }

  /** For a command that this process has to answer meanwhile. */
  async runAsync(...args: readonly string[]): Promise<Run> {
    const child = spawn(tsdockPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', TSDOCK_ROOT: this.storage },
    })
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ])
    return { status, stdout, stderr }
  }

  /** What a command of an image prints: through a bundle, and tsrun. Errors: its status is not 0. */
  runImage(name: string, ...command: readonly string[]): string {
    const bundle = join(newDir('bundle'), 'b')
    this.must('bundle', name, bundle, ...command)
    const id = `${mark}-${nextNumber()}`
    const tsrun = join(projectDir, 'dist/bin/tsrun')
    const result = runProgram(tsrun, ['--root', newDir('state'), 'run', '--bundle', bundle, id])
    if (result.status !== 0) throw new Error(`${name}: status ${result.status}: ${result.stderr}`)
    return result.stdout
  }

  /** Errors: the command failed. */
  must(...args: readonly string[]): Run {
    const result = this.run(...args)
    if (result.status !== 0) throw new Error(`tsdock ${args.join(' ')}: status ${result.status}: ${result.stderr}`)
    return result
  }
}

/** Files of a directory: text, or undefined for a directory. */
export type Files = Readonly<Record<string, string | undefined>>

export function writeFiles(directory: string, files: Files): string {
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name)
    mkdirSync(text === undefined ? path : dirname(path), { recursive: true })
    if (text !== undefined) writeFileSync(path, text)
  }
  return directory
}

const passwd = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n'
const group = 'root:x:0:\napp:x:1000:\nstaff:x:50:app\n'

/** Builds the image `base`: busybox with a few accounts. */
export function buildBase(dock: Dock): void {
  const context = writeFiles(newDir('base'), {
    'etc/passwd': passwd,
    'etc/group': group,
    Dockerfile: `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY etc /etc
RUN mkdir -p -m 1777 /tmp && mkdir -p /root /home/app /var/log && chown 1000:1000 /home/app
ENV BASE=yes
LABEL base=1
CMD ["/bin/sh"]
`,
  })
  copyFileSync('/bin/busybox', join(context, 'busybox'))
  dock.must('build', '-q', '-t', 'localhost/base', context)
}

/** A new context with these files. */
export const newContext = (files: Files): string => writeFiles(newDir('context'), files)

/** Steps, containers and mounts end with the command that made them. */
export function nothingLeft(of: Dock): void {
  assert.equal(existsSync(join(of.storage, 'scratch')) ? readdirSync(join(of.storage, 'scratch')) : [], [])
  const run = join(of.storage, 'run')
  assert.equal(existsSync(run) ? readdirSync(run).filter((name) => name !== 'lock') : [], [])
  assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), of.storage)
  const runtime = runtimeDirectoryOf(of.storage)
  const states = existsSync(join(runtime, 'state')) ? readdirSync(join(runtime, 'state')) : []
  assert.equal(
    states.filter((name) => /^[0-9a-f]{64}$/.test(name)),
    [],
  )
  rmSync(runtime, { recursive: true, force: true })
}
