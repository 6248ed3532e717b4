// SPDX-License-Identifier: Apache-2.0
import { PLACEHOLDER } from '../plan/plan.ts'

/** What a template of a plan's fields leaves open. */
export interface TemplateValues {
  readonly pid: number
  readonly status: string
  readonly startTime: bigint
}

/** A template with its placeholder bytes replaced: what template_fill of the executor does. */
export function fillTemplate(template: string, { pid, status, startTime }: TemplateValues): string {
  return template
    .replaceAll(PLACEHOLDER.pid, String(pid))
    .replaceAll(PLACEHOLDER.status, status)
    .replaceAll(PLACEHOLDER.startTime, String(startTime))
}
