// SPDX-License-Identifier: Apache-2.0
import type { Descriptor, Index, Platform } from '../../spec/image/documents.ts'
import { DockError } from '../error.ts'

const architectures: Readonly<Record<string, Platform>> = {
  x64: { os: 'linux', architecture: 'amd64' },
  arm64: { os: 'linux', architecture: 'arm64', variant: 'v8' },
  arm: { os: 'linux', architecture: 'arm', variant: 'v7' },
  ia32: { os: 'linux', architecture: '386' },
  ppc64: { os: 'linux', architecture: 'ppc64le' },
  riscv64: { os: 'linux', architecture: 'riscv64' },
  s390x: { os: 'linux', architecture: 's390x' },
  loong64: { os: 'linux', architecture: 'loong64' },
}

/** The platform of this machine, in the words of images. */
export function hostPlatform(arch: string = process.arch): Platform {
  return architectures[arch] ?? { os: 'linux', architecture: arch }
}

export const platformText = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')

/** Variants that say nothing: what an image without one means. */
const impliedVariant: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7', amd64: 'v1' }

const variantOf = (platform: Platform): string => platform.variant ?? impliedVariant[platform.architecture] ?? ''

/** How well an image fits: 0 not at all; an older variant of the same architecture runs, the nearest one is best. */
function fitness(wanted: Platform, offered: Platform): number {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return 0
  const [want, offer] = [variantOf(wanted), variantOf(offered)]
  if (want === offer) return 1000
  const [wantLevel, offerLevel] = [Number(want.slice(1)), Number(offer.slice(1))]
  return Number.isFinite(wantLevel) && offerLevel < wantLevel ? 100 + offerLevel : 0
}

/** Whether programs of one platform are what is wanted for another. */
export const suits = (wanted: Platform, offered: Platform): boolean => fitness(wanted, offered) > 0

/** Chooses the image of an index for a platform. Errors: DockError with what there is. */
export function choosePlatform(index: Index, wanted: Platform, name: string): Descriptor {
  const offers = index.manifests.filter((one) => one.platform !== undefined && one.platform.os !== 'unknown')
  const rated = offers.map((one) => ({ one, rate: one.platform === undefined ? 0 : fitness(wanted, one.platform) }))
  const best = rated.filter(({ rate }) => rate > 0).sort((a, b) => b.rate - a.rate)[0]
  if (best !== undefined) return best.one
  const [only] = index.manifests
  if (index.manifests.length === 1 && only !== undefined && only.platform === undefined) return only
  const there = offers.map((one) => (one.platform === undefined ? '' : platformText(one.platform))).join(', ')
  throw new DockError(`${name}: no image for ${platformText(wanted)}; there are: ${there === '' ? 'none' : there}`)
}
