// SPDX-License-Identifier: Apache-2.0
import { DockError } from '../../bundles/error.ts'
import { familiarText, parseReference } from '../../bundles/images/reference.ts'
import { readRegistrySettings } from '../../bundles/registry/registry.ts'
import { tagsOf } from '../../bundles/registry/search.ts'
import type { CommandInvocation } from './command.ts'
import { printRows } from './template/rows.ts'

const headings = { Name: 'NAME', Tag: 'TAG', Digest: 'DIGEST', Platform: 'PLATFORM' } as const

/** `tsdock search` */
export async function runSearch({ positionals, text, isSet }: CommandInvocation): Promise<number> {
  const [name = ''] = positionals
  const reference = parseReference(name)
  const { digest, ...repository } = reference
  if (digest === undefined) {
    throw new DockError(
      `search ${name}: it is NAME@sha256:...: the tags that carry a digest (registries have no search of names)`,
    )
  }
  const found = await tagsOf(repository, digest, { settings: await readRegistrySettings() })
  const { tag: _, ...untagged } = repository
  const rows = found.map((one) => ({
    Name: familiarText(untagged),
    Tag: one.tag,
    Digest: one.digest,
    Platform: one.platform ?? '',
  }))
  if (isSet('quiet')) process.stdout.write(rows.map(({ Name, Tag }) => `${Name}:${Tag}\n`).join(''))
  else printRows(text('format'), { headings, columns: ['Name', 'Tag', 'Digest', 'Platform'], rows })
  return found.length > 0 ? 0 : 1
}
