// SPDX-License-Identifier: Apache-2.0
// RUN: a container on top of the image so far. What it changed becomes a layer.

import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Spec } from '../../spec/runtime/config.ts'
import { applyCdi, resolveCdi } from '../containers/cdi.ts'
import { containerSpec, type HostFacts } from '../containers/container-spec.ts'
import { type MountPoint, mountPointLayer } from '../containers/init-layer.ts'
import { optionalFile, resolveUser } from '../containers/users.ts'
import { type ExpandedRun, programOf } from '../dockerfile/instructions/run.ts'
import { DockError } from '../error.ts'
import { read, remove } from '../host/files.ts'
import { runContainer } from '../host/oci-runtime.ts'
import { shellOf } from './config-step.ts'
import { checkRunnable } from './platforms.ts'
import type { BuiltLayer, ImageState } from './image-state.ts'
import { needsCgroup, type RunLimits, withLimits } from './run-limits.ts'
import { type MountSources, type PreparedMounts, prepareMounts } from './run-mounts.ts'
import { commitStep, initLayerOf, lowerOf, openStep, type Step, type Stores, stepOverlay } from './snapshot.ts'

export interface RunContext {
  readonly stores: Stores
  readonly host: HostFacts
  readonly runtime: string | undefined
  /** State root of the runtime. */
  readonly runtimeRoot: string
  readonly sources: Omit<MountSources, 'stores' | 'directory' | 'workingDirectory'>
  /** Variables of ARG, which the image does not keep. */
  readonly args: readonly string[]
  readonly allowInsecure: boolean
  /** --add-host: lines of /etc/hosts. */
  readonly hosts: readonly string[]
  /** --cdi-spec-dir */
  readonly cdiDirectories: readonly string[]
  readonly hostname: string | undefined
  readonly limits: RunLimits
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void
  readonly signal?: AbortSignal | undefined
}

/** The command ended with another status than 0. */
export class RunFailed extends DockError {
  readonly status: number
  constructor(status: number, command: string) {
    super(`process ${JSON.stringify(command)} did not complete successfully: exit code: ${status}`)
    this.status = status
  }
}

/** Files that every container has, made for it. */
async function etcFiles(directory: string, context: RunContext, network: 'host' | 'none'): Promise<Spec['mounts']> {
  const hostname = context.hostname ?? 'buildkitsandbox'
  const hosts = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    `127.0.1.1\t${hostname}`,
    ...context.hosts,
  ]
  const file = async (name: string, text: string) => {
    await writeFile(join(directory, name), text)
    return { destination: `/etc/${name}`, type: 'bind', source: join(directory, name), options: ['bind', 'ro'] }
  }
  return [
    await file('hosts', `${hosts.join('\n')}\n`),
    await file('hostname', `${hostname}\n`),
    network === 'none'
      ? await file('resolv.conf', '')
      : { destination: '/etc/resolv.conf', type: 'bind', source: '/etc/resolv.conf', options: ['bind', 'ro'] },
  ]
}

async function resolve(state: ImageState, lower: readonly string[], step: Step, context: RunContext) {
  const user = state.run.User ?? ''
  if (user === '' || user === 'root' || user === '0') return { uid: 0, gid: 0 }
  const files = { ...context.stores.files, overlays: [stepOverlay(step, lower)] }
  return (
    await resolveUser(
      user,
      optionalFile((path) => read(step.merged, path, files)),
    )
  ).user
}

interface Bundle {
  readonly directory: string
  readonly prepared: PreparedMounts
  readonly extra: readonly string[]
}

/** What the runtime mounts on, above the image. */
async function layersAbove(
  directory: string,
  lower: readonly string[],
  points: readonly MountPoint[],
  { stores }: RunContext,
): Promise<readonly string[]> {
  const init = await initLayerOf(stores, lower)
  if (points.length === 0) return [init]
  const unprivileged = stores.files.unprivileged === true
  return [await mountPointLayer(join(directory, 'points'), [init, ...lower], points, unprivileged), init]
}

async function writeBundle(
  id: string,
  state: ImageState,
  instruction: ExpandedRun,
  lower: readonly string[],
  step: Step,
  context: RunContext,
): Promise<Bundle> {
  const directory = join(step.directory, 'bundle')
  await mkdir(directory)
  const cwd = state.run.WorkingDir === undefined || state.run.WorkingDir === '' ? '/' : state.run.WorkingDir
  const sources = { ...context.sources, stores: context.stores, directory, workingDirectory: cwd }
  const program = programOf(instruction.command, shellOf(state.run))
  const network = instruction.network === 'none' ? 'none' : 'host'
  const user = await resolve(state, lower, step, context)
  const prepared = await prepareMounts(instruction.mounts, sources)
  try {
    const points: MountPoint[] = [...prepared.points]
    const mounts = [...((await etcFiles(directory, context, network)) ?? []), ...prepared.mounts]
    if (program.script !== undefined) {
      const script = join(directory, 'script')
      await writeFile(script, program.script.text, { mode: 0o755 })
      mounts.push({ destination: program.script.path, type: 'bind', source: script, options: ['bind', 'ro'] })
    }
    const extra = await layersAbove(directory, lower, points, context)
    const env = [`SOURCE_DATE_EPOCH=${state.epoch}`, ...context.args, ...(state.run.Env ?? []), ...prepared.env]
    const devices = await knownDevices(instruction, context)
    const spec = containerSpec(
      state.run,
      {
        args: program.args,
        env,
        user,
        rootfs: step.merged,
        network,
        mounts,
        hostname: context.hostname ?? 'buildkitsandbox',
        privileged: instruction.security === 'insecure',
        seccomp: instruction.security === 'insecure' ? undefined : context.limits.seccomp,
      },
      context.host,
    )
    await writeFile(
      join(directory, 'config.json'),
      JSON.stringify(
        await applyCdi(withLimits(spec, context.limits, id, context.host), devices, context.cdiDirectories),
      ),
    )
    return { directory, prepared, extra }
  } catch (e: unknown) {
    await prepared.release()
    throw e
  }
}

/** Names of --device; those that are not required, and not known, are left out. */
async function knownDevices({ devices }: ExpandedRun, { cdiDirectories }: RunContext): Promise<readonly string[]> {
  const names: string[] = []
  for (const { name, required } of devices) {
    const known = await resolveCdi([name], cdiDirectories).then(
      () => true,
      (e: unknown) => {
        if (required) throw e
        return false
      },
    )
    if (known) names.push(name)
  }
  return names
}

/** Runs the instruction. Errors: RunFailed, DockError; nothing of the step stays, unless `onFailure` wants to look at it. */
export async function runStep(
  state: ImageState,
  instruction: ExpandedRun,
  context: RunContext,
  onFailure?: (step: Step, lower: readonly string[]) => Promise<void>,
): Promise<BuiltLayer | undefined> {
  if (instruction.security === 'insecure' && !context.allowInsecure) {
    throw new DockError('RUN --security=insecure is not allowed (try: tsdock build --allow security.insecure)')
  }
  await checkRunnable(state.platform)
  const lower = await lowerOf(context.stores, state)
  const id = `build-${randomBytes(8).toString('hex')}`
  const step = await openStep(context.stores)
  try {
    const { directory, prepared, extra } = await writeBundle(id, state, instruction, lower, step, context)
    let exitCode: number
    try {
      const result = await runContainer({
        runtime: context.runtime,
        root: context.runtimeRoot,
        id,
        systemdCgroup: context.host.rootless?.systemd === true && needsCgroup(context.limits),
        bundle: directory,
        overlays: [...prepared.overlays, stepOverlay(step, lower, extra)],
        unprivileged: context.stores.files.unprivileged,
        onOutput: context.onOutput,
        signal: context.signal,
      })
      exitCode = result.exitCode
    } finally {
      await prepared.release()
    }
    if (exitCode !== 0) {
      await onFailure?.(step, [...extra, ...lower])
      const command = instruction.command
      throw new RunFailed(
        exitCode,
        command.form === 'exec' ? command.args.join(' ') : `${shellOf(state.run).join(' ')} ${command.line}`,
      )
    }
    await remove(directory)
    return await commitStep(context.stores, state, step)
  } finally {
    await remove(step.directory)
  }
}
