// SPDX-License-Identifier: Apache-2.0
// Sets a container's network up in a process of its own, to be killed meanwhile: storage, runtime directory, plugins, request.

import { ContainerStore } from '../../bundles/containers/container-store.ts'
import { Networks, type SetUpRequest } from '../../bundles/networks/networks.ts'

const [directory = '', runtimeDirectory = '', plugins = '', request = ''] = process.argv.slice(2)
const networks = new Networks(
  { directory, runtimeDirectory, containers: new ContainerStore(directory) },
  { cniPath: [plugins] },
)
await networks.setUp(JSON.parse(request) as SetUpRequest)
