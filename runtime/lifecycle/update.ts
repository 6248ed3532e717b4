// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import { withExactIntegers } from '../../spec/exact-integer.ts'
import type { LinuxResources } from '../../spec/runtime/resources.ts'
import { correctFieldNames } from '../../spec/field-names.ts'
import { validateResources } from '../../spec/validate.ts'
import { compileUpdate } from '../cgroups/compile-update.ts'
import { readContainer, type StoredContainer } from '../state/container.ts'
import { errnoText } from '../state/errno-text.ts'
import { resolveStateRoot } from '../state/state-root.ts'
import { cgroupReader, readStatePaths } from './container-cgroups.ts'
import { readBundle } from './read-bundle.ts'
import type { RuntimeOptions } from './run-front.ts'
import { setUnitProperties } from './set-unit-properties.ts'
import { withLock } from './with-lock.ts'
import { readIfPossible, writeLimits, writeSetting } from './write-limits.ts'

/** New limits of a container. */
export interface UpdateOptions extends Pick<RuntimeOptions, 'root' | 'executable'> {
  /** What is absent or zero stays as it is. Device rules cannot be changed. */
  readonly resources: LinuxResources
  /** Lines for the container's resctrl group, as in linux.intelRdt. */
  readonly l3CacheSchema?: string | undefined
  readonly memBwSchema?: string | undefined
}

/**
 * Changes the limits of a container that is created, running or paused. Returns warnings.
 * Errors: invalid-id, not-found, wrong-state, state, invalid-config, not-supported, cgroup.
 */
export async function update(id: string, options: UpdateOptions): Promise<readonly string[]> {
  const root = resolveStateRoot(options.root)
  readContainer(root, id) // an unknown container fails before anything is locked
  // Of two updates at a time one would take back what the other has set, and a pause or delete may come between.
  return withLock(root, id, options.executable, () => updateLocked(root, id, options))
}

function updateLocked(root: string, id: string, options: UpdateOptions): readonly string[] {
  const container = readContainer(root, id)
  if (container.status === 'stopped') {
    throw new TsrunError('wrong-state', 'container not running: limits of a stopped one cannot be changed')
  }
  const { cgroups, intelRdt } = readStatePaths(container)
  const schemata = checkSchemata(options, intelRdt)
  checkResources(options.resources)
  const { changes, properties, warnings } = compileUpdate(
    withUsageCheck(options.resources, container),
    cgroups,
    cgroupReader(cgroups),
  )
  const goBack = writeLimits(changes)
  try {
    // systemd rounds, and writes as well: what was asked for is to stand in the end.
    if (setUnitProperties(container.plan, properties, options.executable)) writeLimits(changes)
  } catch (e: unknown) {
    goBack()
    throw e
  }
  if (schemata !== '') writeSchemata(intelRdt, schemata)
  return warnings
}

/** Errors: invalid-config, with all problems. */
function checkResources(resources: LinuxResources): void {
  const problems = validateResources(resources)
  const [first] = problems
  if (first === undefined) return
  const texts = problems.map(({ pointer, message, section }) => {
    return `${pointer === '' ? '' : 'linux.resources.'}${message} (${section})`
  })
  throw new TsrunError('invalid-config', texts.join('; '), { pointer: `/linux/resources${first.pointer}` })
}

/** checkBeforeUpdate is a field of config.json: it holds for an update that says nothing else. */
function withUsageCheck(resources: LinuxResources, { plan }: StoredContainer): LinuxResources {
  if (resources.memory === undefined || resources.memory.checkBeforeUpdate !== undefined) return resources
  const checkBeforeUpdate = checksBefore(plan.fields.bundle)
  return { ...resources, memory: withExactIntegers({ ...resources.memory, checkBeforeUpdate }, resources.memory) }
}

function checksBefore(bundle: string): boolean {
  try {
    const config = JSON.parse(readBundle(bundle).config)
    correctFieldNames(config, '')
    return config?.linux?.resources?.memory?.checkBeforeUpdate === true
  } catch {
    // Gone, or no longer what the container was made of.
    return false
  }
}

/** Errors: not-supported for a container that is in no resctrl group. */
function checkSchemata({ l3CacheSchema = '', memBwSchema = '' }: UpdateOptions, group: string): string {
  const lines = [l3CacheSchema, memBwSchema].filter((line) => line !== '')
  if (lines.length > 0 && group === '') {
    const flag = l3CacheSchema === '' ? '--mem-bw-schema' : '--l3-cache-schema'
    throw new TsrunError(
      'not-supported',
      `${flag}: the container has no resctrl group, as its config.json had no linux.intelRdt`,
    )
  }
  return lines.map((line) => `${line}\n`).join('')
}

/** The kernel tells what is wrong with a line in a file of its own. */
function writeSchemata(group: string, schemata: string): void {
  const path = `${group}/schemata`
  try {
    writeSetting(path, schemata)
  } catch (e: unknown) {
    const told = readIfPossible(`${group}/info/last_cmd_status`) ?? readIfPossible(`${group}/../info/last_cmd_status`)
    const why = told === undefined ? '' : ` (${told.trim()})`
    throw new TsrunError('cgroup', `linux.intelRdt.schemata: write to "${path}"${why}: ${errnoText(e)}`, { cause: e })
  }
}
