// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { TsrunError } from '../../spec/error.ts'
import { isLocked, listIds, readContainer } from '../state/container.ts'
import { askFront } from './ask-front.ts'
import { collectPids } from './list-processes.ts'

/** Something that a container has left behind. */
export interface Orphan {
  /** `container`: one whose process has ended; `state`: a directory that tells of no container. */
  readonly kind: 'container' | 'state' | 'cgroup' | 'mount'
  /** Of the container that it belonged to. */
  readonly id: string
  /** The state root of that one. */
  readonly root: string
  readonly path: string
  readonly pids: readonly number[]
  readonly reason: string
}

/** What a state directory tells: a container that lives, one that has ended, or nothing. */
export type StateOf = 'alive' | 'ended' | 'broken' | 'absent'

/** What orphans are told from. */
export interface OrphanFacts {
  /** Directories in the state root. */
  readonly states: readonly { readonly directory: string; readonly state: StateOf; readonly why: string }[]
  readonly marks: readonly { readonly owner: string; readonly path: string }[]
  readonly mountPoints: readonly string[]
  readonly stateOf: (directory: string) => StateOf
  readonly pidsIn: (cgroup: string) => readonly number[]
}

/** What a delete needs for its last steps. */
const SETTLE_MS = 100

const nobody: Readonly<Record<'broken' | 'absent', string>> = {
  broken: 'its state directory does not tell of it',
  absent: 'its state directory is gone',
}

/** Pure. */
export function judgeOrphans(facts: OrphanFacts): readonly Orphan[] {
  const orphans: Orphan[] = []
  const add = (kind: Orphan['kind'], directory: string, path: string, reason: string): void => {
    const pids = kind === 'cgroup' ? facts.pidsIn(path) : []
    orphans.push({ kind, id: basename(directory), root: dirname(directory), path, pids, reason })
  }
  for (const { directory, state, why } of facts.states) {
    if (state === 'ended') add('container', directory, directory, 'its process has ended')
    if (state === 'broken') add('state', directory, directory, why)
  }
  for (const { owner, path } of facts.marks) {
    const state = facts.stateOf(owner)
    if (state === 'broken' || state === 'absent') add('cgroup', owner, path, nobody[state])
  }
  const roots = new Set(facts.states.map(({ directory }) => dirname(directory)))
  for (const path of facts.mountPoints) {
    const directory = dirname(path)
    if (basename(path) !== 'rootfs' || !roots.has(dirname(directory))) continue
    const state = facts.stateOf(directory)
    if (state === 'broken' || state === 'absent') add('mount', directory, path, nobody[state])
  }
  return orphans
}

/** What is being made has a name that no id is, with the pid of whoever makes it (csrc/front/statedir.h). */
function lookAtDraft(directory: string): { readonly state: StateOf; readonly why: string } | undefined {
  const pid = /^,(\d+)-/.exec(basename(directory))?.[1]
  if (pid === undefined) return undefined
  if (existsSync(`/proc/${pid}`)) return { state: 'alive', why: '' }
  return { state: 'broken', why: 'create died when it had begun it: remove the directory' }
}

function lookAt(directory: string): { readonly state: StateOf; readonly why: string } {
  if (!existsSync(directory)) return { state: 'absent', why: '' }
  const draft = lookAtDraft(directory)
  if (draft !== undefined) return draft
  try {
    const container = readContainer(dirname(directory), basename(directory))
    if (isLocked(directory)) return { state: 'alive', why: '' }
    return { state: container.status === 'stopped' ? 'ended' : 'alive', why: '' }
  } catch (e: unknown) {
    // One that is being created has no plan yet.
    if (isLocked(directory)) return { state: 'alive', why: '' }
    if (!existsSync(directory)) return { state: 'absent', why: '' }
    return { state: 'broken', why: e instanceof TsrunError && e.code !== 'not-found' ? e.message : 'it has no plan' }
  }
}

/** Errors: host. */
function readMarks(executable: string | undefined): OrphanFacts['marks'] {
  const words = askFront('marks', executable).split('\0')
  const marks: { owner: string; path: string }[] = []
  for (let at = 0; at + 1 < words.length; at += 2) marks.push({ owner: words[at] ?? '', path: words[at + 1] ?? '' })
  return marks
}

function readMountPoints(): readonly string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const plain = (text: string): string =>
    text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)))
  return lines.flatMap((line) => (line === '' ? [] : [plain(line.split(' ')[4] ?? '')]))
}

function pidsIn(cgroup: string): readonly number[] {
  const pids = new Set<number>()
  collectPids(cgroup, pids)
  return [...pids].sort((a, b) => a - b)
}

/**
 * What containers have left behind: state directories in `root`, and cgroups and mounts whose state directory is gone;
 * with `alone`, only those that belonged to `root`. Errors: state, host, cgroup.
 */
export async function findOrphans(
  root: string,
  alone: boolean,
  executable?: string | undefined,
): Promise<readonly Orphan[]> {
  const states = listIds(root).map((id) => ({ directory: join(root, id), ...lookAt(join(root, id)) }))
  const marks = readMarks(executable)
  const orphans = judgeOrphans({
    states,
    marks: marks.filter(({ owner }) => !alone || dirname(owner) === root),
    mountPoints: readMountPoints(),
    stateOf: (directory) => lookAt(directory).state,
    pidsIn,
  })
  if (orphans.length > 0) await setTimeout(SETTLE_MS)
  return orphans.filter(isStillThere)
}

/** What was deleted while we looked, the state directory last of all and file by file, is no orphan. */
function isStillThere({ kind, root, id, path }: Orphan): boolean {
  if (!existsSync(path)) return false
  const { state } = lookAt(join(root, id))
  return kind === 'container' ? state === 'ended' : state === 'broken' || state === 'absent'
}
