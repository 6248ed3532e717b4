// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../spec/runtime/config.ts'
import { staysInItsCgroup } from './cgroups/compile-exec-cgroups.ts'
import { cgroupManager } from './compile/cgroup-manager.ts'
import { optionList } from './compile/context.ts'
import { readState } from './compile/state-json.ts'
import type { PlanRequest } from './facts/request.ts'
import { findHoles, findProcessHoles, findStateHoles, type Hole, isOfClass, pathHoles } from './plan/template-holes.ts'

/*
 * What a template is laid over: for create and run the text of config.json. For exec the documents of the request, and then
 * the command, each with a NUL behind it, which none of them can hold (csrc/front/exec.c puts the same together).
 */

/** The text of a request. */
export function templateText(request: PlanRequest): string {
  return documents(request).join('\0')
}

function documents({ verb, config, process = '', state = '', target, args }: PlanRequest): readonly string[] {
  return verb === 'exec' ? [config, process, state, target?.cgroup ?? '', ...args, ''] : [config]
}

/** The request with another text. */
export function withTemplateText(request: PlanRequest, text: string): PlanRequest {
  if (request.verb !== 'exec') return { ...request, config: text }
  const [config = '', process = '', state = '', cgroup = '', ...rest] = text.split('\0')
  return {
    ...request,
    config,
    process: request.process === undefined ? undefined : process,
    state: request.state === undefined ? undefined : state,
    target: request.target && { ...request.target, cgroup },
    args: rest.slice(0, -1),
  }
}

/** The holes of a request's text in order, or undefined when it is not for templates. The request has been compiled. */
export function requestHoles(request: PlanRequest): readonly Hole[] | undefined {
  const spec = JSON.parse(request.config) as Spec
  const systemd = isSystemds(request)
  // The unit is named after the id then, and what is in a name decides where systemd puts the unit.
  if (systemd && request.verb !== 'exec' && !spec.linux?.cgroupsPath) return undefined
  const config = findHoles(request.config, spec, systemd)
  if (request.verb !== 'exec') return config
  // Whether a user's process can go into the cgroup itself is decided by where that is.
  if (systemd && request.facts.uid !== 0) return undefined
  if (optionList(request, 'cgroup').length > 0 || !isOrdinary(request)) return undefined
  const parts = documents(request)
  if (parts.some((part) => part.includes('\0'))) return undefined
  const { process = '', state = '', target } = request
  const found = [config, process === '' ? [] : findProcessHoles(process), state === '' ? [] : findStateHoles(state)]
  found.push(cgroupHoles(target?.cgroup ?? ''), ...request.args.map(argumentHole))
  let at = 0
  return found.flatMap((holes, index) => {
    const moved = holes.map((hole) => ({ ...hole, start: hole.start + at, end: hole.end + at }))
    at += (parts[index] ?? '').length + 1
    return moved
  })
}

/** systemd makes the container's cgroup, or has made it. */
function isSystemds(request: PlanRequest): boolean {
  return request.verb === 'exec' ? readState(request.state).systemd : cgroupManager(request) === 'systemd'
}

/** Init is where it was put: that it may be elsewhere is decided by the values of paths. */
function isOrdinary({ state, target, facts }: PlanRequest): boolean {
  const { cgroups } = readState(state)
  return staysInItsCgroup({ paths: cgroups, targetCgroup: target?.cgroup ?? '', facts })
}

/** Lines of /proc/PID/cgroup: `number:controllers:path`. */
function cgroupHoles(text: string): readonly Hole[] {
  return [...text.matchAll(/^\d+:[^:\n]*:(\/[^\n]*)$/gm)].flatMap(({ 0: line, 1: path = '', index }) =>
    pathHoles(path, index + line.length - path.length),
  )
}

function argumentHole(text: string): readonly Hole[] {
  return isOfClass(text, 'text') ? [{ hole: 'text', start: 0, end: text.length }] : []
}
