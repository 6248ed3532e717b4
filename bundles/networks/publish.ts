// SPDX-License-Identifier: Apache-2.0
// Publishes a container's ports: iptables does the most (portmap), the relay holds them and does the rest.

import { readFile } from 'node:fs/promises'
import { DockError } from '../error.ts'
import { ownNetwork } from '../host/namespaces.ts'
import { type AttachContext, addPlugin } from './attach.ts'
import { hasIPv6Loopback } from './host-routes.ts'
import { PortTaken, type RelayRule, startRelay } from './net-program.ts'
import { holderOf, takenPorts } from './port-holders.ts'
import { collide, type Mapping, type PortWish } from './ports.ts'
import { addressesOf, type Attachment, markOf, type Sandbox } from './sandbox.ts'

/** How often a port is tried that somebody else has taken meanwhile. */
const ATTEMPTS = 50

const shown = (ip: string): string => (ip === '' ? '0.0.0.0' : ip)

export function takenError(
  port: Pick<Mapping, 'protocol' | 'hostIp' | 'hostPort'>,
  holder: string | undefined,
): DockError {
  const where = `port ${port.hostPort}/${port.protocol} on ${shown(port.hostIp)}`
  return new DockError(`${where} is taken by ${holder ?? 'another program'}`, { exitCode: 125 })
}

/** The ports that the kernel gives out when none is asked for. */
async function freeRange(): Promise<readonly [number, number]> {
  const text = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '')
  const [first = 32768, last = 60999] = text.trim().split(/\s+/).filter(Boolean).map(Number)
  return [first, last]
}

export interface Others {
  /** Ports of other containers. */
  readonly mappings: readonly (Mapping & { readonly container: string })[]
  /** Ports that were found taken in spite of all. */
  readonly refused: readonly Pick<Mapping, 'protocol' | 'hostIp' | 'hostPort'>[]
}

/** Chooses a port of the host for each wish. Errors: DockError that names who has it. */
export async function chooseHostPorts(wishes: readonly PortWish[], others: Others): Promise<readonly Mapping[]> {
  const host = await takenPorts()
  const range = await freeRange()
  const mappings: Mapping[] = []
  for (const wish of wishes) {
    const [first, last] = wish.among ?? range
    let blocked: DockError | undefined
    for (let hostPort = first; hostPort <= last; hostPort++) {
      const { protocol, hostIp, containerPort } = wish
      const mapping: Mapping = { protocol, hostIp, hostPort, containerPort }
      const container = others.mappings.find((one) => collide(one, mapping))
      const own = mappings.some((one) => collide(one, mapping))
      const refused = others.refused.some((one) => collide(one, mapping))
      if (container === undefined && !own && !refused && !host.some((one) => collide(one, mapping))) {
        mappings.push(mapping)
        blocked = undefined
        break
      }
      if (blocked !== undefined || first !== last) {
        blocked ??= new DockError(`all ports of ${first}-${last}/${protocol} on ${shown(hostIp)} are taken`, {
          exitCode: 125,
        })
        continue
      }
      const holder = own
        ? 'the same container'
        : container === undefined
          ? await holderOf(mapping)
          : `the container ${container.container}`
      blocked = takenError(mapping, holder)
    }
    if (blocked !== undefined) throw blocked
  }
  return mappings
}

/** The network by which the ports are reached; undefined: none of them leads to the host. */
export const publishedOn = (sandbox: Sandbox): Attachment | undefined =>
  sandbox.attachments.find(({ network }) => network.Driver === 'bridge' && !network.Internal)

function relayRules(mappings: readonly Mapping[], attachment: Attachment, ipv6: boolean): readonly RelayRule[] {
  const addresses = addressesOf(attachment)
  const ip4 = addresses.find((one) => !one.includes(':'))
  const ip6 = addresses.find((one) => one.includes(':'))
  return mappings.flatMap(({ protocol, hostIp, hostPort, containerPort }) => {
    const listened = hostIp === '' ? ['0.0.0.0', ...(ipv6 ? ['::'] : [])] : [hostIp]
    return listened.map((address) => ({
      protocol,
      address,
      port: hostPort,
      targetAddress: (address.includes(':') ? (ip6 ?? ip4) : (ip4 ?? ip6)) ?? '',
      targetPort: containerPort,
    }))
  })
}

/** Binds the sandbox's ports. A port that was free a moment ago makes others to be chosen, where there is a choice. */
async function startHolding(
  context: AttachContext,
  sandbox: Sandbox,
  attachment: Attachment,
  choose: (refused: Others['refused']) => Promise<Sandbox>,
): Promise<Sandbox> {
  const ipv6 = await hasIPv6Loopback()
  const refused: Pick<Mapping, 'protocol' | 'hostIp' | 'hostPort'>[] = []
  let now = sandbox
  for (;;) {
    try {
      const onStart = async (pid: number): Promise<void> => {
        now = await context.sandboxes.write({ ...now, relay: await markOf(pid) })
      }
      await startRelay(relayRules(now.ports, attachment, ipv6), onStart, ownNetwork()?.path)
      return now
    } catch (e: unknown) {
      if (!(e instanceof PortTaken) || refused.length >= ATTEMPTS) throw e
      const { protocol, address, port } = e.rule
      const taken = { protocol: protocol as Mapping['protocol'], hostIp: address, hostPort: port }
      refused.push(taken)
      now = await choose(refused).catch(async (cause: unknown) => {
        const holder = await holderOf(taken)
        throw holder === undefined ? cause : takenError(taken, holder)
      })
    }
  }
}

/** Errors: DockError: ports that only root may have. */
async function checkPrivileged(ports: readonly Mapping[]): Promise<void> {
  if (ownNetwork() === undefined) return
  const first = Number(await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8').catch(() => '1024'))
  const low = ports.find(({ hostPort }) => hostPort < first)
  if (low === undefined) return
  throw new DockError(
    `port ${low.hostPort}/${low.protocol}: users may publish ports from ${first} on (sysctl net.ipv4.ip_unprivileged_port_start)`,
    { exitCode: 125 },
  )
}

/** choose: picks ports once more, without those. */
export async function publish(
  context: AttachContext,
  sandbox: Sandbox,
  choose: (refused: Others['refused']) => Promise<Sandbox>,
): Promise<Sandbox> {
  const attachment = publishedOn(sandbox)
  if (sandbox.ports.length === 0) return sandbox
  // As with docker, nothing is published where nothing leads to the host.
  if (attachment === undefined) return context.sandboxes.write({ ...sandbox, ports: [] })
  await checkPrivileged(sandbox.ports)
  const held = await startHolding(context, sandbox, attachment, choose)
  // Without it, the relay does it all: slower, and containers see the host as the sender. Users have no say on the host.
  if (ownNetwork() !== undefined || (await context.cni.find('portmap')) === undefined) return held
  const cniVersion = await context.cni.version(['portmap'])
  return addPlugin(context, held, attachment.ifName, {
    cniVersion,
    name: attachment.network.Id,
    type: 'portmap',
    snat: true,
    // No route leads out of the host from ::1: that is for the relay.
    conditionsV6: ['!', '-d', '::1/128'],
    capabilities: { portMappings: true },
    runtimeConfig: {
      portMappings: held.ports.map(({ protocol, hostIp, hostPort, containerPort }) => ({
        protocol,
        hostPort,
        containerPort,
        ...(hostIp === '' ? {} : { hostIP: hostIp }),
      })),
    },
  })
}
