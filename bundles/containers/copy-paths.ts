// SPDX-License-Identifier: Apache-2.0
// What the two paths of `cp` mean, as Docker has it: a slash or `/.` at the end, what is there and what is not. Pure.

import { baseName, cleanPath } from '../dockerfile/go-path.ts'
import { DockError } from '../error.ts'

/** `CONTAINER:PATH`, or a path of this host; `-` is a stream. */
export function splitCopyArgument(text: string): { readonly container: string | undefined; readonly path: string } {
  const colon = text.indexOf(':')
  if (text.startsWith('/') || text.startsWith('.') || colon < 0) return { container: undefined, path: text }
  return { container: text.slice(0, colon), path: text.slice(colon + 1) }
}

/** Its last name must be a directory. */
export const saysDirectory = (path: string): boolean => /(^|\/)\.{0,2}$/.test(path)

/** What is in it is meant, and not the directory itself. */
export const meansContents = (path: string): boolean => /(^|\/)\.$/.test(path)

export type Kind = 'directory' | 'other' | 'missing'

export interface CopyEnd {
  /** As the user wrote it. */
  readonly path: string
  readonly kind: Kind
}

export interface CopyTarget {
  /** Name in the directory; '' : what is copied becomes the directory's own contents. */
  readonly name: string
  /** Whether the directory is the destination itself, or the one that it is in. */
  readonly into: 'destination' | 'parent'
}

/** Where a source goes. name: its last name. Errors: DockError, with Docker's words. */
export function planTarget(source: CopyEnd & { readonly name: string }, destination: CopyEnd): CopyTarget {
  const own = baseName(destination.path)
  if (destination.kind === 'directory') {
    const contents = source.kind === 'directory' && (meansContents(source.path) || source.name === '')
    return { name: contents ? '' : source.name, into: 'destination' }
  }
  if (destination.kind === 'other') {
    if (source.kind === 'directory') throw new DockError('cannot copy directory')
    if (saysDirectory(destination.path)) throw new DockError('not a directory')
    return { name: own, into: 'parent' }
  }
  if (source.kind !== 'directory' && saysDirectory(destination.path)) throw new DockError('no such directory')
  return { name: own, into: 'parent' }
}

/** A path of a container, without slashes around. */
export const inContainer = (path: string): string => cleanPath(`/${path}`).slice(1)

export const parentOf = (path: string): string => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '')
