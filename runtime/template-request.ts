// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../spec/runtime/config.ts'
import type { PlanRequest } from './facts/request.ts'
import { encodePlan } from './plan/encode.ts'
import type { Plan } from './plan/plan.ts'
import { encodeTemplate, fillHoles, isPlain, makeMarkers, unmark } from './plan/template.ts'
import { findHoles } from './plan/template-holes.ts'
import { planFromRequest } from './plan-request.ts'

/**
 * The template of a plan that was made for this request, or undefined when there is none. The config is compiled once more
 * with markers in place of its paths, ids and texts. What comes out must be the same plan but for the markers: else
 * something was decided by a value, and no template can decide.
 */
export function templateFromRequest(request: PlanRequest, plan: Plan): Uint8Array | undefined {
  if (request.verb === 'exec' || !isPlain(request.id, request.bundle)) return undefined
  const holes = findHoles(request.config, JSON.parse(request.config) as Spec)
  const markers = makeMarkers(
    JSON.stringify([request.config, request.id, request.bundle, [...request.facts.env]]),
    holes,
  )
  if (markers === undefined) return undefined
  const marked = planFromRequest({
    ...request,
    id: markers.id,
    bundle: markers.bundle,
    config: fillHoles(request.config, holes, markers.holes),
    facts: { ...request.facts, time: markers.time },
  })
  const real = {
    id: request.id,
    bundle: request.bundle,
    time: request.facts.time,
    holes: holes.map(({ start, end }) => request.config.slice(start, end)),
  }
  if (toText(unmark(marked, markers, real)) !== toText(plan)) return undefined
  return encodeTemplate(request.config, holes, markers, encodePlan(marked))
}

function toText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'bigint' ? `${item}n` : item instanceof Uint8Array ? [...item] : item,
  )
}
