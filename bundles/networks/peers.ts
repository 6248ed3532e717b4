// SPDX-License-Identifier: Apache-2.0
// Containers on the same networks find each other by name: /etc/hosts of each says where the others are.

import { open } from 'node:fs/promises'
import { type HostsLine, hostsText, rewriteInPlace, withPeers } from './hosts-file.ts'
import type { Sandbox } from './sandbox.ts'
import { attachmentNames } from './sandbox-settings.ts'

const addressesOf = (sandbox: Sandbox, networkId: string): readonly string[] =>
  sandbox.attachments
    .filter(({ network }) => network.Id === networkId)
    .flatMap(({ result }) => (result?.ips ?? []).map(({ address }) => address.split('/')[0] ?? ''))

/** The others on a container's networks, and its own aliases. Those that are not up yet have no place. */
export function peersOf(sandbox: Sandbox, all: readonly Sandbox[]): readonly HostsLine[] {
  const up = all.filter((one) => one.settings !== undefined || one.id === sandbox.id)
  const others = up.sort((a, b) => (a.name < b.name ? -1 : 1))
  return sandbox.attachments.flatMap(({ network }) =>
    others.flatMap((other) => {
      const attachment = other.attachments.find((one) => one.network.Id === network.Id)
      if (attachment === undefined) return []
      const names = attachmentNames(other, attachment).flatMap((name) =>
        name === other.name ? [name, `${name}.${network.Name}`] : [name],
      )
      return addressesOf(other, network.Id).map((address) => ({ address, names }))
    }),
  )
}

const gatewayOf = (sandbox: Sandbox): string => {
  const networks = Object.values(sandbox.settings?.Networks ?? {})
  return networks.find(({ Gateway }) => Gateway !== '')?.Gateway ?? ''
}

/** A container's /etc/hosts from the start. */
export function sandboxHosts(sandbox: Sandbox, all: readonly Sandbox[]): string {
  const own = sandbox.attachments.flatMap(({ network }) => addressesOf(sandbox, network.Id))
  const { hostname, domainname, extraHosts } = sandbox
  return hostsText({ own, hostname, domainname, extraHosts, gateway: gatewayOf(sandbox), peers: peersOf(sandbox, all) })
}

/** In its place, should it be mounted already. */
async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'a', 0o644)
  await file.close()
  await rewriteInPlace(path, () => text)
}

/** Brings the files of all containers up to date. whole: those that get theirs written from the start. Under the lock. */
export async function publishHosts(all: readonly Sandbox[], whole: readonly string[]): Promise<void> {
  const failures: unknown[] = []
  for (const sandbox of all) {
    if (sandbox.settings === undefined || sandbox.hostsPath === '') continue
    const done = whole.includes(sandbox.id)
      ? writeWhole(sandbox.hostsPath, sandboxHosts(sandbox, all))
      : rewriteInPlace(sandbox.hostsPath, (old) => withPeers(old, peersOf(sandbox, all)))
    // The file of another container, which may be going away, is no reason for this one to fail.
    await done.catch((e: unknown) => {
      if (whole.includes(sandbox.id)) failures.push(e)
    })
  }
  if (failures.length > 0) throw failures[0]
}
