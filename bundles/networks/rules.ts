// SPDX-License-Identifier: Apache-2.0
// Rules of iptables that plugins made and that nobody is left to remove. Plugins remove their own; this is for what a crash,
// or a plugin that is gone, leaves behind.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

export interface DeadRules {
  /** Network and container: what the plugins' chains are named after. */
  readonly pairs: readonly { readonly network: string; readonly id: string }[]
  /** Whether a rule that a plugin has marked so is nobody's. */
  readonly isDead: (network: string, id: string) => boolean
  /** Of containers, without prefix. */
  readonly addresses: ReadonlySet<string>
  /** Bridges that are no more. */
  readonly devices: ReadonlySet<string>
}

/** FormatChainName of the plugins' pkg/utils: those of bridge and of portmap. */
export function chainsOf(network: string, id: string): readonly string[] {
  const digest = createHash('sha512').update(`${network}${id}`).digest('hex')
  return [`CNI-${digest}`.slice(0, 28), `CNI-DN-${digest}`.slice(0, 28)]
}

async function run(program: string, args: readonly string[], input: string): Promise<string | undefined> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const said = text(child.stdout.pipe(new PassThrough()))
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return code === 0 ? await said : undefined
  } catch {
    // The program is missing: then nobody has made rules with it.
    return undefined
  }
}

/**
 * Lets connections to published ports through, where the host forwards nothing unless it is told to: the plugin firewall lets
 * answers through alone. Its chain is not there when firewalld decides: that lets them through by itself.
 */
export async function passPublished(addresses: readonly string[], verb: 'add' | 'delete'): Promise<void> {
  for (const address of addresses) {
    const rule = ['CNI-FORWARD', '-d', address, '-m', 'conntrack', '--ctstate', 'DNAT', '-j', 'ACCEPT']
    const program = address.includes(':') ? 'ip6tables' : 'iptables'
    await run(program, ['-w', '5', verb === 'add' ? '-A' : '-D', ...rule], '')
  }
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
    if (!/^-A CNI-ISOLATION-STAGE-[12] /.test(rule)) return false
    return [...rule.matchAll(/ -[io] (\S+)/g)].some(([, device = '']) => dead.devices.has(device))
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
  for (const program of ['iptables', 'ip6tables']) {
    for (const table of ['nat', 'filter']) {
      // Another one may change the table between the look and the deed: then the whole of it is refused.
      for (let attempt = 0; attempt < 5; attempt++) {
        const dump = (await run(`${program}-save`, ['-t', table], '')) ?? ''
        const lines = removals(dump, dead)
        if (lines === '') break
        const done = await run(`${program}-restore`, ['--noflush', '-w', '5'], `*${table}\n${lines}COMMIT\n`)
        if (done !== undefined) break
      }
    }
  }
}
