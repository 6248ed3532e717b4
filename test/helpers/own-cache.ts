// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isRootless } from './host.ts'
import { newDir } from './work-dir.ts'

/** A cache of plans and seccomp filters that nobody else fills. */
export interface OwnCache {
  readonly dir: string
  /** What is put before the runtime so that it uses it; `before` is a script, in which the cache is $0. */
  readonly wrapper: (before?: string) => readonly string[]
}

/** For root in a mount namespace for each call. The cache of a user is where its environment says. */
export function newCache(): OwnCache {
  const dir = join(newDir('run'), 'tsrun-cache')
  mkdirSync(dir, { mode: 0o700 })
  const use = isRootless
    ? `export XDG_RUNTIME_DIR=${dirname(dir)}`
    : 'mkdir -p -m 700 /run/tsrun-cache && mount --bind "$0" /run/tsrun-cache'
  const program = isRootless ? ['sh'] : ['unshare', '-m', 'sh']
  return { dir, wrapper: (before = '') => [...program, '-c', `${before}${use} && exec "$@"`, dir] }
}
