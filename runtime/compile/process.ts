// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { compileApparmor } from './apparmor.ts'
import { compileCapabilities } from './capabilities.ts'
import { byRuntime, type CompileContext, cleanPath, invalid } from './context.ts'
import { compileCpuAffinity } from './cpu-affinity.ts'
import { toEnvironment } from './environment.ts'
import { compileIoPriority } from './io-priority.ts'
import { compileMemoryPolicy } from './memory-policy.ts'
import { compileNoNewPrivileges } from './no-new-privileges.ts'
import { compilePersonality } from './personality.ts'
import { processOrigin } from './process-origin.ts'
import { compileRlimits } from './rlimits.ts'
import { compileScheduler } from './scheduler.ts'
import { compileSelinux } from './selinux.ts'
import { passDescriptors } from './stdio.ts'
import { compileUser } from './user.ts'

const DIRECTORY = 0
const DIRECTORY_MODE = 0o755

/** What init becomes, step by step: the same for the process of `create` and that of `exec`. */
export interface ProcessPlan {
  /** A new session, with the terminal as stdio. For `exec` it has to wait for the process that becomes the user's. */
  readonly session: Op
  readonly drop: readonly Op[]
  readonly commit: readonly Op[]
  readonly start: readonly Op[]
}

/**
 * From root in the container's namespaces to the user process. The order is security:
 * `load` is the seccomp filter, `hooks` are startContainer's.
 * Errors: invalid-config, not-supported, usage.
 */
export function compileProcess(context: CompileContext, load: readonly Op[], hooks: readonly Op[]): ProcessPlan {
  const { process, request } = context
  const args = process.args ?? []
  if (args.length === 0) throw invalid('/process/args', undefined, 'must name a program to run')
  const passed = passDescriptors(request)
  const env = toEnvironment([...(process.env ?? []), ...passed.env])
  const capabilities = compileCapabilities(context)
  const user = compileUser(context)
  const rlimits = compileRlimits(context)
  const run = { args, env, ...processOrigin(context, 'args') }
  const directory = process.cwd
  return {
    session: {
      kind: 'session',
      ...(process.terminal ? processOrigin(context, 'terminal', 'tty') : byRuntime('session')),
    },
    drop: [
      // These take capabilities that go with the next steps.
      ...compileScheduler(context, 'drop'),
      ...compileIoPriority(context),
      ...compilePersonality(context),
      ...compileMemoryPolicy(context),
      ...compileCpuAffinity(context, 'final'),
      ...compileHome(context, env),
      user.umask,
      // Takes effect with execve; written while the private procfs can still be made.
      ...compileApparmor(context),
      ...compileSelinux(context),
      capabilities.bound,
      // Before a path of the config is entered: it could name a descriptor of init (CVE-2024-21626). And one that is to
      // be handed on and absent fails here, in time for `create` to tell.
      passed.op,
      // A directory that root may enter and the user may not is fine, and so is the reverse: `ids` tries again.
      { kind: 'chdir', path: directory, ...processOrigin(context, 'cwd', 'cwd', directory) },
      user.ids,
      // As the user, so that processes of root do not count against its limits; with power, to raise them.
      ...rlimits.drop,
      capabilities.sets,
      ...compileNoNewPrivileges(context),
      // From here on init can do what the user process can, so this fails when that would.
      { kind: 'find-exec', ...run },
    ],
    commit: [...compileScheduler(context, 'commit'), ...rlimits.commit],
    start: [
      ...rlimits.start,
      passed.op,
      // All set, so that the filter has to allow nothing but what the user process is: execve. Capabilities are not
      // touched any more (see needsAdminForSeccomp).
      ...load,
      // Programs of the container: under its filter, with its ids and its capabilities.
      ...hooks,
      { kind: 'execve', ...run },
    ],
  }
}

function compileHome(context: CompileContext, env: readonly string[]): Op[] {
  for (const entry of env) if (entry.startsWith('HOME=')) return []
  return [{ kind: 'home', uid: context.process.user.uid, ...processOrigin(context, 'env', undefined, 'HOME') }]
}

/** A working directory that is not there is made, before the root becomes read-only. What goes wrong, `chdir` tells. */
export function compileCwd(context: CompileContext): Op[] {
  const path = cleanPath(context.process.cwd)
  if (path === '/') return []
  return [
    {
      kind: 'ensure',
      path,
      type: DIRECTORY,
      like: null,
      mode: DIRECTORY_MODE,
      target: context.slots.next(),
      ...processOrigin(context, 'cwd', undefined, context.process.cwd),
      tolerate: ['ENOENT', 'EPERM', 'EROFS', 'ENOSYS', 'EINVAL'],
    },
  ]
}
