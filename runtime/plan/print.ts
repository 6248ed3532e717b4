// SPDX-License-Identifier: Apache-2.0
import { OPS, type Op, SECTIONS, type SectionName, TOLERATED, type Tolerated } from './ops.ts'
import { PLACEHOLDER, type Plan } from './plan.ts'
import { namespaceWord, wordOf } from './words.ts'

/** Who runs a section, and when. */
const when: Readonly<Record<SectionName, string>> = {
  prepare: 'the front, before init is there',
  adopt: 'the front, while init waits to go on',
  hooks: 'the front, while init waits at hooks-point',
  setup: 'init, as root of its namespaces',
  drop: 'init, on its way to the user process; then it says that it is ready',
  start: 'init, once it is told to start',
  commit: 'the front, when init is ready; then create returns',
  poststart: 'the front, after execve',
  undo: 'the front, on delete and after any failure',
  poststop: 'the front, after undo',
  pause: 'the front, on pause',
  resume: 'the front, on resume',
}

const CAUSE_COLUMN = 76
const SHORT_LIST = 72
const SHORT_BYTES = 32

/**
 * A plan as text: all ops with their arguments by name, under the field of config.json that asks for them. Flags, lists
 * and descriptors that are empty are left out.
 */
export function printPlan(plan: Plan): string {
  const blocks = [printHead(plan)]
  if (plan.warnings.length > 0) blocks.push(['warnings', ...plan.warnings.map((text) => `  ${text}`)])
  for (const name of SECTIONS) {
    if (plan.sections[name].length > 0) blocks.push(printSection(name, plan.sections[name]))
  }
  const { stateJson, stateOutput } = plan.fields
  if (stateJson !== '') blocks.push(['state.json', `  ${readable(stateJson)}`])
  if (stateOutput !== '') {
    const lines = readable(stateOutput).split('\n')
    blocks.push(['state', ...lines.map((line) => `  ${line}`)])
  }
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function printHead({ fields, spawn, slots }: Plan): readonly string[] {
  const joined = spawn.joins.map(({ slot, type }) => `${namespaceWord(type)} of #${slot}`)
  const rows: readonly (readonly [name: string, value: string])[] = [
    ['bundle', fields.bundle],
    ['root', fields.rootfs],
    ['created', fields.created],
    ['namespaces', spawn.exec ? "those of the container's init" : namespaceWord(spawn.cloneFlags)],
    ['joined', joined.join(', ')],
    ['time offsets', spawn.timeOffsets.trim().replaceAll('\n', ', ')],
    ['pid namespace', fields.sharesPidNamespace ? 'shared' : ''],
    ['terminal', spawn.terminal ? 'yes' : ''],
    ['dumpable', spawn.dumpable ? 'yes' : ''],
    ['born in', spawn.cgroupSlot === null ? '' : `the cgroup of #${spawn.cgroupSlot}`],
    ['cgroup', fields.killDir],
    ['processes', fields.procsDirs.filter((dir) => dir !== fields.killDir).join(', ')],
    ['freezer', fields.freezerFile],
    ['descriptors', slots === 0 ? '' : `#0 to #${slots - 1}`],
  ]
  const shown = rows.filter(([, value]) => value !== '')
  const title = spawn.exec ? 'exec in container' : 'container'
  return [`${title} ${fields.id}`, ...shown.map(([name, value]) => `  ${name.padEnd(14)}${value}`)]
}

function printSection(name: SectionName, ops: readonly Op[]): readonly string[] {
  const lines = [`${name}: ${ops.length} ${ops.length === 1 ? 'op' : 'ops'}, ${when[name]}`]
  let heading = ''
  for (const [index, op] of ops.entries()) {
    const next = printHeading(op)
    if (next !== heading) lines.push('', next)
    heading = next
    lines.push(...printOp(index, op))
  }
  return lines
}

/** Ops in a row that have one origin stand under one heading. */
function printHeading({ label, cause }: Op): string {
  const left = `  ${label}`
  return cause === '' ? left : `${left.padEnd(CAUSE_COLUMN)}  ${cause}`
}

function printOp(index: number, op: Op): readonly string[] {
  const { syscall, signature, args } = OPS[op.kind]
  const values = op as unknown as Readonly<Record<string, unknown>>
  const inline: string[] = []
  const below: string[] = []
  for (const [at, argument] of args.entries()) {
    const shown = printArgument(op, signature[at] ?? '', argument, values[argument])
    if (shown === '') continue
    if (typeof shown === 'string') {
      inline.push(`${argument}=${shown}`)
    } else {
      inline.push(`${argument}:`)
      below.push(...shown.map((line) => `${' '.repeat(10)}| ${line}`))
    }
  }
  // In one order, however they were listed: the wire has bits.
  const tolerated = Object.keys(TOLERATED).filter((name) => op.tolerate?.includes(name as Tolerated))
  if (tolerated.length > 0) inline.push(`(or ${tolerated.join(', ')})`)
  const head = `  ${String(index).padStart(4)}  ${syscall.padEnd(17)}  ${op.kind.padEnd(15)}  ${inline.join(' ')}`
  return [head.trimEnd(), ...below]
}

/** One word for the line of the op, or lines to stand below it; '' for what the op is done without. */
function printArgument(op: Op, letter: string, argument: string, value: unknown): string | readonly string[] {
  const word = wordOf(op.kind, argument, value)
  if (word !== undefined) return word
  switch (letter) {
    case 'P':
    case 'T':
    case 'F':
    case 'O':
      return value === null ? '' : `#${value}`
    case 's':
    case 'r':
      return quote(value as string)
    case 'b':
      return printBytes(value as string | Uint8Array)
    case 'v': {
      const items = (value as readonly string[]).map(quote)
      if (items.length === 0) return ''
      const line = `[${items.join(' ')}]`
      return line.length <= SHORT_LIST ? line : items
    }
    default:
      return String(value)
  }
}

function printBytes(value: string | Uint8Array): string | readonly string[] {
  const text = typeof value === 'string' ? value : toText(value)
  if (text === undefined) {
    const bytes = value as Uint8Array
    return bytes.length <= SHORT_BYTES ? `<${toHex(bytes)}>` : `<${bytes.length} bytes>`
  }
  if (text === '') return ''
  const lines = text.replace(/\n$/, '').split('\n')
  return lines.length > 1 ? lines.map(readable) : quote(text)
}

function quote(text: string): string {
  return readable(JSON.stringify(readable(text)))
}

/** Templates with names instead of control bytes. */
function readable(text: string): string {
  return text
    .replaceAll(PLACEHOLDER.pid, '<pid>')
    .replaceAll(PLACEHOLDER.status, '<status>')
    .replaceAll(PLACEHOLDER.startTime, '<start time>')
}

function toText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return [...text].every((character) => character >= ' ' || '\n\t\x01\x02\x03'.includes(character)) ? text : undefined
  } catch {
    return undefined
  }
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

/** A plan as plain JSON values: 64-bit numbers as decimal text, bytes as text or `{ hex }`, flags also by name. */
export function planToJson(plan: Plan): unknown {
  return {
    fields: plan.fields,
    spawn: plan.spawn,
    slots: plan.slots,
    warnings: plan.warnings,
    sections: Object.fromEntries(SECTIONS.map((name) => [name, plan.sections[name].map(opToJson)])),
  }
}

function opToJson(op: Op): unknown {
  const { syscall, args } = OPS[op.kind]
  const values = op as unknown as Readonly<Record<string, unknown>>
  const words = args
    .map((argument) => [argument, wordOf(op.kind, argument, values[argument])] as const)
    .filter(([, word]) => word !== undefined && word !== '')
  return {
    op: op.kind,
    syscall,
    args: Object.fromEntries(args.map((argument) => [argument, argumentToJson(values[argument])])),
    ...(words.length === 0 ? {} : { words: Object.fromEntries(words) }),
    cause: op.cause,
    label: op.label,
    ...(op.tolerate === undefined || op.tolerate.length === 0 ? {} : { tolerate: op.tolerate }),
  }
}

function argumentToJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (!(value instanceof Uint8Array)) return value
  return toText(value) ?? { hex: toHex(value).replaceAll(' ', '') }
}
