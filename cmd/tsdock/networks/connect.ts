// SPDX-License-Identifier: Apache-2.0
import type { Container } from '../../../bundles/containers/container-store.ts'
import type { ContainerRecord, EndpointRequest } from '../../../bundles/containers/record.ts'
import { DockError } from '../../../bundles/error.ts'
import { Networks } from '../../../bundles/networks/networks.ts'
import { openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'

/** Errors: DockError: its network is none of its own. */
function checkMode({ hostConfig }: ContainerRecord): void {
  const mode = hostConfig.NetworkMode
  if (mode === 'host') throw new DockError('cannot connect a container to a network: it has that of the host')
  if (mode.startsWith('container:')) {
    throw new DockError(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    )
  }
  if (mode === 'none')
    throw new DockError(
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    )
}

/** With the container locked, as it is then. */
async function changing(
  storage: Storage,
  name: string,
  change: (container: Container) => Promise<ContainerRecord['networks']>,
): Promise<void> {
  const { record } = await storage.containers.find(name)
  const held = await storage.containers.lock(record.id)
  try {
    const container = await storage.containers.read(record.id)
    if (container === undefined) throw new DockError(`No such container: ${name}`)
    const networks = await change(container)
    await storage.containers.write({ ...container.record, networks })
  } finally {
    await held.release()
  }
}

/** `tsdock network connect` */
export async function runNetworkConnect({
  positionals,
  text,
  list,
  storage: place,
}: CommandInvocation): Promise<number> {
  const [networkName = '', containerName = ''] = positionals
  const storage = await openStorage(storageDirectory(place))
  try {
    const networks = new Networks(storage)
    const network = await networks.find(networkName)
    const request: EndpointRequest = {
      Aliases: list('alias'),
      IPv4Address: text('ip') ?? '',
      IPv6Address: text('ip6') ?? '',
      MacAddress: '',
    }
    await changing(storage, containerName, async ({ record, state }) => {
      checkMode(record)
      if (record.networks[network.Name] !== undefined) {
        throw new DockError(`endpoint with name ${record.name} already exists in network ${network.Name}`)
      }
      if (state.status === 'running' || state.status === 'restarting') {
        await networks.connect(record.id, network.Name, request)
      }
      return { ...record.networks, [network.Name]: request }
    })
    return 0
  } finally {
    await storage.release()
  }
}

/** `tsdock network disconnect` */
export async function runNetworkDisconnect({ positionals, isSet, storage: place }: CommandInvocation): Promise<number> {
  const [networkName = '', containerName = ''] = positionals
  const storage = await openStorage(storageDirectory(place))
  try {
    const networks = new Networks(storage)
    const network = await networks.find(networkName)
    await changing(storage, containerName, async ({ record, state }) => {
      const { [network.Name]: found, ...left } = record.networks
      if (found === undefined) {
        if (isSet('force')) return record.networks
        throw new DockError(`container ${record.id} is not connected to network ${network.Name}`)
      }
      if (state.status === 'running' || state.status === 'restarting')
        await networks.disconnect(record.id, network.Name)
      return left
    })
    return 0
  } finally {
    await storage.release()
  }
}
