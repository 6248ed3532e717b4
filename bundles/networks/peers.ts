// SPDX-License-Identifier: Apache-2.0
// Containers on the same networks find each other by name: /etc/hosts of each says where the others are.

import { type HostsLine, rewriteInPlace, withPeers } from './hosts.ts'
import { addressesOf, type Sandbox } from './sandbox.ts'
import { attachmentNames } from './sandbox-settings.ts'

/** Who is on a container's networks, itself included. Those that are not up yet have no place. */
export function peersOf(sandbox: Sandbox, sandboxes: readonly Sandbox[]): readonly HostsLine[] {
  const up = sandboxes.filter((one) => one.settings !== undefined)
  const others = up.sort((a, b) => (a.name < b.name ? -1 : 1))
  return sandbox.attachments.flatMap(({ network }) =>
    others.flatMap((other) => {
      const attachment = other.attachments.find((one) => one.network.Id === network.Id)
      if (attachment === undefined) return []
      const links = (sandbox.links ?? []).filter(({ id }) => id === other.id).map(({ alias }) => alias)
      const names = attachmentNames(other, attachment).flatMap((name) =>
        name === other.name ? [name, `${name}.${network.Name}`] : [name],
      )
      const all = [...names, ...links.filter((alias) => !names.includes(alias))]
      return addressesOf(attachment).map((address) => ({ address, names: all }))
    }),
  )
}

/** Brings the files of all containers up to date. pathOf: a container's /etc/hosts on the host. Under the lock. */
export async function publishHosts(all: readonly Sandbox[], pathOf: (id: string) => string): Promise<void> {
  for (const sandbox of all) {
    if (sandbox.settings === undefined) continue
    // The file of a container that is going away is no reason for another one to fail.
    await rewriteInPlace(pathOf(sandbox.id), (old) => withPeers(old, peersOf(sandbox, all))).catch(() => undefined)
  }
}
