// SPDX-License-Identifier: Apache-2.0
import type { Hooks } from '../../spec/runtime/hooks.ts'
import type { Op } from '../plan/ops.ts'
import { PLACEHOLDER } from '../plan/plan.ts'
import type { CompileContext } from './context.ts'
import { toEnvironment } from './environment.ts'
import { hookStateTemplate } from './state-json.ts'

const ONLY_WARNS = 1
/** With HOME where the environment has none. */
const WITH_HOME = 2
const MAX_TIMEOUT_MS = 0xffffffff

/** Ops for the hooks of one kind, in listed order. Spec: config.md#posix-platform-hooks */
export function compileHooks(context: CompileContext, kind: keyof Hooks): Op[] {
  const hooks = context.spec.hooks?.[kind] ?? []
  if (hooks.length === 0) return []
  const state = stateFor(context, kind)
  // Those in the container see what the process will see, where nothing else is said; callers rely on it.
  const inherited = kind === 'startContainer' ? toEnvironment(context.process.env ?? []) : []
  return hooks.map((hook, index) => ({
    kind: 'hook',
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
  }))
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
