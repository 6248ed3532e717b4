// SPDX-License-Identifier: Apache-2.0
import { Networks } from '../../../bundles/networks/networks.ts'
import { parseExposed } from '../../../bundles/containers/options/ports.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'

/** `tsdock port` */
export async function runPort(invocation: CommandInvocation): Promise<number> {
  const [name = '', asked] = invocation.positionals
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    const { record } = await storage.containers.find(name)
    const ports = (await new Networks(storage).settings(record.id))?.Ports ?? {}
    const wanted = asked === undefined ? undefined : parseExposed(asked, 'PORT')
    const lines = Object.entries(ports).flatMap(([port, bindings]) => {
      if (wanted !== undefined && !wanted.includes(port)) return []
      return (bindings ?? []).flatMap(({ HostIp, HostPort }) =>
        (HostIp === '' ? ['0.0.0.0', '[::]'] : [HostIp.includes(':') ? `[${HostIp}]` : HostIp]).map((host) =>
          wanted === undefined ? `${port} -> ${host}:${HostPort}\n` : `${host}:${HostPort}\n`,
        ),
      )
    })
    if (wanted !== undefined && lines.length === 0) {
      throw new DockError(`No public port '${wanted[0]}' published for ${name}`)
    }
    process.stdout.write(lines.join(''))
    return 0
  } finally {
    await storage.release()
  }
}
