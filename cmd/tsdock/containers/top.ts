// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { runtimeOf } from '../../../bundles/containers/runtime.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'

async function hostProcesses(options: readonly string[]): Promise<readonly string[]> {
  const child = spawn('ps', options, { stdio: ['ignore', 'pipe', 'pipe'] })
  const missing = once(child, 'error').then(() => {
    throw new DockError('the program ps is missing (Debian: procps)')
  })
  const [out, said, [status]] = await Promise.race([
    Promise.all([
      text(child.stdout.pipe(new PassThrough())),
      text(child.stderr.pipe(new PassThrough())),
      once(child, 'close') as Promise<[number | null]>,
    ]),
    missing,
  ])
  if (status !== 0) throw new DockError(`ps ${options.join(' ')}: ${said.trim()}`)
  return out.trimEnd().split('\n')
}

/** `tsdock top` */
export async function runTop(invocation: CommandInvocation): Promise<number> {
  const [name = '', ...given] = invocation.positionals
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    const { record, state } = await storage.containers.find(name)
    if (state.status !== 'running') throw new DockError(`container ${record.id} is not running`)
    const pids = JSON.parse(await runtimeOf(storage, record).call(['ps', '--format', 'json', record.id])) as number[]
    const options = given.length === 0 ? ['-ef'] : given
    const [head = '', ...lines] = await hostProcesses(options)
    const at = head.trim().split(/\s+/).indexOf('PID')
    if (at < 0) throw new DockError("Couldn't find PID field in ps output")
    const wanted = new Set(pids.map(String))
    const kept = lines.filter((line) => wanted.has(line.trim().split(/\s+/)[at] ?? ''))
    process.stdout.write([head, ...kept].map((line) => `${line}\n`).join(''))
    return 0
  } finally {
    await storage.release()
  }
}
