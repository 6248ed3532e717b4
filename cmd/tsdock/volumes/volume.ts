// SPDX-License-Identifier: Apache-2.0
import { DockError, messageOf } from '../../../bundles/error.ts'
import { sizeOf } from '../../../bundles/host/files.ts'
import { openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import { isAnonymous, type Volume } from '../../../bundles/volumes/volumes.ts'
import { type CommandInvocation, CommandUsageError } from '../command.ts'
import { isConfirmed } from '../confirm.ts'
import { compileFilters, isTrue, matchesName } from '../filters.ts'
import { hasLabel } from '../../../bundles/labels.ts'
import { sizeText } from '../table.ts'
import { printRows } from '../template/rows.ts'
import { compileTemplate } from '../template/template.ts'

/** `K=V`, or `K` alone. */
function pairs(list: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    list.map((text) => {
      const equals = text.indexOf('=')
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )
}

async function withStorage(place: string | undefined, job: (storage: Storage) => Promise<number>): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  try {
    return await job(storage)
  } finally {
    await storage.release()
  }
}

/** `tsdock volume create` */
export async function runVolumeCreate({ positionals, text, list, storage }: CommandInvocation): Promise<number> {
  const [name = ''] = positionals
  const old = text('name')
  if (old !== undefined && name !== '') {
    throw new CommandUsageError(
      'conflicting options: cannot specify a volume-name through both --name and as a positional arg',
      undefined,
    )
  }
  return withStorage(storage, async ({ volumes }) => {
    const { volume } = await volumes.create({
      name: old ?? name,
      driver: text('driver') ?? '',
      labels: pairs(list('label')),
      options: pairs(list('opt')),
    })
    process.stdout.write(`${volume.Name}\n`)
    return 0
  })
}

interface Listed {
  readonly volume: Volume
  readonly used: boolean
}

const headings = {
  Availability: 'AVAILABILITY',
  Driver: 'DRIVER',
  Group: 'GROUP',
  Labels: 'LABELS',
  Links: 'LINKS',
  Mountpoint: 'MOUNTPOINT',
  Name: 'VOLUME NAME',
  Scope: 'SCOPE',
  Size: 'SIZE',
  Status: 'STATUS',
} as const

const rowOf = ({ Driver, Labels, Mountpoint, Name, Scope }: Volume) => ({
  Availability: 'N/A',
  Driver,
  Group: 'N/A',
  Labels: Object.entries(Labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(','),
  Links: 'N/A',
  Mountpoint,
  Name,
  Scope,
  Size: 'N/A',
  Status: 'N/A',
})

/** `tsdock volume ls` */
export async function runVolumeList(invocation: CommandInvocation): Promise<number> {
  const accepts = compileFilters<Listed>(invocation.list('filter'), {
    dangling: ({ used }, value) => used !== isTrue('dangling', value),
    driver: ({ volume }, value) => volume.Driver === value,
    label: ({ volume }, value) => hasLabel(volume.Labels, value),
    name: ({ volume }, value) => matchesName(volume.Name, value),
  })
  return withStorage(invocation.storage, async ({ volumes }) => {
    const users = await volumes.users()
    const shown = (await volumes.list())
      .map((volume): Listed => ({ volume, used: (users.get(volume.Name)?.length ?? 0) > 0 }))
      .filter(accepts)
      .map(({ volume }) => volume)
    if (invocation.isSet('quiet') && invocation.text('format') === undefined)
      process.stdout.write(shown.map(({ Name }) => `${Name}\n`).join(''))
    else printRows(invocation.text('format'), { headings, columns: ['Driver', 'Name'], rows: shown.map(rowOf) })
    return 0
  })
}

/** `tsdock volume inspect` */
export async function runVolumeInspect(invocation: CommandInvocation): Promise<number> {
  const format = invocation.text('format')
  const print = format === undefined || format === 'json' ? undefined : compileTemplate(format)
  return withStorage(invocation.storage, async ({ volumes }) => {
    const found: Volume[] = []
    const missing: string[] = []
    for (const name of invocation.positionals) {
      const volume = await volumes.find(name)
      if (volume === undefined) missing.push(`tsdock: get ${name}: no such volume\n`)
      else found.push(volume)
    }
    if (print !== undefined) process.stdout.write(found.map((volume) => `${print(volume)}\n`).join(''))
    else if (format === 'json') process.stdout.write(`${JSON.stringify(found)}\n`)
    else process.stdout.write(`${JSON.stringify(found, undefined, 4)}\n`)
    process.stderr.write(missing.join(''))
    return missing.length === 0 ? 0 : 1
  })
}

/** `tsdock volume rm` */
export async function runVolumeRemove({ positionals, isSet, storage }: CommandInvocation): Promise<number> {
  return withStorage(storage, async ({ volumes }) => {
    let status = 0
    for (const name of positionals) {
      try {
        if (!isSet('force') || (await volumes.find(name)) !== undefined) await volumes.remove(name)
        process.stdout.write(`${name}\n`)
      } catch (e: unknown) {
        process.stderr.write(`tsdock: ${messageOf(e)}\n`)
        status = 1
      }
    }
    return status
  })
}

export const volumePruneTests = {
  'label': (volume: Volume, value: string) => hasLabel(volume.Labels, value),
  'label!': (volume: Volume, value: string) => !hasLabel(volume.Labels, value),
}

/** Removes volumes that no container has. Returns their names, and the bytes that they had. */
export async function pruneVolumes(
  { volumes }: Storage,
  accepts: (volume: Volume) => boolean,
): Promise<{ readonly names: readonly string[]; readonly bytes: number }> {
  const users = await volumes.users()
  const names: string[] = []
  let bytes = 0
  for (const volume of await volumes.list()) {
    if ((users.get(volume.Name)?.length ?? 0) > 0 || !accepts(volume)) continue
    const size = await sizeOf(volume.Mountpoint)
    // A container may have come to have it meanwhile.
    const removed = await volumes.remove(volume.Name).then(
      () => true,
      (e: unknown) => {
        if (e instanceof DockError && /volume is in use|no such volume/.test(e.message)) return false
        throw e
      },
    )
    if (!removed) continue
    names.push(volume.Name)
    bytes += size
  }
  return { names, bytes }
}

/** `tsdock volume prune` */
export async function runVolumePrune({ isSet, list, storage }: CommandInvocation): Promise<number> {
  const all = isSet('all')
  const accepts = compileFilters<Volume>(
    list('filter').filter((filter) => !/^all=(1|true)$/.test(filter)),
    volumePruneTests,
  )
  const everything = all || list('filter').some((filter) => /^all=(1|true)$/.test(filter))
  const kind = everything ? 'all local' : 'anonymous local'
  const warning = `WARNING! This will remove ${kind} volumes not used by at least one container.`
  if (!isSet('force') && !(await isConfirmed(warning))) return 1
  return withStorage(storage, async (opened) => {
    const { names, bytes } = await pruneVolumes(
      opened,
      (volume) => (everything || isAnonymous(volume)) && accepts(volume),
    )
    if (names.length > 0) process.stdout.write(`Deleted Volumes:\n${names.map((name) => `${name}\n`).join('')}\n`)
    process.stdout.write(`Total reclaimed space: ${sizeText(bytes)}\n`)
    return 0
  })
}
