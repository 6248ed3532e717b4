// SPDX-License-Identifier: Apache-2.0
import type { PlanRequest } from './facts/request.ts'
import { encodePlan } from './plan/encode.ts'
import type { Plan } from './plan/plan.ts'
import { encodeTemplate, fillHoles, isPlain, makeMarkers, unmark } from './plan/template.ts'
import { planFromRequest } from './plan-request.ts'
import { requestHoles, templateText, withTemplateText } from './template-text.ts'

/**
 * The template of a plan that was made for this request, or undefined when there is none. The request is compiled once more
 * with markers in place of its paths, ids and texts. What comes out must be the same plan but for the markers: else
 * something was decided by a value, and no template can decide.
 */
export function templateFromRequest(request: PlanRequest, plan: Plan): Uint8Array | undefined {
  if (!isPlain(request.id, request.bundle)) return undefined
  const text = templateText(request)
  const holes = requestHoles(request)
  if (holes === undefined) return undefined
  const values = holes.map(({ start, end }) => text.slice(start, end))
  const all = JSON.stringify([text, request.id, request.bundle, [...request.facts.env]])
  const markers = makeMarkers(all, holes, values)
  if (markers === undefined) return undefined
  const marked = planFromRequest({
    ...withTemplateText(request, fillHoles(text, holes, markers.holes)),
    id: markers.id,
    bundle: markers.bundle,
    facts: { ...request.facts, time: markers.time },
  })
  const real = { id: request.id, bundle: request.bundle, time: request.facts.time, holes: values }
  if (toText(unmark(marked, markers, real)) !== toText(plan)) return undefined
  return encodeTemplate(text, holes, markers, encodePlan(marked))
}

function toText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'bigint' ? `${item}n` : item instanceof Uint8Array ? [...item] : item,
  )
}
