// SPDX-License-Identifier: Apache-2.0
import { CAPABILITIES } from '../../spec/capability.ts'
import { InternalError, TsrunError } from '../../spec/error.ts'
import type { Spec } from '../../spec/runtime/config.ts'
import type { LinuxCapabilities, Process } from '../../spec/runtime/process.ts'
import { compileExecCgroups } from '../cgroups/compile-exec-cgroups.ts'
import type { PlanRequest } from '../facts/request.ts'
import type { Op } from '../plan/ops.ts'
import type { Plan } from '../plan/plan.ts'
import { compileConsole } from './console.ts'
import { type CompileContext, createContext, findNamespace, hasFlag, isNew, option, optionList } from './context.ts'
import { compileCpuAffinity } from './cpu-affinity.ts'
import { joinIntelRdt } from './intel-rdt.ts'
import { compileKeyring } from './keyring.ts'
import { compileOomScore } from './oom-score.ts'
import { compileProcess } from './process.ts'
import { processOrigin } from './process-origin.ts'
import { compileSeccomp } from './seccomp.ts'
import { readState, rootfsPath } from './state-json.ts'
import { parseGroup, parseUser } from './user.ts'

const root = { uid: 0, gid: 0 }

/** The document of --process as it is to be validated. DIFFERS: the specification wants a user, runc's callers leave it out. */
export function withUser(document: unknown): unknown {
  return typeof document === 'object' && document !== null && !Array.isArray(document)
    ? { user: root, ...document }
    : document
}

/**
 * The process that `exec` adds: the one of the --process file, as it is, or that of the config with what the flags say.
 * Spec: runc's command line, exec. Errors: usage.
 */
export function execProcess(request: PlanRequest, spec: Spec, given: Process | undefined): Process {
  if (given !== undefined) return given
  if (request.args.length === 0) throw new TsrunError('usage', 'exec args cannot be empty')
  const base: Process = spec.process ?? { cwd: '/', user: root }
  const apparmor = option(request, 'apparmor')
  const label = option(request, 'process-label')
  return {
    ...base,
    args: request.args,
    cwd: execCwd(request) ?? base.cwd,
    env: [...(base.env ?? []), ...execEnv(request)],
    user: execUser(request, base),
    capabilities: addCapabilities(base.capabilities, optionList(request, 'cap')),
    // A terminal is asked for anew each time.
    terminal: hasFlag(request, 'tty'),
    ...(option(request, 'no-new-privs') === undefined ? {} : { noNewPrivileges: hasFlag(request, 'no-new-privs') }),
    ...(apparmor ? { apparmorProfile: apparmor } : {}),
    ...(label ? { selinuxLabel: label } : {}),
  }
}

function execCwd(request: PlanRequest): string | undefined {
  const cwd = option(request, 'cwd') || undefined
  if (cwd !== undefined && !cwd.startsWith('/')) {
    throw new TsrunError('usage', `--cwd ${JSON.stringify(cwd)}: must be an absolute path`)
  }
  return cwd
}

function execEnv(request: PlanRequest): readonly string[] {
  const env = optionList(request, 'env')
  const bad = env.find((entry) => entry.indexOf('=') < 1)
  if (bad !== undefined) throw new TsrunError('usage', `--env ${JSON.stringify(bad)}: must be NAME=VALUE`)
  return env
}

function execUser(request: PlanRequest, { user }: Process): Process['user'] {
  const given = option(request, 'user')
  const { uid, gid } = given === undefined ? user : parseUser(given)
  const groups = optionList(request, 'additional-gids').map(parseGroup)
  return {
    ...user,
    uid,
    gid: gid ?? user.gid,
    ...(groups.length === 0 ? {} : { additionalGids: [...(user.additionalGids ?? []), ...groups] }),
  }
}

/** Never to the inheritable set (CVE-2022-29162), and to the ambient one only where the config lets it be inherited. */
function addCapabilities(base: LinuxCapabilities | undefined, names: readonly string[]): LinuxCapabilities | undefined {
  if (names.length === 0) return base
  const add = (set: readonly string[] | undefined): readonly string[] => [...(set ?? []), ...names]
  const inherited = names.filter((name) => base?.inheritable?.includes(name))
  return {
    ...base,
    bounding: add(base?.bounding),
    effective: add(base?.effective),
    permitted: add(base?.permitted),
    ...(inherited.length === 0 ? {} : { ambient: [...(base?.ambient ?? []), ...inherited] }),
  }
}

/** A terminal of its own. /dev/console stays the one of the container's init. */
function compileTerminal(context: CompileContext): Op[] {
  const from = processOrigin(context, 'terminal', 'tty')
  return compileConsole(context).map((op) => (op.kind === 'console' ? { ...op, flags: 0, ...from } : op))
}

/**
 * `exec`: the same machine with the namespaces of the container's init, which the front joins, and with the root that
 * comes with them. Hooks are not run. Errors: invalid-config, not-supported, usage.
 */
export function compileExec(request: PlanRequest, spec: Spec, process: Process): Plan {
  const unknown = optionList(request, 'cap').filter((name) => !CAPABILITIES.includes(name))
  const warnings = unknown.map((name) => `--cap ${JSON.stringify(name)}: is no capability of Linux, it is left out`)
  const { target } = request
  if (target === undefined) throw new InternalError('internal error: exec without a target')
  const context = createContext(request, spec, process, warnings)
  const state = readState(request.state)
  const cgroups = compileExecCgroups({
    paths: state.cgroups,
    targetCgroup: target.cgroup,
    facts: context.facts,
    slots: context.slots,
    cgroupOptions: optionList(request, 'cgroup'),
    rootless: context.rootless,
    systemd: state.systemd,
  })
  const seccomp = compileSeccomp(context)
  const { session, drop, commit, start } = compileProcess(context, seccomp.load, [])
  return {
    sections: {
      prepare: [
        // The front takes it on, and the new process has it from its birth.
        ...compileCpuAffinity(context, 'initial'),
        ...cgroups.prepare,
        ...seccomp.prepare,
      ],
      adopt: [...compileOomScore(context), ...cgroups.adopt, ...joinIntelRdt(state.intelRdt, state.intelRdtMonitor)],
      hooks: [],
      setup: [...cgroups.setup, ...compileKeyring(context, state.noNewKeyring), ...compileTerminal(context)],
      drop,
      // Those of the container see the process only now (CVE-2016-9962): drop runs in one that stands outside.
      start: [session, ...start],
      commit,
      poststart: [],
      undo: [],
      poststop: [],
      pause: [],
      resume: [],
    },
    fields: {
      id: request.id,
      stateJson: '',
      stateOutput: '',
      freezerFile: '',
      killDir: '',
      sharesPidNamespace: !isNew(findNamespace(context.linux, 'pid')),
      bundle: request.bundle,
      rootfs: rootfsPath(context),
      created: context.facts.time,
      procsDirs: [],
    },
    spawn: {
      cloneFlags: 0,
      joins: [],
      timeOffsets: '',
      cgroupSlot: cgroups.cgroupSlot,
      terminal: process.terminal === true,
      stage: true,
      exec: true,
      dumpable: false,
    },
    slots: context.slots.count,
    warnings,
  }
}
