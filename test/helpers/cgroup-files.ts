// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from './bundle.ts'
import { type Container, mustSucceed, runOnce, withContainer } from './container.ts'
import { cgroupVersion, type Need, readCgroupDir, readCgroupMounts } from './host.ts'
import { type Attempt, parseAttempts } from './report.ts'
import { mark, newPath } from './work-dir.ts'

/** Is there where cgroups have realtime bandwidth of their own. */
export const RT_RUNTIME = 'cpu.rt_runtime_us'

/** Value of a cgroup file of a created container, trimmed; on v2 the controller does not matter. */
export function cgroupFile(container: Container, controller: string, file: string): string {
  const dir = readCgroupDir(container.pid(), cgroupVersion === 1 ? controller : '') ?? ''
  return readFileSync(join(dir, file), 'utf8').trim()
}

/** Creates a container with these limits and compares files of one controller. */
export async function expectFiles(
  resources: Json,
  controller: string,
  files: Readonly<Record<string, string | RegExp>>,
): Promise<void> {
  await withContainer(withArgs(['true'], { linux: { resources } }), (container) => {
    mustSucceed(container.create())
    for (const [file, expected] of Object.entries(files)) {
      const value = cgroupFile(container, controller, file)
      if (typeof expected === 'string') assert.is(value, expected, file)
      else assert.match(value, expected, file)
    }
  })
}

/** Needs a file in the cgroups of a controller; the root has not all of them, and not every kernel has every one. */
export function needsCgroupFile(controller: string, file: string): Need {
  return () => {
    const mount = readCgroupMounts().find(
      ({ version, controllers }) => version === cgroupVersion && (version === 2 || controllers.includes(controller)),
    )
    if (mount === undefined) return `no cgroup controller "${controller}" on this host`
    const child = join(mount.dir, `${mark}-need`)
    try {
      mkdirSync(child)
    } catch {
      return 'needs to make cgroups'
    }
    const found = existsSync(join(child, file))
    rmdirSync(child)
    return found ? undefined : `this kernel has no ${file}`
  }
}

/** Needs some of the realtime bandwidth of the host, where cgroups have to be given a part of it. */
export const needsRealtime: Need = () => {
  if (needsCgroupFile('cpu', RT_RUNTIME)() !== undefined) return undefined
  const mount = readCgroupMounts().find(({ controllers }) => controllers.includes('cpu'))
  const child = join(mount?.dir ?? '', `${mark}-realtime`)
  mkdirSync(child)
  try {
    writeFileSync(join(child, RT_RUNTIME), '10000')
    return undefined
  } catch {
    return 'other cgroups have all of the realtime bandwidth'
  } finally {
    rmdirSync(child)
  }
}

/** What the probe can do in a container with these limits. */
export async function attemptsIn(words: string, resources: Json, patch: Json = {}): Promise<readonly Attempt[]> {
  const config = withArgs(['probe', ...words.split(' ')], { ...patch, linux: { resources } })
  return parseAttempts(mustSucceed(await runOnce(config)).stdout)
}

/**
 * Runs a container where a v1 controller is mounted that this host has, but does not use, and gives files of its cgroup.
 * The mount is in a mount namespace of the call's own; a hook reads the files there.
 */
export async function filesOfUnmounted(
  controller: string,
  resources: Json,
  files: readonly string[],
): Promise<readonly string[]> {
  const dir = newPath('hierarchy')
  const log = newPath('files')
  mkdirSync(dir)
  const script = files.map((file) => `cat ${dir}/*/${file} >>${log}; echo --- >>${log}`).join('; ')
  const hooks = {
    createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', `sleep 0; ${script}`], env: ['PATH=/bin:/usr/bin'] }],
  }
  const mount = `mount -t cgroup -o ${controller} none ${dir} && exec "$@"`
  const wrapper = ['unshare', '-m', 'sh', '-c', mount, 'sh']
  mustSucceed(await runOnce(withArgs(['true'], { hooks, linux: { resources } }), { wrapper }))
  return readFileSync(log, 'utf8').split('---\n').slice(0, -1)
}

/** Needs a v1 controller that the kernel has and that can be mounted. */
export function needsUnmounted(controller: string): Need {
  return () => {
    const line = readFileSync('/proc/cgroups', 'utf8')
      .split('\n')
      .find((text) => text.startsWith(`${controller}\t`))
    if (line === undefined) return `this kernel has no cgroup controller "${controller}"`
    return cgroupVersion === 1 ? undefined : 'this host has cgroup v2 only'
  }
}

export const MEBIBYTE: number = 1024 * 1024
