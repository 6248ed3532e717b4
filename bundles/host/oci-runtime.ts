// SPDX-License-Identifier: Apache-2.0
// Any OCI runtime, by its command line.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { DockError } from '../error.ts'
import { findProgram, type OverlayMount, overlayArguments } from './files.ts'

export interface RuntimeRun {
  /** Path or name of the program; undefined: tsrun. */
  readonly runtime?: string | undefined
  /** Where the runtime keeps its state. */
  readonly root: string
  readonly id: string
  readonly bundle: string
  /** Mounted while the container runs. */
  readonly overlays: readonly OverlayMount[]
  readonly unprivileged?: boolean | undefined
  /** systemd makes its cgroup. */
  readonly systemdCgroup?: boolean | undefined
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void
  readonly signal?: AbortSignal | undefined
}

export interface RuntimeResult {
  readonly exitCode: number
}

async function forward(stream: Readable, name: 'stdout' | 'stderr', run: RuntimeRun): Promise<void> {
  for await (const chunk of stream) run.onOutput(name, chunk as Uint8Array)
}

/** Runs a container in the foreground until it ends. Errors: DockError when a program cannot be started. */
export async function runContainer(run: RuntimeRun): Promise<RuntimeResult> {
  const runtime = run.runtime ?? findProgram('tsrun')
  const args = [
    'run',
    ...(run.unprivileged === true ? ['--unprivileged'] : []),
    ...run.overlays.flatMap(overlayArguments),
    '--',
    runtime,
    '--root',
    run.root,
    ...(run.systemdCgroup === true ? ['--systemd-cgroup'] : []),
    'run',
    '--bundle',
    run.bundle,
    run.id,
  ]
  const child = spawn(findProgram('tsdock-files'), args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const stop = (): void => {
    child.kill('SIGTERM')
  }
  run.signal?.addEventListener('abort', stop, { once: true })
  try {
    await Promise.all([forward(child.stdout, 'stdout', run), forward(child.stderr, 'stderr', run)])
    const [code, signal] = await exited
    if (run.signal?.aborted === true) throw new DockError('interrupted', { exitCode: 130 })
    if (code === null) throw new DockError(`${runtime}: ended with ${signal}`)
    return { exitCode: code }
  } finally {
    run.signal?.removeEventListener('abort', stop)
  }
}
