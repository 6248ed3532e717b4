// SPDX-License-Identifier: Apache-2.0
import { InternalError, invariant } from '../../spec/error.ts'
import { type FdSlot, OPS, type Op, SECTIONS, type SectionName } from './ops.ts'
import type { Plan } from './plan.ts'
import { MAX_SLOTS } from './slots.ts'

/** Who runs a section. */
const runners: Readonly<Record<SectionName, 'H' | 'I'>> = {
  prepare: 'H',
  adopt: 'H',
  hooks: 'H',
  setup: 'I',
  drop: 'I',
  start: 'I',
  commit: 'H',
  poststart: 'H',
  undo: 'H',
  poststop: 'H',
  pause: 'H',
  resume: 'H',
}

/** These are run later and by other processes, from the stored plan: no descriptor is open then but their own. */
const stored: ReadonlySet<SectionName> = new Set(['poststart', 'undo', 'poststop', 'pause', 'resume'])

/** What a plan promises and its types cannot say. Errors: InternalError; a bad config has been refused before. */
export function checkPlan(plan: Plan): void {
  invariant(plan.slots <= MAX_SLOTS, `the plan has ${plan.slots} slots`)
  const front = new Set<FdSlot>()
  let init = new Set<FdSlot>()
  for (const name of SECTIONS) {
    // Init is born with the descriptors that the front has opened until then.
    if (name === 'setup') init = new Set(front)
    const filled = stored.has(name) ? new Set<FdSlot>() : runners[name] === 'I' ? init : front
    for (const [index, op] of plan.sections[name].entries()) checkOp(plan, name, index, op, filled)
  }
  for (const { slot } of plan.spawn.joins) invariant(front.has(slot), `slot ${slot} is joined, but nothing puts it`)
  const { cgroupSlot } = plan.spawn
  invariant(cgroupSlot === null || front.has(cgroupSlot), `cgroup slot ${cgroupSlot} is used, but nothing puts it`)
}

function checkOp(plan: Plan, section: SectionName, index: number, op: Op, filled: Set<FdSlot>): void {
  const { side, signature, args } = OPS[op.kind]
  // Texts are made for what fails only: this runs for each container.
  const fail = (what: string): never => {
    throw new InternalError(`internal error: op ${section}[${index}] ${op.kind} ${what}`)
  }
  if (side !== 'B' && side !== runners[section]) fail('cannot run there')
  if (op.label === '' || op.cause === '') fail('does not say where it comes from')
  const values = op as unknown as Readonly<Record<string, unknown>>
  let put: FdSlot | undefined
  for (let at = 0; at < args.length; at++) {
    const letter = signature[at] as string
    const argument = args[at] as string
    const value = values[argument]
    if (!isOf(letter, value)) fail(`has the ${argument} ${String(value)}`)
    if (value === null || (letter !== 'F' && letter !== 'P' && letter !== 'T' && letter !== 'O')) continue
    const slot = value as FdSlot
    if (slot >= plan.slots) fail(`uses slot ${slot} of ${plan.slots}`)
    if (letter === 'P') put = slot
    else if (!filled.has(slot)) fail(`uses slot ${slot}, which is empty`)
    if (letter === 'T') filled.delete(slot)
  }
  if (put !== undefined) filled.add(put)
}

function isOf(letter: string, value: unknown): boolean {
  switch (letter) {
    case 'u':
      // A negative number stands for its two's complement (nice values).
      return Number.isInteger(value) && (value as number) >= -0x80000000 && (value as number) <= 0xffffffff
    case 'q':
      return typeof value === 'bigint' && value >= 0n && value <= 0xffffffffffffffffn
    case 's':
      return typeof value === 'string'
    case 'r':
      return typeof value === 'string' && value.startsWith('/')
    case 'b':
      return typeof value === 'string' || value instanceof Uint8Array
    case 'v':
      return Array.isArray(value)
    case 'O':
      return value === null || isSlot(value)
    default:
      return isSlot(value)
  }
}

function isSlot(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0
}
