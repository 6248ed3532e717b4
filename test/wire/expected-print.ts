// SPDX-License-Identifier: Apache-2.0
import { OPS, type Op, SECTIONS, TOLERATED } from '../../runtime/plan/ops.ts'
import type { Plan } from '../../runtime/plan/plan.ts'
import { SPAWN_FLAG } from '../../runtime/plan/wire.ts'

const hex = (data: string | Uint8Array): string => Buffer.from(data as string).toString('hex')

function argument(letter: string, value: unknown): string {
  switch (letter) {
    case 's':
    case 'r':
      return `"${hex(value as string)}`
    case 'b':
      return `'${hex(value as string | Uint8Array)}`
    case 'v':
      return `[${(value as readonly string[]).map(hex).join(',')}]`
    default:
      return value === null ? '-' : String(value)
  }
}

function opLine(section: string, op: Op): string {
  const { signature, args } = OPS[op.kind]
  const tolerate = (op.tolerate ?? []).reduce((mask, name) => mask | TOLERATED[name], 0)
  const values = args.map((name, index) =>
    argument(signature[index] ?? '', (op as unknown as Readonly<Record<string, unknown>>)[name]),
  )
  const name = op.kind.toUpperCase().replaceAll('-', '_')
  return [section, name, String(tolerate), `"${hex(op.label)}`, ...values].join(' ')
}

function spawnLine({ spawn }: Plan): string {
  const flags = (Object.keys(SPAWN_FLAG) as readonly (keyof typeof SPAWN_FLAG)[])
    .filter((name) => spawn[name])
    .reduce((mask, name) => mask | SPAWN_FLAG[name], 0)
  const joins = spawn.joins.map(({ slot, type }) => `${slot}:${type}`)
  const head = ['spawn', String(spawn.cloneFlags), String(flags), String(spawn.cgroupSlot ?? '-')]
  return [...head, `"${hex(spawn.timeOffsets)}`, ...joins].join(' ')
}

/** What test/wire/decode must print of a plan. */
export function expectedPrint(plan: Plan): string {
  const { fields } = plan
  const texts = [
    ...[fields.id, fields.stateJson, fields.stateOutput, fields.freezerFile, fields.killDir],
    ...[fields.sharesPidNamespace ? '1' : '', fields.bundle, fields.rootfs, fields.created],
    ...[fields.procsDirs.join(':'), '', ''],
  ]
  const lines = [
    `slots ${plan.slots}`,
    spawnLine(plan),
    ...texts.map((text) => `field "${hex(text)}`),
    ...plan.warnings.map((text) => `warning "${hex(text)}`),
    ...SECTIONS.flatMap((section) => plan.sections[section].map((op) => opLine(section, op))),
  ]
  return `${lines.join('\n')}\n`
}
