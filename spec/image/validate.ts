// SPDX-License-Identifier: Apache-2.0
import { imageConfigSchema, indexSchema, manifestSchema } from '../generated/image-validator.ts'
import { pointerLabel } from '../pointer.ts'
import { type SchemaValidator, schemaProblems } from '../schema-problem.ts'
import { type ImageConfig, type Index, isIndexType, isManifestType, type Manifest } from './documents.ts'

/** Checks one kind of document. Returns undefined, or the first thing that is wrong with it. */
function misfit(schema: unknown, value: unknown): string | undefined {
  const problem = schemaProblems(schema as SchemaValidator, value)[0]
  return problem && `${problem.pointer === '' ? '' : `${pointerLabel(problem.pointer)}: `}${problem.text}`
}

/** One document that two readers take for two things hides one of them (CVE-2021-41190). */
function ambiguity(value: unknown, foreign: readonly string[]): string | undefined {
  const found = foreign.find((key) => Object.hasOwn(value as object, key))
  return found && `it has "${found}" too, so that it can be read as both a manifest and an index`
}

/** A document that calls itself something else: a registry and a scanner may go by different words. */
function otherType(value: unknown, isRight: (type: string) => boolean): string | undefined {
  const { mediaType } = value as { readonly mediaType?: string }
  return mediaType === undefined || mediaType === '' || isRight(mediaType)
    ? undefined
    : `mediaType: it calls itself ${JSON.stringify(mediaType)}`
}

/** What is wrong with it as a manifest (manifest.md); undefined: nothing, it is a `Manifest`. */
export const manifestMisfit = (value: unknown): string | undefined =>
  misfit(manifestSchema, value) ?? ambiguity(value, ['manifests']) ?? otherType(value, isManifestType)

/** What is wrong with it as an index (image-index.md); undefined: nothing, it is an `Index`. */
export const indexMisfit = (value: unknown): string | undefined =>
  misfit(indexSchema, value) ?? ambiguity(value, ['layers', 'config']) ?? otherType(value, isIndexType)

/** What is wrong with it as the configuration of an image (config.md); undefined: nothing, it is an `ImageConfig`. */
export const imageConfigMisfit = (value: unknown): string | undefined => misfit(imageConfigSchema, value)

export type { ImageConfig, Index, Manifest }
