// SPDX-License-Identifier: Apache-2.0
// Rules of iptables that plugins made and that nobody is left to remove. Plugins remove their own; this is for what a crash,
// or a plugin that is gone, leaves behind.

import { createHash } from 'node:crypto'
import { restore, save } from './iptables.ts'

export interface DeadRules {
  /** Network and container: what the plugins' chains are named after. */
  readonly pairs: readonly { readonly network: string; readonly id: string }[]
  /** Whether a rule that a plugin has marked so is nobody's. */
  readonly isDead: (network: string, id: string) => boolean
  /** Of containers, without prefix. */
  readonly addresses: ReadonlySet<string>
}

/** FormatChainName of the plugins' pkg/utils: those of bridge and of portmap. */
export function chainsOf(network: string, id: string): readonly string[] {
  const digest = createHash('sha512').update(`${network}${id}`).digest('hex')
  return [`CNI-${digest}`.slice(0, 28), `CNI-DN-${digest}`.slice(0, 28)]
}

const targetOf = (rule: string): string => / -j (\S+)/.exec(rule)?.[1] ?? ''

/** Removals for one table, in the words of iptables-restore. Pure. */
export function removals(dump: string, dead: DeadRules): string {
  const chains = new Set(dead.pairs.flatMap(({ network, id }) => chainsOf(network, id)))
  const lines = dump.split('\n')
  const rules = lines.filter((line) => line.startsWith('-A '))
  for (const rule of rules) {
    const [, network, id] = /name: \\?"([^"\\]+)\\?" id: \\?"([^"\\]+)\\?"/.exec(rule) ?? []
    if (network === undefined || id === undefined || !dead.isDead(network, id)) continue
    const target = targetOf(rule)
    if (/^CNI-(DN-)?[0-9a-f]{10,}$/.test(target)) chains.add(target)
  }
  const isDoomed = (rule: string): boolean => {
    if (chains.has(targetOf(rule))) return true
    if (/^-A CNI-FORWARD /.test(rule)) {
      return dead.addresses.has(/ -[sd] ([0-9a-fA-F.:]+)(?:\/\d+)? /.exec(rule)?.[1] ?? '')
    }
    return false
  }
  // Rules of chains that go as a whole go with these.
  const doomed = rules.filter((rule) => isDoomed(rule) && !chains.has(rule.split(' ')[1] ?? ''))
  const present = [...chains].filter((chain) => lines.some((line) => line.startsWith(`:${chain} `)))
  if (doomed.length + present.length === 0) return ''
  return [
    ...doomed.map((rule) => `-D${rule.slice(2)}`),
    ...present.map((chain) => `-F ${chain}`),
    ...present.map((chain) => `-X ${chain}`),
    '',
  ].join('\n')
}

/** Removes them all, for IPv4 and IPv6. Where iptables is missing, there are none. */
export async function sweepRules(dead: DeadRules): Promise<void> {
  for (const program of ['iptables', 'ip6tables'] as const) {
    for (const table of ['nat', 'filter']) {
      // Another one may change the table between the look and the deed: then the whole of it is refused.
      for (let attempt = 0; attempt < 5; attempt++) {
        const lines = removals((await save(program, table))?.stdout ?? '', dead)
        if (lines === '') break
        if ((await restore(program, `*${table}\n${lines}COMMIT\n`))?.code === 0) break
      }
    }
  }
}
