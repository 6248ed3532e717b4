// SPDX-License-Identifier: Apache-2.0
// The Container Device Interface (cncf-tags/container-device-interface, SPEC.md): files of vendors say what a container needs to
// use a device of theirs.

import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Spec } from '../../spec/runtime/config.ts'
import type { LinuxDevice } from '../../spec/runtime/devices.ts'
import type { Hook, Hooks } from '../../spec/runtime/hooks.ts'
import type { LinuxIntelRdt } from '../../spec/runtime/linux.ts'
import { DockError } from '../error.ts'
import { mergeEnv } from './container-spec.ts'
import { deviceNumbers } from './host-devices.ts'

interface DeviceNode {
  readonly path: string
  readonly hostPath?: string
  readonly type?: string
  readonly major?: number
  readonly minor?: number
  readonly fileMode?: number
  readonly permissions?: string
  readonly uid?: number
  readonly gid?: number
}

interface CdiMount {
  readonly hostPath: string
  readonly containerPath: string
  readonly options?: readonly string[]
  readonly type?: string
}

interface CdiHook extends Hook {
  readonly hookName: keyof Hooks
}

/** `containerEdits` */
export interface ContainerEdits {
  readonly env?: readonly string[]
  readonly deviceNodes?: readonly DeviceNode[]
  readonly mounts?: readonly CdiMount[]
  readonly hooks?: readonly CdiHook[]
  readonly additionalGids?: readonly number[]
  readonly intelRdt?: LinuxIntelRdt
}

interface CdiFile {
  readonly cdiVersion: string
  /** vendor/class */
  readonly kind: string
  readonly devices: readonly { readonly name: string; readonly containerEdits?: ContainerEdits }[]
  readonly containerEdits?: ContainerEdits
}

/** Where files are looked for; those of the later one count before those of the earlier. */
export const cdiDirectories: readonly string[] = ['/etc/cdi', '/var/run/cdi']

/** --cdi-spec-dir: others, in their place. Absolute, since containers are started again elsewhere. */
export const chosenDirectories = (given: readonly string[]): readonly string[] =>
  given.length === 0 ? cdiDirectories : given.map((one) => resolve(one))

const isFile = (value: unknown): value is CdiFile => {
  const file = value as Partial<CdiFile> | null
  return (
    typeof file === 'object' &&
    file !== null &&
    typeof file.cdiVersion === 'string' &&
    typeof file.kind === 'string' &&
    /^[^/]+\/[^/]+$/.test(file.kind) &&
    Array.isArray(file.devices)
  )
}

interface Found {
  readonly path: string
  readonly file: CdiFile
}

/** Errors: DockError, when a file is none of CDI: it may be the one that was meant. */
async function readFiles(directories: readonly string[]): Promise<readonly Found[]> {
  const found: Found[] = []
  for (const directory of directories) {
    const names = await readdir(directory).catch(() => [] as string[])
    for (const name of names.filter((one) => /\.(json|ya?ml)$/.test(one)).sort()) {
      const path = join(directory, name)
      const text = await readFile(path, 'utf8')
      let value: unknown
      try {
        value = name.endsWith('.json') ? JSON.parse(text) : (await import('yaml')).parse(text)
      } catch (e: unknown) {
        throw new DockError(`${path}: ${e instanceof Error ? e.message.split('\n')[0] : e}`, { exitCode: 125 })
      }
      if (!isFile(value))
        throw new DockError(`${path}: it is no CDI file: cdiVersion, kind or devices is missing`, { exitCode: 125 })
      found.push({ path, file: value })
    }
  }
  return found
}

/** What devices named `vendor/class=name` need: for each file that is used, its own edits once. Errors: DockError. */
export async function resolveCdi(
  names: readonly string[],
  directories: readonly string[] = cdiDirectories,
): Promise<readonly ContainerEdits[]> {
  if (names.length === 0) return []
  const files = await readFiles(directories)
  const edits: ContainerEdits[] = []
  const used = new Set<CdiFile>()
  const missing: string[] = []
  for (const name of names) {
    const [kind = '', wanted = ''] = name.split(/=(.*)/s, 2)
    const matches = files.flatMap(({ path, file }) =>
      file.kind === kind
        ? file.devices.filter((one) => one.name === wanted).map((device) => ({ path, file, device }))
        : [],
    )
    const last = matches.at(-1)
    if (last === undefined) {
      missing.push(name)
      continue
    }
    if (!used.has(last.file)) edits.push(last.file.containerEdits ?? {})
    used.add(last.file)
    edits.push(last.device.containerEdits ?? {})
  }
  if (missing.length > 0) {
    const known = files.flatMap(({ file }) => file.devices.map((device) => `${file.kind}=${device.name}`))
    throw new DockError(
      `unresolvable CDI devices ${missing.join(', ')} (in ${directories.join(' and ')} there are: ${known.length === 0 ? 'none' : known.join(', ')})`,
      { exitCode: 125 },
    )
  }
  return edits
}

interface Node {
  readonly device: LinuxDevice
  readonly access: string
}

async function nodeOf(node: DeviceNode): Promise<Node> {
  const host = node.hostPath ?? node.path
  const found =
    node.type !== undefined && (node.major !== undefined || node.type === 'p')
      ? undefined
      : await stat(host).catch((e: NodeJS.ErrnoException) => {
          throw new DockError(`the CDI device node ${host}: ${e.code}`, { exitCode: 125 })
        })
  const numbers = found === undefined ? { major: node.major, minor: node.minor ?? 0 } : deviceNumbers(found.rdev)
  const type = node.type ?? (found?.isBlockDevice() === true ? 'b' : 'c')
  return {
    device: {
      path: node.path,
      type: type as LinuxDevice['type'],
      ...(numbers.major === undefined ? {} : { major: numbers.major, minor: numbers.minor }),
      ...(node.fileMode === undefined && found === undefined
        ? {}
        : { fileMode: node.fileMode ?? (found?.mode ?? 0) & 0o777 }),
      ...(node.uid === undefined ? {} : { uid: node.uid }),
      ...(node.gid === undefined ? {} : { gid: node.gid }),
    },
    access: node.permissions ?? 'rwm',
  }
}

function withHooks(hooks: Hooks | undefined, added: readonly CdiHook[]): Hooks | undefined {
  let all = hooks
  for (const { hookName, ...hook } of added) all = { ...all, [hookName]: [...(all?.[hookName] ?? []), hook] }
  return all
}

async function applyOne(spec: Spec, edits: ContainerEdits): Promise<Spec> {
  const { process, linux } = spec
  const nodes = await Promise.all((edits.deviceNodes ?? []).map(nodeOf))
  const hooks = withHooks(spec.hooks, edits.hooks ?? [])
  const gids = [...new Set([...(process?.user.additionalGids ?? []), ...(edits.additionalGids ?? [])])]
  return {
    ...spec,
    ...(process === undefined
      ? {}
      : {
          process: {
            ...process,
            env: mergeEnv(process.env ?? [], edits.env ?? []),
            user: { ...process.user, ...(gids.length === 0 ? {} : { additionalGids: gids }) },
          },
        }),
    mounts: [
      ...(spec.mounts ?? []),
      ...(edits.mounts ?? []).map(({ hostPath, containerPath, options, type }) => ({
        destination: containerPath,
        source: hostPath,
        type: type ?? 'bind',
        options: options ?? ['rbind', 'ro', 'nosuid', 'nodev'],
      })),
    ],
    ...(hooks === undefined ? {} : { hooks }),
    linux: {
      ...linux,
      ...(edits.intelRdt === undefined ? {} : { intelRdt: edits.intelRdt }),
      devices: [...(linux?.devices ?? []), ...nodes.map(({ device }) => device)],
      resources: {
        ...linux?.resources,
        devices: [
          ...(linux?.resources?.devices ?? []),
          ...nodes.map(({ device, access }) => ({
            allow: true,
            type: device.type === 'b' ? ('b' as const) : ('c' as const),
            ...(device.major === undefined ? {} : { major: device.major, minor: device.minor }),
            access,
          })),
        ],
      },
    },
  }
}

/** What devices of these names change in a config.json. Errors: DockError. */
export async function applyCdi(
  spec: Spec,
  names: readonly string[],
  directories: readonly string[] = cdiDirectories,
): Promise<Spec> {
  let edited = spec
  for (const edits of await resolveCdi(names, directories)) edited = await applyOne(edited, edits)
  return edited
}
