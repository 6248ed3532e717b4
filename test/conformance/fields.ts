// SPDX-License-Identifier: Apache-2.0
// Fields of config.json, as JSON schemas name them. Works on those of the project and on the official ones.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

type Schema = { readonly [key: string]: unknown }

/** One field: `linux.seccomp.syscalls[].args[].op`; `[]` is an entry of a list, `{}` one of a map. */
export interface Field {
  readonly path: string
  /** string, integer, boolean, object, list or map */
  readonly type: string
  /** All values, where they are names. */
  readonly names: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
}

/** Fields with values of their own; what objects and lists do is what those in them do. */
export function isLeaf({ type }: Pick<Field, 'type'>): boolean {
  return !['object', 'list', 'map'].includes(type)
}

interface Place {
  readonly schema: Schema
  readonly file: string
}

/** Reads schemas that refer to each other by file name. */
class Schemas {
  readonly #folder: string
  readonly #known = new Map<string, Schema>()

  constructor(folder: string) {
    this.#folder = folder
  }

  file(name: string): Schema {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    // A slip of the official files: the slash after '#' is missing.
    const text = readFileSync(join(this.#folder, name), 'utf8').replaceAll('"#definitions/', '"#/definitions/')
    const schema = JSON.parse(text) as Schema
    this.#known.set(name, schema)
    return schema
  }

  /** What is meant, with the words beside a reference laid over it. */
  resolve({ schema, file }: Place): Place {
    const [one] = (schema['anyOf'] as readonly Schema[] | undefined) ?? []
    if (one !== undefined) return this.resolve({ schema: { ...one, ...without(schema, 'anyOf') }, file })
    const all = schema['allOf'] as readonly Schema[] | undefined
    if (all !== undefined) return { schema: this.#merge(all, file), file }
    const ref = schema['$ref']
    if (typeof ref !== 'string') return { schema, file }
    const [name = '', pointer = ''] = ref.split('#')
    const target = name === '' ? file : name
    const found = pointer
      .split('/')
      .filter((key) => key !== '')
      .reduce<Schema>((value, key) => value[key] as Schema, this.file(target))
    const resolved = this.resolve({ schema: found, file: target })
    return { schema: { ...resolved.schema, ...without(schema, '$ref') }, file: resolved.file }
  }

  #merge(parts: readonly Schema[], file: string): Schema {
    const found = parts.map((part) => this.resolve({ schema: part, file }).schema)
    return { ...Object.assign({}, ...found), properties: Object.assign({}, ...found.map((one) => one['properties'])) }
  }
}

function without(schema: Schema, key: string): Schema {
  const { [key]: _, ...rest } = schema
  return rest
}

/** All fields of the document that `file` describes, parents before what is in them. */
export function readFields(folder: string, file: string): readonly Field[] {
  const schemas = new Schemas(folder)
  const fields: Field[] = []
  const visit = (place: Place, path: string): void => {
    const { schema, file: from } = schemas.resolve(place)
    const { properties, items } = schema as Record<string, Schema | undefined>
    const entries = valuesOfMap(schema)
    const type = properties ? 'object' : items ? 'list' : entries ? 'map' : String(schema['type'] ?? 'object')
    if (path !== '') fields.push(toField(path, type, schema))
    for (const [name, inner] of Object.entries(properties ?? {})) {
      visit({ schema: inner as Schema, file: from }, path === '' ? name : `${path}.${name}`)
    }
    if (items !== undefined) visit({ schema: items, file: from }, `${path}[]`)
    if (entries !== undefined && properties === undefined) visit({ schema: entries, file: from }, `${path}{}`)
  }
  visit({ schema: schemas.file(file), file }, '')
  return fields
}

function valuesOfMap({ additionalProperties, patternProperties }: Schema): Schema | undefined {
  if (typeof patternProperties === 'object') return Object.values(patternProperties as Schema)[0] as Schema
  return typeof additionalProperties === 'object' ? (additionalProperties as Schema) : undefined
}

function toField(path: string, type: string, schema: Schema): Field {
  const { minimum, maximum, pattern } = schema as { minimum?: number; maximum?: number; pattern?: string }
  const names = ((schema['enum'] as readonly string[] | undefined) ?? []).filter((name) => name !== '')
  return {
    path,
    type: names.length > 0 ? 'string' : type,
    names,
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(pattern === undefined ? {} : { pattern }),
  }
}

/** `/linux/devices/3/path` as the name of a field, by the fields that there are. */
export function fieldAt(keys: readonly string[], known: ReadonlyMap<string, Field>): Field | undefined {
  let path = ''
  for (const key of keys) {
    const type = known.get(path)?.type
    path = type === 'list' ? `${path}[]` : type === 'map' ? `${path}{}` : path === '' ? key : `${path}.${key}`
  }
  return known.get(path)
}
