// SPDX-License-Identifier: Apache-2.0
// A container's place on one network: the chain of plugins, there and back.

import { existsSync } from 'node:fs'
import { DockError, messageOf } from '../error.ts'
import { contains, parseAddress, parseSubnet } from './address.ts'
import type { Cni, CniResult, PluginConfig } from './cni.ts'
import { keepRouterAdvertisements } from './host-routes.ts'
import { ensureNetworkRules } from './network-rules.ts'
import { pluginsOf, pluginTypes, type Wanted } from './network.ts'
import { type Attachment, markOf, type Sandbox, type SandboxStore } from './sandbox.ts'

export interface AttachContext {
  readonly cni: Cni
  readonly sandboxes: SandboxStore
}

/** Addresses that were asked for, with the prefix of their subnets. Errors: DockError. */
function wantedAddresses({ network, request }: Attachment): readonly string[] {
  return [request.IPv4Address, request.IPv6Address]
    .filter((text) => text !== '')
    .map((text) => {
      if (parseAddress(text) === undefined) throw new DockError(`invalid IP address: ${text}`)
      const subnet = network.IPAM.flatMap((one) => parseSubnet(one.Subnet) ?? []).find((one) => contains(one, text))
      if (subnet === undefined) {
        throw new DockError(
          `invalid endpoint settings: no configured subnet of the network ${network.Name} contains the IP address ${text}`,
        )
      }
      return `${text}/${subnet.prefix}`
    })
}

const withAttachment = (sandbox: Sandbox, changed: Attachment): Sandbox => ({
  ...sandbox,
  attachments: sandbox.attachments.map((one) => (one.ifName === changed.ifName ? changed : one)),
})

const attachmentOf = (sandbox: Sandbox, ifName: string): Attachment => {
  const found = sandbox.attachments.find((one) => one.ifName === ifName)
  if (found === undefined) throw new DockError(`${sandbox.id}: it has no ${ifName}`)
  return found
}

/** Runs one more plugin of a chain. Returns what is known of the container after it. */
export async function addPlugin(
  { cni, sandboxes }: AttachContext,
  sandbox: Sandbox,
  ifName: string,
  plugin: PluginConfig,
): Promise<Sandbox> {
  const before = attachmentOf(sandbox, ifName)
  const begun = { ...before, plugins: [...before.plugins, plugin] }
  const { plugin: _, ...idle } = sandbox
  const config = before.result === undefined ? plugin : { ...plugin, prevResult: before.result }
  const call = { command: 'ADD' as const, containerId: sandbox.id, netns: sandbox.netns, ifName }
  const onStart = async (pid: number): Promise<void> => {
    await sandboxes.write({ ...withAttachment(idle, begun), plugin: await markOf(pid) })
  }
  // portmap makes several rules for each port.
  const work = plugin.type === 'portmap' ? sandbox.ports.length : 0
  const answer = await cni.call(call, config, { onStart, work })
  const result: CniResult | undefined = answer ?? before.result
  return sandboxes.write(withAttachment(idle, { ...begun, ...(result === undefined ? {} : { result }) }))
}

/** What host-local says of an address that is taken is not clear by itself. */
function explain(e: unknown, { network, request }: Attachment): unknown {
  const text = messageOf(e)
  const asked = [request.IPv4Address, request.IPv6Address].filter((one) => one !== '')
  if (asked.length > 0 && /is not available|already been allocated|duplicate/.test(text)) {
    return new DockError(`the address ${asked.join(', ')} on the network ${network.Name}: Address already in use`)
  }
  if (/no IP addresses available/.test(text)) {
    return new DockError(`the network ${network.Name} has no address left: ${text}`)
  }
  return new DockError(`the network ${network.Name}: ${text}`)
}

/** Joins a network that is in the sandbox's list already. */
export async function attach(
  context: AttachContext,
  sandbox: Sandbox,
  ifName: string,
  isDefaultGateway: boolean,
): Promise<Sandbox> {
  const attachment = attachmentOf(sandbox, ifName)
  const { network, request } = attachment
  const wanted: Wanted = {
    ips: wantedAddresses(attachment),
    mac: request.MacAddress,
    aliases: request.Aliases,
  }
  if (wanted.mac !== '' && network.Driver === 'ipvlan') {
    throw new DockError(`the network ${network.Name}: ipvlan links share the address of their parent: no MAC address`)
  }
  const firewalld = existsSync('/run/firewalld.pid')
  const cniVersion = await context.cni.version(pluginTypes(network, firewalld))
  if (network.EnableIPv6) await keepRouterAdvertisements()
  if (network.Driver === 'bridge') await ensureNetworkRules(network)
  const options = { cniVersion, ipamDirectory: context.sandboxes.ipamDirectory, isDefaultGateway, wanted, firewalld }
  let now = sandbox
  try {
    for (const plugin of pluginsOf(network, options)) now = await addPlugin(context, now, ifName, plugin)
    now = await setMac(context, now, ifName, cniVersion)
  } catch (e: unknown) {
    throw explain(e, attachment)
  }
  return now
}

/** Old plugins do not know how to give the MAC address that is wanted: tuning does. */
async function setMac(context: AttachContext, sandbox: Sandbox, ifName: string, cniVersion: string): Promise<Sandbox> {
  const { network, request, result } = attachmentOf(sandbox, ifName)
  const inside = (result?.interfaces ?? []).find(({ sandbox: path = '' }) => path !== '')
  if (request.MacAddress === '' || inside?.mac?.toLowerCase() === request.MacAddress.toLowerCase()) return sandbox
  return addPlugin(context, sandbox, ifName, {
    cniVersion,
    name: network.Id,
    type: 'tuning',
    capabilities: { mac: true },
    runtimeConfig: { mac: request.MacAddress },
  })
}

/**
 * Leaves a network: every plugin that was begun takes down what is its own, the last one first. Returns why some could not;
 * the others have been called all the same.
 */
export async function detach(
  { cni }: AttachContext,
  sandbox: Sandbox,
  attachment: Attachment,
): Promise<readonly string[]> {
  const failures: string[] = []
  const call = { command: 'DEL' as const, containerId: sandbox.id, netns: sandbox.netns, ifName: attachment.ifName }
  for (const plugin of [...attachment.plugins].reverse()) {
    const config = attachment.result === undefined ? plugin : { ...plugin, prevResult: attachment.result }
    await cni.call(call, config, { work: sandbox.ports.length }).catch((e: unknown) => failures.push(messageOf(e)))
  }
  return failures
}
