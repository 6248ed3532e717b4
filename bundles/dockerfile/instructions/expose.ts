// SPDX-License-Identifier: Apache-2.0
import { parseNumber } from '../go-values.ts'
import { Problem } from '../located-error.ts'
import type { Statement } from '../statement.ts'
import { type Expander, type Placed, placeOf, refuseFlags, someWords } from './arguments.ts'

/** EXPOSE port[-port][/protocol] ... */
export interface ExposeInstruction extends Placed {
  readonly kind: 'expose'
  /** In their order as text, as the history has them; with variables, which may hold several. */
  readonly words: readonly string[]
}

export interface ExpandedExpose extends ExposeInstruction {
  /** As in the image config: `80/tcp`. */
  readonly ports: readonly string[]
}

export interface PortWord {
  readonly first: number
  readonly last: number
  readonly protocol: string
  /** As it is written. */
  readonly writtenProtocol: string
  /** Whether an address or a port of the host stands in front: neither is used. */
  readonly hasHost: boolean
}

/** All ports of all protocols. */
const MOST_PORTS = 3 * 65536

function parseRange(text: string, word: string): readonly [first: number, last: number] {
  const dash = text.indexOf('-')
  const first = parseNumber(dash < 0 ? text : text.slice(0, dash), 10, 65536)
  const last = dash < 0 ? first : parseNumber(text.slice(dash + 1), 10, 65536)
  if (first === undefined || last === undefined || last < first) {
    throw new Problem(`EXPOSE: ${word} is no port`, { at: word, expected: 'PORT[-PORT][/tcp|udp|sctp], up to 65535' })
  }
  return [first, last]
}

function checkAddress(text: string, word: string): void {
  const inside = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(inside)
  const isV4 = v4?.slice(1).every((part) => Number(part) < 256) === true
  if (!isV4 && !/^[\da-f]*:[\da-f:.]*$/i.test(inside)) {
    throw new Problem(`EXPOSE: ${text} in ${word} is no address`, { at: word })
  }
}

/** Reads a port or a range of them. Errors: Problem. */
export function parsePortWord(word: string): PortWord {
  const parts = word.split(':')
  const container = parts.at(-1) ?? ''
  const hostPort = parts.at(-2) ?? ''
  const address = parts.slice(0, -2).join(':')
  const slash = container.indexOf('/')
  const writtenProtocol = slash < 0 ? '' : container.slice(slash + 1)
  const protocol = writtenProtocol === '' ? 'tcp' : writtenProtocol.toLowerCase()
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) {
    throw new Problem(`EXPOSE: ${word} has the protocol ${writtenProtocol}`, { at: word, expected: 'tcp, udp or sctp' })
  }
  const [first, last] = parseRange(slash < 0 ? container : container.slice(0, slash), word)
  if (address !== '') checkAddress(address, word)
  if (hostPort !== '') {
    const [hostFirst, hostLast] = parseRange(hostPort, word)
    if (hostLast - hostFirst !== last - first && last !== first) {
      throw new Problem(`EXPOSE: ${word} has ranges of different length`, { at: word })
    }
  }
  return { first, last, protocol, writtenProtocol, hasHost: address !== '' || hostPort !== '' }
}

export function parseExpose(statement: Statement): ExposeInstruction {
  refuseFlags(statement)
  return { kind: 'expose', ...placeOf(statement), words: someWords(statement).toSorted() }
}

export function expandExpose(instruction: ExposeInstruction, expander: Expander): ExpandedExpose {
  const words = [...new Set(instruction.words.flatMap((word) => expander.words(word)))]
  const ports = new Set<string>()
  let count = 0
  for (const word of words) {
    const { first, last, protocol } = parsePortWord(word)
    count += last - first + 1
    if (count > MOST_PORTS) throw new Problem(`EXPOSE names more than ${MOST_PORTS} ports`)
    for (let port = first; port <= last; port++) ports.add(`${port}/${protocol}`)
  }
  return { ...instruction, words, ports: [...ports] }
}
