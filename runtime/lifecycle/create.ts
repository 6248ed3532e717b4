// SPDX-License-Identifier: Apache-2.0
import { PassThrough, type Readable } from 'node:stream'
import { cgroupManager } from '../compile/cgroup-manager.ts'
import { readFacts } from '../facts/read.ts'
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/plan.ts'
import { planFromRequest } from '../plan-request.ts'
import { checkContainerId, readContainer } from '../state/container.ts'
import { resolveStateRoot } from '../state/state-root.ts'
import { readBundle } from './read-bundle.ts'
import { type RuntimeOptions, runFrontOk, type Stdio } from './run-front.ts'

/** What decides the plan of a new container. */
export interface PlanOptions extends RuntimeOptions {
  readonly id: string
  /** Directory of the bundle. */
  readonly bundle: string
  /** File to read instead of config.json in the bundle. */
  readonly configFile?: string | undefined
  /** Change the root without pivot_root, for a root on a ramdisk. */
  readonly noPivot?: boolean | undefined
  /** Keep the session keyring of this process. */
  readonly noNewKeyring?: boolean | undefined
}

export interface CreateOptions extends PlanOptions {
  /** File to write the pid of init to. */
  readonly pidFile?: string | undefined
  /** Unix socket that receives the master end of the terminal. */
  readonly consoleSocket?: string | undefined
  /** Unix socket that receives a pidfd of init. */
  readonly pidfdSocket?: string | undefined
  /**
   * Descriptors 0, 1, 2 of the container; default: all /dev/null. For input give a descriptor, as that of a file. What
   * 'pipe' makes is a socket: the container can write to it, but not open it again as /dev/stdout.
   */
  readonly stdio?: readonly [Exclude<Stdio, 'pipe'>, Stdio, Stdio] | undefined
  /** Descriptors that become 3, 4 ... of the container. */
  readonly fds?: readonly number[] | undefined
}

/** A container that has just been created. */
export interface Created {
  /** Of init, as this process sees it. */
  readonly pid: number
  readonly warnings: readonly string[]
  /** Ends of the pipes that were asked for. */
  readonly stdout: Readable | null
  readonly stderr: Readable | null
}

function flagsOf(options: CreateOptions): readonly string[] {
  const { configFile, noPivot, noNewKeyring, pidFile, consoleSocket, pidfdSocket, fds = [] } = options
  const values = {
    'config': configFile,
    'pid-file': pidFile,
    'console-socket': consoleSocket,
    'pidfd-socket': pidfdSocket,
    'no-pivot': noPivot === true ? 'true' : undefined,
    'no-new-keyring': noNewKeyring === true ? 'true' : undefined,
    'preserve-fds': fds.length > 0 ? String(fds.length) : undefined,
  }
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]))
}

function toPlanOptions(flags: readonly string[], { cgroupManager }: RuntimeOptions): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  for (const flag of flags) {
    const at = flag.indexOf('=')
    options.set(flag.slice(2, at), flag.slice(at + 1))
  }
  if (cgroupManager !== undefined) options.set('cgroup-manager', cgroupManager)
  return options
}

function compilePlan(options: PlanOptions): Plan {
  const { path, config } = readBundle(options.bundle, options.configFile)
  const flags = toPlanOptions(flagsOf(options), options)
  return planFromRequest({
    verb: 'create',
    id: checkContainerId(options.id),
    bundle: path,
    root: resolveStateRoot(options.root),
    options: flags,
    args: [],
    config,
    facts: readFacts(cgroupManager({ options: flags }) === 'systemd'),
  })
}

/**
 * The plan of a container, which says all that would be done. Nothing is changed, and root is not needed.
 * Errors: bundle, invalid-id, invalid-json, invalid-config, not-supported, host.
 */
export async function plan(options: PlanOptions): Promise<Plan> {
  return compilePlan(options)
}

/**
 * Makes everything of a container but the user process, which waits for `start`.
 * Errors: those of `plan`; id-taken, cgroup, seccomp, hook, executor.
 */
export async function create(options: CreateOptions): Promise<Created> {
  const { id, bundle, stdio, fds, root } = options
  const encoded = encodePlan(compilePlan(options))
  let [stdout, stderr]: (Readable | null)[] = []
  const { warnings } = await runFrontOk(
    {
      args: ['create', `--bundle=${bundle}`, ...flagsOf(options), '--', id],
      plan: encoded,
      ...(stdio === undefined ? {} : { stdio }),
      ...(fds === undefined ? {} : { fds }),
    },
    options,
    (child) => {
      // Streams of a process that has ended are emptied into nothing, but this one leaves them to the container.
      stdout = child.stdout?.pipe(new PassThrough())
      stderr = child.stderr?.pipe(new PassThrough())
    },
  )
  const { pid } = readContainer(resolveStateRoot(root), id)
  return { pid, warnings, stdout: stdout ?? null, stderr: stderr ?? null }
}
