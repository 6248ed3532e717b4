// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TsrunError } from '../../spec/error.ts'
import type { Spec } from '../../spec/runtime/config.ts'
import { findNamespace, hasFlag, hostPath, option } from '../compile/context.ts'
import { compileCheckpoint, externalTypes } from '../criu/compile-checkpoint.ts'
import { compileRestore, type RestoreInput } from '../criu/compile-restore.ts'
import { DESCRIPTORS_FILE, inheritedPipes } from '../criu/descriptors.ts'
import { explainFailure } from '../criu/explain-log.ts'
import { parseMountTable } from '../criu/mount-table.ts'
import { checkRestoreFlags, criuDirectories, logPath } from '../criu/options.ts'
import type { EncodeCriuRequest } from '../criu/rpc.ts'
import type { PlanRequest } from '../facts/request.ts'
import type { Plan } from '../plan/plan.ts'
import { readConfig } from '../plan-request.ts'
import { readContainer } from '../state/container.ts'
import { errnoText } from '../state/errno-text.ts'
import { readStatePaths } from './container-cgroups.ts'
import { writeDescriptors } from './external-pipes.ts'
import { canReach, followLinks } from './host-paths.ts'
import { readOwned } from './read-owned.ts'
import { resolveInRoot } from './resolve-in-root.ts'

/** Where criu is looked for behind PATH. */
const usualPlaces = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
const configFiles = ['/etc/criu/tsrun.conf', '/etc/criu/runc.conf'] as const
const PRIVATE = 0o700
const filesOfCriu = /\.img$|^(?:dump|restore)\.log$|^stats-(?:dump|restore)$|^irmap-cache$/
const LARGEST_LOG = 16 << 20
const LARGEST_DESCRIPTORS = 4096

/**
 * The plan for a request of `checkpoint` or `restore`. Unlike other plans it is made with a look at files: what is in the
 * container and in the image decides. A checkpoint makes the directories. Errors: all that concern a config; host, state.
 */
export function planCriu(given: PlanRequest, encode: EncodeCriuRequest): Plan {
  // The front sends those mounts alone that other plans are made of.
  const facts = { ...given.facts, mountinfo: readFileSync('/proc/self/mountinfo', 'utf8') }
  const request: PlanRequest = { ...given, facts }
  const criu = findCriu(request.facts.env.get('PATH') ?? '')
  const { spec, warnings } = readConfig(request)
  const program = { criu, encode, configFile: configFile() }
  const plan =
    request.verb === 'checkpoint' ? planCheckpoint(request, spec, program) : planRestore(request, spec, program)
  return { ...plan, warnings: [...warnings, ...plan.warnings] }
}

/** What a failed call of criu means, as the error that it is. */
export function criuFailure(request: PlanRequest, failure: string): TsrunError {
  const path = logPath(request)
  const log = readOwned(path, LARGEST_LOG)
  return new TsrunError('executor', explainFailure(request.verb, failure, path, log))
}

function findCriu(path: string): string {
  for (const directory of [...path.split(':').filter((part) => part.startsWith('/')), ...usualPlaces]) {
    const file = join(directory, 'criu')
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // The next one may be it.
    }
  }
  throw new TsrunError('host', 'criu: the program is not installed on this host (package criu)')
}

function configFile(): string {
  return configFiles.find((file) => existsSync(file)) ?? configFiles[1]
}

type Program = Pick<RestoreInput, 'criu' | 'encode' | 'configFile'>

function planCheckpoint(request: PlanRequest, spec: Spec, program: Program): Plan {
  const container = readContainer(request.root, request.id)
  const { pid, plan } = container
  const root = `/proc/${pid}/root`
  const compiled = compileCheckpoint(request, spec, {
    ...program,
    rootfs: plan.fields.rootfs,
    freezerFile: plan.fields.freezerFile,
    cgroup: readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
    cgroupPaths: readStatePaths(container).cgroups,
    mounts: parseMountTable(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')),
    resolve: (path) => resolveInRoot(root, path),
    follow: followLinks,
    namespaceInodes: Object.fromEntries(
      externalTypes(spec).map((type) => [type, inodeOf(findNamespace(spec.linux, type)?.path ?? '')]),
    ),
  })
  // Nothing is made for a request that is refused.
  const { images, work } = criuDirectories(request)
  makeDirectory('--image-path', images)
  if (work !== undefined) makeDirectory('--work-path', work)
  checkParent(request, images)
  checkFiles(images)
  if (work !== undefined) checkFiles(work)
  if (!hasFlag(request, 'pre-dump')) writeDescriptors(container, images)
  return compiled
}

function inodeOf(path: string): number {
  try {
    return statSync(path).ino
  } catch (e: unknown) {
    throw new TsrunError('host', `linux.namespaces: stat "${path}": ${errnoText(e)}`, { cause: e })
  }
}

function makeDirectory(flag: string, path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: PRIVATE })
  } catch (e: unknown) {
    throw new TsrunError('host', `${flag}: mkdir "${path}": ${errnoText(e)}`, { cause: e })
  }
}

function checkParent(request: PlanRequest, images: string): void {
  const parent = option(request, 'parent-path') || undefined
  if (parent === undefined) return
  const path = join(images, parent)
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new TsrunError('usage', `invalid --parent-path: "${path}" is no directory (it counts from --image-path)`)
  }
}

/**
 * criu opens its files by name, for writing too: a link in the place of one would lead it to any file of the host (as in
 * CVE-2026-53489), and a pipe would keep it waiting. What else lies in the directory is the caller's own.
 */
function checkFiles(directory: string): void {
  let entries: ReturnType<typeof list>
  try {
    entries = list(directory)
  } catch (e: unknown) {
    throw new TsrunError('host', `image: open "${directory}": ${errnoText(e)}`, { cause: e })
  }
  for (const entry of entries) {
    if (!filesOfCriu.test(entry.name) || entry.isFile()) continue
    throw new TsrunError('state', `image: "${directory}/${entry.name}" is no regular file: criu must not open it`)
  }
}

function list(directory: string) {
  return readdirSync(directory, { withFileTypes: true })
}

function planRestore(request: PlanRequest, spec: Spec, program: Program): Plan {
  checkRestoreFlags(request, spec)
  const { images, work } = criuDirectories(request)
  checkFiles(images)
  if (work !== undefined) {
    makeDirectory('--work-path', work)
    checkFiles(work)
  }
  const file = join(images, DESCRIPTORS_FILE)
  const descriptors = readOwned(file, LARGEST_DESCRIPTORS)
  if (descriptors === undefined) {
    throw new TsrunError('state', `image: "${file}" cannot be read: is "${images}" an image of a container?`)
  }
  const rootfs = hostPath(request, spec.root?.path ?? '')
  return compileRestore(request, spec, {
    ...program,
    resolve: (path) => resolveInRoot(rootfs, path),
    follow: followLinks,
    reaches: (path) => canReach(path, spec.linux),
    hasParent: existsSync(join(images, 'parent')),
    pipes: inheritedPipes(descriptors, file),
  })
}
