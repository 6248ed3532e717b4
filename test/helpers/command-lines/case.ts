// SPDX-License-Identifier: Apache-2.0
import type { Json } from '../bundle.ts'
import type { Need } from '../host.ts'

/** In what state the container is that a command line is about. `bundle`: there is none yet, but the bundle for one. */
export type On = 'nothing' | 'bundle' | 'created' | 'running' | 'paused' | 'stopped'

/**
 * A command line that several runtimes are given. In its words, `$ID` is the container, `$DIR` the working directory of the
 * call, which is also the bundle, `$ROOT` the state root, `$FILE` a file that is not there, `$ROOTFS` that of all containers.
 */
export interface Case {
  /** What stands behind the program: words with a space between, or a list of them where one has a space or is empty. */
  readonly line: string | readonly string[]
  /** Needed where the line alone does not say what it is about. */
  readonly title?: string
  /** Default: `nothing`. */
  readonly on?: On
  /** Laid over the default config, or the text of config.json; null: there is no such file. */
  readonly config?: Json | string | null
  /** More files in the working directory. */
  readonly files?: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Without `--root $ROOT` before the line. */
  readonly noRoot?: true
  /** Number of open descriptors from 3 on. */
  readonly fds?: number
  /** Files of the working directory whose text belongs to the answer. */
  readonly look?: readonly string[]
  /** JSON on standard output: only the names of its members count, down to this depth. */
  readonly keys?: number
  /** Lines of standard output that count; the others may differ. */
  readonly lines?: RegExp
  /** What callers look for in the message: a text that may not differ. */
  readonly words?: string
  /** The status that the container has a moment later. */
  readonly becomes?: 'stopped'
  readonly needs?: readonly Need[]
}

/** The name of a case: unique, and the key of its answers. */
export function nameOf({ line, title }: Case): string {
  const text =
    typeof line === 'string' ? line : line.map((word) => (/^[^\s'"]+$/.test(word) ? word : `'${word}'`)).join(' ')
  return title === undefined ? text : `${text} (${title})`
}

/** The words of a line, before `$ID` and the like are replaced. */
export function wordsOf({ line }: Case): readonly string[] {
  return typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line
}
