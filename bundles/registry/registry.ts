// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DockError, messageOf } from '../error.ts'
import type { Reference } from '../images/reference.ts'
import { RepositoryClient } from './client.ts'
import { type Credentials, findCredentials } from './credentials.ts'
import { endpointsOf, type Patience, RegistryHttp } from './http.ts'

/** `tsdock.json` of the system (/etc) or the user (~/.config): how registries are reached. */
export interface RegistrySettings {
  /** Registries that speak plain HTTP; those of this machine do without being named. */
  readonly insecure?: readonly string[]
  /** Registry -> addresses that are asked first. */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>
}

/** Errors: DockError when a file is there and cannot be read. */
export async function readRegistrySettings(env: NodeJS.ProcessEnv = process.env): Promise<RegistrySettings> {
  const user = join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'tsdock.json')
  for (const path of [user, '/etc/tsdock.json']) {
    try {
      return JSON.parse(await readFile(path, 'utf8')) as RegistrySettings
    } catch (e: unknown) {
      if ((e as NodeJS.ErrnoException).code !== 'ENOENT') throw new DockError(`${path}: ${messageOf(e)}`)
    }
  }
  return {}
}

export interface RegistryAccess {
  readonly settings: RegistrySettings
  /** Default: what docker's config.json knows. */
  readonly credentials?: (registry: string) => Promise<Credentials | undefined>
  readonly patience?: Patience
}

/** Those that may have the repository: mirrors first, the registry last. Only the latter is written to. */
export function clientsFor(reference: Reference, access: RegistryAccess): readonly RepositoryClient[] {
  const find = access.credentials ?? ((registry: string) => findCredentials(registry))
  return endpointsOf(reference.registry, access.settings).map((endpoint, i, all) => {
    const own = i === all.length - 1
    const asked = own ? reference.registry : new URL(endpoint.base).host
    return new RepositoryClient(new RegistryHttp(endpoint, () => find(asked), access.patience), reference.repository)
  })
}

/** Checks a name and a password, as `login` does. Errors: DockError. */
export async function checkLogin(
  registry: string,
  credentials: Credentials,
  settings: RegistrySettings,
): Promise<void> {
  const endpoint = endpointsOf(registry, { insecure: settings.insecure ?? [] })[0]
  if (endpoint === undefined) throw new DockError(`no address for ${registry}`)
  const http = new RegistryHttp(endpoint, async () => credentials)
  const answer = await http.request('/v2/', { scope: '', accept: [200] })
  await answer.cancel()
}
