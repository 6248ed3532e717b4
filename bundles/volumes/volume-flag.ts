// SPDX-License-Identifier: Apache-2.0
// `-v [SOURCE:]TARGET[:OPTIONS]` and `--volumes-from CONTAINER[:MODE]`. Pure.

import { cleanPath } from '../dockerfile/go-path.ts'
import { messageOf } from '../error.ts'
import {
  checkTarget,
  fromHere,
  isPropagation,
  type MountRequest,
  plainRequest,
  type Propagation,
  type VolumesFrom,
  wrongMount,
} from './mount-request.ts'

/** Of each group, one word at most. */
const groups: readonly (readonly string[])[] = [
  ['ro', 'rw'],
  ['z', 'Z'],
  ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'],
  ['nocopy'],
  ['consistent', 'cached', 'delegated'],
]

function isMode(mode: string): boolean {
  if (mode === '') return true
  const seen = new Set<number>()
  for (const word of mode.split(',')) {
    const group = groups.findIndex((words) => words.includes(word))
    if (group < 0 || seen.has(group)) return false
    seen.add(group)
  }
  return true
}

const invalid = (text: string, why?: string): Error =>
  wrongMount(`invalid volume specification: '${text}'${why === undefined ? '' : `: ${why}`}`)

/** Source, target and options of `-v`; the source is '' when there is none. */
function split(text: string): readonly [source: string, target: string, mode: string] {
  const parts = text.split(':')
  const [first = '', second, third] = parts
  if (first === '' || parts.length > 3) throw invalid(text)
  if (second === undefined) return ['', first, '']
  // `/path:ro` has no source: volumes that are made for a container take no options.
  if (third === undefined && isMode(second)) throw invalid(text)
  return [first, second, third ?? '']
}

const propagationOf = (words: readonly string[]): Propagation | '' => words.find(isPropagation) ?? ''

/** Reads a `-v`. cwd: what relative paths begin from. Errors: DockError, with Docker's words. */
export function parseVolumeFlag(text: string, cwd: string): MountRequest {
  const [written, target, mode] = split(text)
  if (!isMode(mode)) throw wrongMount(`invalid mode: ${mode}`)
  const source = fromHere(written, cwd)
  const isBind = source.startsWith('/')
  const words = mode === '' ? [] : mode.split(',')
  const propagation = propagationOf(words)
  const why = (reason: string): Error =>
    invalid(text, `invalid mount config for type "${isBind ? 'bind' : 'volume'}": ${reason}`)
  if (!isBind && propagation !== '') throw why('field BindOptions must not be specified')
  if (isBind && words.includes('nocopy')) throw why('field VolumeOptions must not be specified')
  if (target === '') throw invalid(text)
  let place: string
  try {
    place = checkTarget(target)
  } catch (e: unknown) {
    throw why(messageOf(e))
  }
  return {
    ...plainRequest,
    type: isBind ? 'bind' : 'volume',
    source: isBind ? cleanPath(source) : source,
    target: place,
    readonly: words.includes('ro'),
    mode,
    propagation,
    weak: written === '',
    details: isBind ? { CreateSource: true } : words.includes('nocopy') ? { NoCopy: true } : {},
  }
}

/** Reads a `--volumes-from`. Errors: DockError, with Docker's words. */
export function parseVolumesFrom(text: string): VolumesFrom {
  if (text === '') throw wrongMount('volumes-from specification cannot be an empty string')
  const colon = text.indexOf(':')
  const [container, mode] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
  const words = mode.split(',')
  if (!isMode(mode) || propagationOf(words) !== '' || words.includes('nocopy'))
    throw wrongMount(`invalid mode: ${mode}`)
  return { container, readonly: words.includes('ro') }
}
