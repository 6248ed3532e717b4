// SPDX-License-Identifier: Apache-2.0
// Wildcard patterns as small automata that take time in proportion to text times pattern, whatever they are: regular
// expressions of JavaScript take exponential time for some of the patterns that a Dockerfile may hold.

/** One place of a pattern: a character that is there once, or any number of times. */
export interface Step {
  readonly accepts: (code: number) => boolean
  /** Any number of times, also none. */
  readonly loop?: true
  /** How many steps, from this one on, may be left out together: see `optional`. */
  readonly skip?: number
}

/** The state before step N has number N; the last one, after all steps, is a match. */
export type Machine = readonly Step[]

export const literal = (code: number): Step => ({ accepts: (other) => other === code })

/** Lets the next steps be left out together. Takes no character itself. */
export const optional = (steps: number): Step => ({ accepts: () => false, loop: true, skip: steps + 1 })

/** The characters of a text. */
export function codesOf(text: string): readonly number[] {
  const codes: number[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) ?? 0
    codes.push(code)
    if (code > 0xffff) at++
  }
  return codes
}

/** The states that the machine is in, without doubles. */
class States {
  readonly list: number[] = []
  readonly #machine: Machine
  readonly #marks: Uint8Array

  constructor(machine: Machine) {
    this.#machine = machine
    this.#marks = new Uint8Array(machine.length + 1)
  }

  clear(): void {
    for (const state of this.list) this.#marks[state] = 0
    this.list.length = 0
  }

  /** Adds a state, and those that are reached from it without a character. */
  add(state: number): void {
    let open = this.list.length
    this.#push(state)
    for (; open < this.list.length; open++) {
      const from = this.list[open] ?? 0
      const step = this.#machine[from]
      if (step?.loop === true) this.#push(from + 1)
      if (step?.skip !== undefined) this.#push(from + step.skip)
    }
  }

  #push(state: number): void {
    if (this.#marks[state] === 1) return
    this.#marks[state] = 1
    this.list.push(state)
  }

  get matches(): boolean {
    return this.#marks[this.#machine.length] === 1
  }
}

function advance(machine: Machine, from: States, to: States, code: number): void {
  to.clear()
  for (const state of from.list) {
    const step = machine[state]
    if (step?.accepts(code) === true) to.add(step.loop === true ? state : state + 1)
  }
}

/**
 * Runs a machine over characters from a position on. `onMatch` hears each position where a match ends, and returns
 * true to hear no more. Returns whether more characters could still lead to a match.
 */
export function runMachine(
  machine: Machine,
  codes: readonly number[],
  from: number,
  onMatch: (end: number) => boolean,
): boolean {
  let current = new States(machine)
  let next = new States(machine)
  current.add(0)
  for (let at = from; ; at++) {
    if (current.matches && onMatch(at)) return true
    const code = codes[at]
    if (code === undefined) return current.list.some((state) => state < machine.length)
    advance(machine, current, next, code)
    if (next.list.length === 0) return false
    const spare = current
    current = next
    next = spare
  }
}

/** Whether a machine matches characters as a whole. */
export function matchesAll(machine: Machine, codes: readonly number[]): boolean {
  let matched = false
  runMachine(machine, codes, 0, (end) => {
    matched = end === codes.length
    return matched
  })
  return matched
}

/** Whether a machine matches some text that begins with these characters and goes on. */
export function matchesBeginning(machine: Machine, codes: readonly number[]): boolean {
  return runMachine(machine, codes, 0, () => false)
}
