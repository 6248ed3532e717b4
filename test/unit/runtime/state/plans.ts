// SPDX-License-Identifier: Apache-2.0
import { type Op, SECTIONS, type SectionName } from '../../../../runtime/plan/ops.ts'
import { PLACEHOLDER, type Plan, type PlanFields } from '../../../../runtime/plan/plan.ts'

/** A plan as a container's state directory holds it. */
export function makePlan(
  fields: Partial<PlanFields> = {},
  sections: Partial<Record<SectionName, readonly Op[]>> = {},
): Plan {
  const empty = Object.fromEntries(SECTIONS.map((name) => [name, []])) as unknown as Record<SectionName, readonly Op[]>
  return {
    sections: { ...empty, ...sections },
    fields: {
      id: 'c1',
      stateJson: '{}',
      stateOutput: `{"ociVersion":"1.3.0","id":"c1","pid":${PLACEHOLDER.pid},"status":"${PLACEHOLDER.status}","bundle":"/b","rootfs":"/b/rootfs","created":"2026-01-02T03:04:05.678Z","owner":""}`,
      freezerFile: '',
      killDir: '',
      sharesPidNamespace: false,
      bundle: '/b',
      rootfs: '/b/rootfs',
      created: '2026-01-02T03:04:05.678Z',
      procsDirs: [],
      ...fields,
    },
    spawn: {
      cloneFlags: 0x20000,
      joins: [],
      timeOffsets: '',
      cgroupSlot: null,
      terminal: false,
      stage: false,
      exec: false,
      dumpable: false,
    },
    slots: 4,
    warnings: [],
  }
}
