// SPDX-License-Identifier: Apache-2.0
// The official schemas of runtime-spec 1.3.0, where a copy of its folder `schema` is at hand. They are no part of this
// project: OCI_RUNTIME_SPEC_SCHEMA names the folder.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'

export type DocumentKind = 'config' | 'state' | 'features'

export interface Official {
  accepts(kind: DocumentKind, value: unknown): boolean
  /** Its own examples: path inside the folder, kind, whether it is meant to be good, text. */
  readonly examples: readonly { name: string; kind: DocumentKind; good: boolean; text: string }[]
}

const KINDS: readonly DocumentKind[] = ['config', 'state', 'features']

/** Loads the official schemas; undefined where the variable is not set. */
export function loadOfficial(): Official | undefined {
  const folder = process.env['OCI_RUNTIME_SPEC_SCHEMA']
  if (folder === undefined || folder === '') return undefined
  if (!existsSync(join(folder, 'config-schema.json'))) {
    throw new Error(
      `OCI_RUNTIME_SPEC_SCHEMA: ${folder} has no config-schema.json: name the folder "schema" of runtime-spec 1.3.0`,
    )
  }
  const ajv = new Ajv({ strict: false, validateFormats: false, inlineRefs: false })
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const text = readFileSync(join(folder, name), 'utf8')
      // a slip of the official files: the slash after '#' is missing, so that the reference leads nowhere
      .replaceAll('"#definitions/', '"#/definitions/')
    const schema = JSON.parse(text) as Record<string, unknown>
    delete schema['$schema'] // draft-04; no keyword in use means something else in draft-07
    ajv.addSchema(schema, name)
  }
  const validators = new Map(KINDS.map((kind) => [kind, ajv.compile({ $ref: `${kind}-schema.json` })]))
  const examples = KINDS.flatMap((kind) =>
    ['good', 'bad'].flatMap((verdict) =>
      readdirSync(join(folder, 'test', kind, verdict))
        .sort()
        .map((file) => {
          const name = join('test', kind, verdict, file)
          return { name, kind, good: verdict === 'good', text: readFileSync(join(folder, name), 'utf8') }
        }),
    ),
  )
  return { accepts: (kind, value) => validators.get(kind)?.(value) === true, examples }
}
