// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { LinuxIntelRdt } from '../../spec/runtime/linux.ts'
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'
import type { StatePaths } from './state-json.ts'

const FIELD = '/linux/intelRdt'
const DIR_MODE = 0o755

export interface IntelRdtPlan extends Omit<StatePaths, 'cgroups'> {
  readonly prepare: readonly Op[]
  readonly adopt: readonly Op[]
  readonly undo: readonly Op[]
}

const none: IntelRdtPlan = { prepare: [], adopt: [], undo: [], intelRdt: '', intelRdtMonitor: '' }

/**
 * Cache and memory bandwidth of the container: a group of the resctrl file system. A group without a closID of its own
 * is named after the container, made for it and removed with it. One with a closID may be shared: it is made when
 * absent, has to say the same when it is there, and stays. Spec: config-linux.md#intelrdt. Errors: not-supported.
 */
export function compileIntelRdt(context: CompileContext): IntelRdtPlan {
  const rdt = context.linux.intelRdt
  if (rdt === undefined) return none
  const mount = findResctrl(context.facts.mountinfo)
  if (mount === undefined) {
    throw new TsrunError('not-supported', 'linux.intelRdt: no resctrl file system is mounted on this host', {
      pointer: FIELD,
    })
  }
  const { id } = context.request
  const shared = (rdt.closID ?? '') !== ''
  const group = rdt.closID === '/' ? mount : `${mount}/${shared ? rdt.closID : id}`
  const monitor = rdt.enableMonitoring === true ? `${group}/mon_groups/${id}` : ''
  const lines = schemata(rdt)
  const prepare: Op[] = []
  const undo: Op[] = []
  const from = origin(`${FIELD}/closID`, shared ? rdt.closID : id)
  // Without anything to write, a named group must be there already: joining it is the check.
  if (shared && lines !== '') {
    prepare.push({ kind: 'resctrl-group', path: group, schemata: lines, ...from })
  } else if (!shared) {
    prepare.push({ kind: 'make-dir', path: group, mode: DIR_MODE, ...from })
    if (lines !== '') {
      prepare.push({ kind: 'write-file', path: `${group}/schemata`, data: lines, ...origin(`${FIELD}/schemata`) })
    }
  }
  if (monitor !== '') {
    const field = origin(`${FIELD}/enableMonitoring`)
    prepare.push({ kind: 'make-dir', path: monitor, mode: DIR_MODE, ...field })
    undo.push({ kind: 'remove-dir', path: monitor, ...field, tolerate: ['ENOENT'] })
  }
  if (!shared) undo.push({ kind: 'remove-dir', path: group, ...from, tolerate: ['ENOENT'] })
  return { prepare, adopt: joinIntelRdt(group, monitor), undo, intelRdt: group, intelRdtMonitor: monitor }
}

/** Puts a process into the group and, after it, into the monitoring group below. */
export function joinIntelRdt(group: string, monitor: string): Op[] {
  return [group, monitor]
    .filter((path) => path !== '')
    .map((path) => ({ kind: 'join-pid', path: `${path}/tasks`, ...origin(FIELD) }))
}

function schemata({ l3CacheSchema = '', memBwSchema = '', schemata: more = [] }: LinuxIntelRdt): string {
  return [l3CacheSchema, memBwSchema, ...more]
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('')
}

/** Fields of mountinfo: proc_pid_mountinfo(5). */
function findResctrl(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [fields = '', type = ''] = line.split(' - ')
    if (type.startsWith('resctrl ')) return fields.split(' ')[4]?.replaceAll('\\040', ' ')
  }
  return undefined
}
