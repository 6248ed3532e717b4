// SPDX-License-Identifier: Apache-2.0
// Repositories by words: `/v1/search`, which Docker Hub has, and other registries may have.

import { DockError } from '../error.ts'
import { findCredentials } from './credentials.ts'
import { type Endpoint, endpointsOf, RegistryError, RegistryHttp } from './http.ts'
import type { RegistryAccess } from './registry.ts'
import { readAll } from './transport.ts'

export interface FoundRepository {
  readonly name: string
  readonly description: string
  readonly stars: number
  readonly official: boolean
}

const MAX_ANSWER = 4 << 20

/** `me/app` is looked for on Docker Hub, `registry.example.com/app` there. */
export function splitTerm(term: string): { readonly registry: string; readonly words: string } {
  const slash = term.indexOf('/')
  const first = term.slice(0, Math.max(0, slash))
  if (/[.:]/.test(first) || first === 'localhost') return { registry: first, words: term.slice(slash + 1) }
  return { registry: 'docker.io', words: term.replace(/^library\//, '') }
}

/** Who answers a search. Mirrors are not asked: they know what they hold alone. */
export function searchEndpoint(registry: string, settings: RegistryAccess['settings']): Endpoint | undefined {
  if (registry === 'docker.io') return { base: 'https://index.docker.io', registry }
  return endpointsOf(registry, { insecure: settings.insecure ?? [] }).at(-1)
}

/** Answers are data: what is missing in one, or of another kind, is left empty. */
function repositoryOf(value: unknown): readonly FoundRepository[] {
  const one = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof one['name'] !== 'string') return []
  return [
    {
      name: one['name'],
      description: typeof one['description'] === 'string' ? one['description'] : '',
      stars: typeof one['star_count'] === 'number' ? one['star_count'] : 0,
      official: one['is_official'] === true,
    },
  ]
}

/** In the order of the registry, at most `limit`. Errors: DockError. */
export async function searchNames(
  term: string,
  limit: number,
  access: RegistryAccess,
): Promise<readonly FoundRepository[]> {
  const { registry, words } = splitTerm(term)
  const endpoint = searchEndpoint(registry, access.settings)
  if (endpoint === undefined) throw new DockError(`no address for ${registry}`)
  const find = access.credentials ?? findCredentials
  const http = new RegistryHttp(endpoint, () => find(registry), access.patience)
  const query = new URLSearchParams({ q: words, n: String(limit) })
  const answer = await http.request(`/v1/search?${query}`, { scope: '', accept: [200] }).catch((e: unknown) => {
    if (!(e instanceof RegistryError) || e.status !== 404) throw e
    throw new DockError(
      `${registry} has no search of names; NAME@sha256:... finds the tags that carry a digest: ${e.message}`,
      { cause: e },
    )
  })
  let results: unknown
  try {
    results = (JSON.parse((await readAll(answer, MAX_ANSWER)).toString()) as { readonly results?: unknown }).results
  } catch {
    throw new DockError(`${registry}: an answer to a search that is not JSON`)
  }
  return (Array.isArray(results) ? results : []).flatMap(repositoryOf).slice(0, limit)
}
