// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, merge, withArgs, withMounts } from './bundle.ts'
import { type Container, mustSucceed, withContainer } from './container.ts'
import type { Need } from './host.ts'
import { type CallOptions, callRuntime, type Outcome, until } from './runtime.ts'
import { newDir, stateRoot } from './work-dir.ts'

let checked: string | undefined

/** Needs criu, and a kernel that it works on. */
export const needsCriu: Need = () => {
  if (checked === undefined) {
    const { error, status, stdout, stderr } = spawnSync('criu', ['check'], { encoding: 'utf8' })
    const reason = /Error[^\n]*/.exec(`${stdout}${stderr}`)?.[0] ?? `status ${status}`
    if (error !== undefined) checked = 'no criu on this host'
    else checked = status === 0 ? '' : `criu check: ${reason}`
  }
  return checked || undefined
}

/** A feature by the name that `criu check --feature` has for it. */
export function needsCriuFeature(name: string): Need {
  return () => {
    const missing = needsCriu()
    if (missing !== undefined) return missing
    const { status } = spawnSync('criu', ['check', '--feature', name])
    return status === 0 ? undefined : `criu has no ${name} on this host`
  }
}

/** Neither the runtime nor the container keeps a file of the host open. */
export const quiet: CallOptions = { wrapper: ['sh', '-c', 'exec "$@" >/dev/null 2>&1', 'sh'] }

/** A container that counts in /tmp/count, on a tmpfs. */
export function counting(patch: Json = {}, mounts: readonly Json[] = []): Json {
  const script = 'i=0; while :; do i=$((i+1)); echo $i >/tmp/new; mv /tmp/new /tmp/count; sleep 0.1; done'
  const tmpfs = { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] }
  return merge(withArgs(['sh', '-c', script], withMounts([tmpfs, ...mounts])), patch)
}

export function count(container: Container): number {
  return Number(container.exec(['cat', '/tmp/count']).stdout)
}

/** Two directories for criu. */
export interface Image {
  readonly images: string
  readonly work: string
  readonly flags: readonly string[]
}

export function newImage(): Image {
  const [images, work] = [join(newDir('image'), 'images'), newDir('work')]
  return { images, work, flags: ['--image-path', images, '--work-path', work] }
}

/** Gives a container that runs detached, with the container's own /dev/null as stdio. */
export function withDetached<T>(
  patch: Json | ((id: string) => Json),
  use: (container: Container) => T | Promise<T>,
): Promise<T> {
  return withContainer(patch, async (container) => {
    mustSucceed(container.run(['--detach'], quiet))
    await container.waitForStatus('running')
    return await use(container)
  })
}

/**
 * A process that waits in vfork(2) for a child that criu has stopped before it cannot be stopped: once in a hundred times, with a
 * shell that starts programs, criu gives up after 10 s whoever has called it. So that is tried again.
 */
export function checkpoint(
  container: Container,
  { flags }: Image,
  more: readonly string[] = [],
  options: CallOptions = {},
): Outcome {
  const call = (): Outcome => container.call('checkpoint', [...flags, ...more], [], { timeoutMs: 30_000, ...options })
  const first = call()
  return /could not be stopped within|Timeout reached/.test(first.stderr) ? call() : first
}

/** Restores an image as the container of that bundle. */
export function restore(
  container: Container,
  { flags }: Image,
  more: readonly string[] = ['--detach'],
  options: CallOptions = {},
): Outcome {
  const common = ['--bundle', container.bundle, '--pid-file', container.pidFile]
  return callRuntime(['restore', ...flags, ...common, ...more, container.id], { timeoutMs: 30_000, ...options })
}

/**
 * The same, of a container with a user namespace: criu opens a file of the image without waiting for the ids of the namespace, a
 * race that it loses once in a hundred times, and more often on a busy host.
 */
export function restoreInUserns(container: Container, image: Image): Outcome {
  for (let left = 4; ; left--) {
    const outcome = restore(container, image)
    if (left === 0 || !/timens-0\.img: Permission denied/.test(outcome.stderr)) return outcome
  }
}

export function isGone(container: Container): boolean {
  return container.call('state').status !== 0 && !existsSync(join(stateRoot, container.id))
}

/** Waits until the counter has been written, then writes an image. Returns what it had counted at least. */
export async function checkpointCounting(
  container: Container,
  image: Image,
  more: readonly string[] = [],
): Promise<number> {
  await until('it counts', () => count(container) > 2, 10_000)
  const before = count(container)
  mustSucceed(checkpoint(container, image, more))
  assert.ok(readdirSync(image.images).includes('inventory.img'), 'an image was written')
  return before
}

/** It goes on where the image was made: it neither starts anew nor stands still. */
export async function assertCounts(container: Container, from: number): Promise<void> {
  assert.is(container.status(), 'running')
  await until(`it counts on from ${from}`, () => count(container) > from, 10_000)
  const now = count(container)
  await until('it does not stand still', () => count(container) > now, 10_000)
}
