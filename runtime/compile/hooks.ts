// SPDX-License-Identifier: Apache-2.0
import type { Hooks } from '../../spec/runtime/hooks.ts'
import type { FdSlot, Op } from '../plan/ops.ts'
import { PLACEHOLDER } from '../plan/plan.ts'
import { annotatedPath, HOOKS_STDERR, HOOKS_STDOUT } from './annotations.ts'
import type { CompileContext } from './context.ts'
import { toEnvironment } from './environment.ts'
import { hookStateTemplate } from './state-json.ts'

const ONLY_WARNS = 1
/** With HOME where the environment has none. */
const WITH_HOME = 2
const MAX_TIMEOUT_MS = 0xffffffff

/** Run by other processes than `create`, from the stored plan, with nothing open. */
const opensItself: ReadonlySet<keyof Hooks> = new Set(['poststart', 'poststop'])

/** Files of the host that hooks write to instead of what their errors are made of, by annotations. */
interface HookFiles {
  readonly stdout: FdSlot | null
  readonly stderr: FdSlot | null
  readonly open: readonly Op[]
}

const known = new WeakMap<CompileContext, HookFiles>()

function hookFiles(context: CompileContext): HookFiles {
  let files = known.get(context)
  if (files === undefined) {
    const open: Op[] = []
    const slotFor = (name: string): FdSlot | null => {
      const named = annotatedPath(context, name)
      if (named === undefined) return null
      const slot = context.slots.next()
      open.push({ kind: 'open-append', path: named.path, slot, ...named.from })
      return slot
    }
    files = { stdout: slotFor(HOOKS_STDOUT), stderr: slotFor(HOOKS_STDERR), open }
    known.set(context, files)
  }
  return files
}

/** Opens the files for the hooks of `create` and `start`, some of which run where the host's paths are not seen. */
export function compileHookFiles(context: CompileContext): readonly Op[] {
  const { hooks = {} } = context.spec
  for (const kind of Object.keys(hooks) as (keyof Hooks)[]) {
    if (!opensItself.has(kind) && (hooks[kind]?.length ?? 0) > 0) return hookFiles(context).open
  }
  return []
}

/** Ops for the hooks of one kind, in listed order. Spec: config.md#posix-platform-hooks */
export function compileHooks(context: CompileContext, kind: keyof Hooks): Op[] {
  const hooks = context.spec.hooks?.[kind] ?? []
  if (hooks.length === 0) return []
  const state = stateFor(context, kind)
  const { stdout, stderr, open } = hookFiles(context)
  // Those in the container see what the process will see, where nothing else is said; callers rely on it.
  const inherited = kind === 'startContainer' ? toEnvironment(context.process.env ?? []) : []
  const ops: Op[] = opensItself.has(kind) ? [...open] : []
  for (const [index, hook] of hooks.entries()) {
    const op = {
      path: hook.path,
      args: hook.args === undefined || hook.args.length === 0 ? [hook.path] : hook.args,
      env: hook.env ?? inherited,
      timeoutMs: Math.min((hook.timeout ?? 0) * 1000, MAX_TIMEOUT_MS),
      state,
      // Spec: runtime.md#lifecycle: "if any poststop hook fails, the runtime MUST log a warning, but [...] continue".
      flags: kind === 'poststop' ? ONLY_WARNS : kind === 'startContainer' && hook.env === undefined ? WITH_HOME : 0,
      // Callers look for exactly these words.
      cause: `/hooks/${kind}/${index}`,
      label: `error running ${kind} hook #${index}`,
    }
    ops.push(open.length === 0 ? { kind: 'hook', ...op } : { kind: 'hook-into', ...op, stdout, stderr })
  }
  return ops
}

/**
 * By the lifecycle, prestart hooks come after the step that "creating" stands for; crun says "created" as well. All later
 * hooks of create get what runc says. Spec: runtime.md#lifecycle, runtime.md#state
 */
function stateFor(context: CompileContext, kind: keyof Hooks): string {
  const template = hookStateTemplate(context, kind === 'poststop')
  return kind === 'prestart' ? template.replace(PLACEHOLDER.status, 'created') : template
}

/** Whether init has to stop for hooks that run beside it, in the namespaces of the runtime. */
export function hasRuntimeHooks({ spec }: CompileContext): boolean {
  return (spec.hooks?.prestart?.length ?? 0) + (spec.hooks?.createRuntime?.length ?? 0) > 0
}
