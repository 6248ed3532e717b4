// SPDX-License-Identifier: Apache-2.0

import { portsShown } from './ports.ts'
import type { Attachment, Sandbox } from './sandbox.ts'
import { type EndpointSettings, endpointSettings, namesOf, type NetworkSettings, networkSettings } from './settings.ts'

/** Names by which a container is known on a network. */
export const attachmentNames = (sandbox: Sandbox, { request }: Attachment): readonly string[] =>
  namesOf({ id: sandbox.id, name: sandbox.name, hostname: sandbox.hostname, aliases: request.Aliases })

/** hasIPv6: of the host. */
export function sandboxSettings(sandbox: Sandbox, hasIPv6: boolean): NetworkSettings {
  const networks: Record<string, EndpointSettings> = {}
  for (const attachment of sandbox.attachments) {
    const names = { aliases: attachment.request.Aliases, all: attachmentNames(sandbox, attachment) }
    networks[attachment.network.Name] = endpointSettings(attachment.network, sandbox.id, attachment.result ?? {}, names)
  }
  return networkSettings(sandbox.id, sandbox.netns, networks, portsShown(sandbox.ports, sandbox.exposed, hasIPv6))
}
