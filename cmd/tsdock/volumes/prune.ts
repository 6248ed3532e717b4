// SPDX-License-Identifier: Apache-2.0
// `container prune`, `image prune` and `system prune`. Mending comes first: what a killed process left is not in use.

import type { Container } from '../../../bundles/containers/container-store.ts'
import { forgetImages, pruneContainers } from '../../../bundles/containers/prune.ts'
import { collectGarbage, removeLeftovers } from '../../../bundles/images/garbage.ts'
import { hostPlatform } from '../../../bundles/images/platform.ts'
import type { StoredImage } from '../../../bundles/images/store.ts'
import { type NetworkRecord, predefined } from '../../../bundles/networks/network.ts'
import { Networks } from '../../../bundles/networks/networks.ts'
import { openImage, openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import { isAnonymous, type Volume } from '../../../bundles/volumes/volumes.ts'
import type { CommandInvocation } from '../command.ts'
import { isConfirmed } from '../confirm.ts'
import { compileFilters, type FilterTest, momentOf } from '../filters.ts'
import { hasLabel } from '../../../bundles/labels.ts'
import { sizeText } from '../table.ts'
import { pruneVolumes } from './volume.ts'

type Labels = Readonly<Record<string, string>> | null | undefined

/** The filters that all of these know. */
function pruneTests<T>(
  labels: (item: T) => Labels,
  created: (item: T) => number,
): Readonly<Record<string, FilterTest<T>>> {
  return {
    'label': (item, value) => hasLabel(labels(item), value),
    'label!': (item, value) => !hasLabel(labels(item), value),
    'until': (item, value) => created(item) <= momentOf(value),
  }
}

interface LabelledImage {
  readonly image: StoredImage
  readonly labels: Labels
}

interface Pruner {
  readonly container: (container: Container) => boolean
  readonly image: (image: LabelledImage) => boolean
  readonly network: (network: NetworkRecord) => boolean
  readonly volume: (volume: Volume) => boolean
}

/** Errors: DockError, for a filter that there is not. */
function pruner(filters: readonly string[]): Pruner {
  return {
    container: compileFilters(
      filters,
      pruneTests<Container>(
        ({ record }) => record.config.Labels,
        ({ record }) => Date.parse(record.created),
      ),
    ),
    image: compileFilters(
      filters,
      pruneTests<LabelledImage>(
        ({ labels }) => labels,
        ({ image }) => image.added,
      ),
    ),
    network: compileFilters(
      filters,
      pruneTests<NetworkRecord>(
        ({ Labels }) => Labels,
        ({ Created }) => Date.parse(Created),
      ),
    ),
    volume: compileFilters(
      filters,
      pruneTests<Volume>(
        ({ Labels }) => Labels,
        ({ CreatedAt }) => Date.parse(CreatedAt),
      ),
    ),
  }
}

async function labelsOf({ images }: Storage, { descriptor }: StoredImage): Promise<Labels> {
  const opened = await openImage(images, descriptor, hostPlatform(), '').catch(() => undefined)
  return opened?.config.config?.Labels
}

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `${title}:\n${lines.map((line) => `${line}\n`).join('')}\n`

const total = (bytes: number): string => `Total reclaimed space: ${sizeText(bytes)}\n`

/** Nobody else uses the storage meanwhile. */
async function alone(place: string | undefined, job: (storage: Storage) => Promise<string>): Promise<number> {
  const storage = await openStorage(storageDirectory(place), 'exclusive')
  try {
    await removeLeftovers(storage)
    process.stdout.write(await job(storage))
    return 0
  } finally {
    await storage.release()
  }
}

/** `tsdock container prune` */
export async function runContainerPrune({ isSet, list, storage }: CommandInvocation): Promise<number> {
  const accepts = pruner(list('filter'))
  const warning = 'WARNING! This will remove all stopped containers.'
  if (!isSet('force') && !(await isConfirmed(warning))) return 1
  return alone(storage, async (opened) => {
    const { ids, bytes } = await pruneContainers(opened, accepts.container)
    return section('Deleted Containers', ids) + total(bytes)
  })
}

const forget = (storage: Storage, all: boolean, accepts: Pruner): Promise<readonly string[]> =>
  forgetImages(storage, {
    all,
    accepts: async (image) => accepts.image({ image, labels: await labelsOf(storage, image) }),
  })

/** `tsdock image prune` */
export async function runImagePrune({ isSet, list, storage }: CommandInvocation): Promise<number> {
  const accepts = pruner(list('filter'))
  const all = isSet('all')
  const which = all ? 'all images without at least one container associated to them' : 'all dangling images'
  if (!isSet('force') && !(await isConfirmed(`WARNING! This will remove ${which}.`))) return 1
  return alone(storage, async (opened) => {
    const lines = await forget(opened, all, accepts)
    const { bytes } = await collectGarbage(opened, { all: false })
    return section('Deleted Images', lines) + total(bytes)
  })
}

function systemWarning(all: boolean, volumes: boolean, filters: readonly string[]): string {
  const parts = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ]
  const items = parts.map((part) => `  - ${part}\n`).join('')
  const filtered =
    filters.length === 0
      ? ''
      : `\n  Items to be pruned will be filtered with:\n${filters.map((filter) => `  - ${filter}\n`).join('')}`
  return `WARNING! This will remove:\n${items}${filtered}`
}

/** `tsdock system prune` */
export async function runSystemPrune({ isSet, list, storage }: CommandInvocation): Promise<number> {
  const filters = list('filter')
  const accepts = pruner(filters)
  const [all, volumes] = [isSet('all'), isSet('volumes')]
  if (!isSet('force') && !(await isConfirmed(systemWarning(all, volumes, filters)))) return 1
  return alone(storage, async (opened) => {
    const containers = await pruneContainers(opened, accepts.container)
    const networks = new Networks(opened)
    const removedNetworks = await networks.prune(
      (network) => !predefined.includes(network.Name) && accepts.network(network),
    )
    await networks.removeIdleBridges()
    const removed = volumes
      ? await pruneVolumes(opened, (volume) => isAnonymous(volume) && accepts.volume(volume))
      : { names: [], bytes: 0 }
    const images = await forget(opened, all, accepts)
    const { bytes } = await collectGarbage(opened, { all })
    return (
      section('Deleted Containers', containers.ids) +
      section('Deleted Networks', removedNetworks) +
      section('Deleted Volumes', removed.names) +
      section('Deleted Images', images) +
      total(containers.bytes + removed.bytes + bytes)
    )
  })
}
