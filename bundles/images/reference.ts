// SPDX-License-Identifier: Apache-2.0
// Names of images, in the grammar of distribution/reference. No library: those of npm do not know its limits and defaults.

import { DockError } from '../error.ts'

export interface Reference {
  /** `docker.io`, `localhost:5000` ... */
  readonly registry: string
  /** `library/busybox` */
  readonly repository: string
  readonly tag?: string
  /** `sha256:...` */
  readonly digest?: string
}

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const registryPattern = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`)
const repositoryPattern = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`)
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
export const digestPattern = /^sha256:[a-f0-9]{64}$/

/** True for text that is no name but an id, or the start of one. */
export const looksLikeId = (text: string): boolean => /^(?:sha256:)?[a-f0-9]{4,64}$/.test(text)

function bad(text: string, why: string): never {
  throw new DockError(`invalid reference format: ${JSON.stringify(text)}: ${why}`)
}

/** Longer text is no name, and nothing to try patterns on. */
const MAX_TEXT = 1024

/** `busybox` -> docker.io, library/busybox; no tag is added. Errors: DockError. */
export function parseReference(text: string): Reference {
  if (text.length > MAX_TEXT) bad(`${text.slice(0, 60)}...`, 'it is too long')
  if (/^[a-f0-9]{64}$/.test(text)) bad(text, 'it is an id, and could be taken for one')
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const named = at < 0 ? text : text.slice(0, at)
  const slash = named.indexOf('/')
  const first = slash < 0 ? '' : named.slice(0, slash)
  const isRegistry = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase()
  const registry = isRegistry ? first : 'docker.io'
  const path = isRegistry ? named.slice(slash + 1) : named
  const colon = path.lastIndexOf(':')
  const tag = colon < 0 ? undefined : path.slice(colon + 1)
  const name = colon < 0 ? path : path.slice(0, colon)
  if (digest !== undefined && !digestPattern.test(digest)) bad(text, 'a digest is sha256: and 64 hexadecimal digits')
  if (tag !== undefined && !tagPattern.test(tag))
    bad(text, `the tag "${tag}" may have letters, digits, "_", "." and "-"`)
  if (!registryPattern.test(registry)) bad(text, `"${registry}" is no name of a registry`)
  if (name !== name.toLowerCase()) bad(text, `repository name "${name}" must be lowercase`)
  if (!repositoryPattern.test(name) || name.length > 255) bad(text, `"${name}" is no name of a repository`)
  const official = (registry === 'docker.io' || registry === 'index.docker.io') && !name.includes('/')
  return {
    registry: registry === 'index.docker.io' ? 'docker.io' : registry,
    repository: official ? `library/${name}` : name,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** Adds `latest` to a name that has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference
}

/** `docker.io/library/busybox:latest` */
export function referenceText({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** As people write it: `busybox:latest`. */
export function familiarText(reference: Reference): string {
  const text = referenceText(reference)
  return text.startsWith('docker.io/library/') ? text.slice(18) : text.startsWith('docker.io/') ? text.slice(10) : text
}
