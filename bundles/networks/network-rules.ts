// SPDX-License-Identifier: Apache-2.0
// Rules of a network as a whole, made with its bridge, as docker has them: who may reach its containers, and under which
// address these go out. Plugins would make them for each container, which takes ten times as long.

import { DockError } from '../error.ts'
import { type Program, restore, save } from './iptables.ts'
import { DEFAULT_NETWORK, type NetworkRecord } from './network.ts'

/** USER is the host's owner's. IN: what goes to containers; OUT: what comes from them, once it may go where it goes. */
const chains = ['TSDOCK-USER', 'TSDOCK-IN', 'TSDOCK-OUT'] as const

interface Rule {
  readonly table: 'nat' | 'filter'
  readonly verb: string
  readonly rest: string
}

/** Every rule of a network carries it. */
const markOf = ({ Id }: NetworkRecord): string => `tsdock ${Id.slice(0, 12)}`

function rulesOf(record: NetworkRecord, program: Program): readonly Rule[] {
  const { device, Internal, Options } = record
  const six = program === 'ip6tables'
  const subnets = record.IPAM.map(({ Subnet }) => Subnet).filter((subnet) => subnet.includes(':') === six)
  const filter = (verb: string, rest: string): Rule => ({ table: 'filter', verb, rest })
  const established = 'RELATED,ESTABLISHED,DNAT'
  // Published ports of 127.0.0.1 make the kernel route what is for it: a container must not reach the host's own by that.
  const local = six ? [] : [filter('-I INPUT', `-i ${device} -d 127.0.0.0/8 -m conntrack --ctstate NEW -j DROP`)]
  if (Internal) {
    return [
      ...local,
      filter('-I TSDOCK-IN', `-i ${device} ! -o ${device} -j DROP`),
      filter('-I TSDOCK-IN', `! -i ${device} -o ${device} -j DROP`),
      filter('-A TSDOCK-OUT', `-i ${device} -o ${device} -j ACCEPT`),
    ]
  }
  const masquerade = Options['com.docker.network.bridge.enable_ip_masquerade'] !== 'false'
  return [
    ...local,
    filter('-A TSDOCK-IN', `-o ${device} -m conntrack --ctstate ${established} -j ACCEPT`),
    filter('-A TSDOCK-IN', `! -i ${device} -o ${device} -j DROP`),
    filter('-A TSDOCK-OUT', `-i ${device} -j ACCEPT`),
    ...(masquerade ? subnets : []).map(
      (subnet): Rule => ({ table: 'nat', verb: '-A POSTROUTING', rest: `-s ${subnet} ! -o ${device} -j MASQUERADE` }),
    ),
  ]
}

const programsOf = (record: NetworkRecord): readonly Program[] =>
  record.IPAM.some(({ Subnet }) => Subnet.includes(':')) ? ['iptables', 'ip6tables'] : ['iptables']

/** Lines of a dump in a table. */
function linesOf(dump: string, table: string): readonly string[] {
  const begin = dump.indexOf(`*${table}\n`)
  return begin < 0 ? [] : dump.slice(begin, dump.indexOf('\nCOMMIT', begin)).split('\n')
}

const jump = (chain: string): string => `-A FORWARD -j ${chain}`

/** Its own rules, as they are in a table. */
const present = (record: NetworkRecord, dump: string, table: string): readonly string[] =>
  linesOf(dump, table).filter((line) => line.includes(`--comment "${markOf(record)}"`))

const removal = (line: string): string => line.replace(/^-A/, '-D')

/** What makes a dump hold all of a network's rules, in the words of iptables-restore; '' : it does. Pure. */
export function additions(record: NetworkRecord, program: Program, dump: string): string {
  const rules = rulesOf(record, program)
  const filter = linesOf(dump, 'filter')
  const missing = chains.filter((chain) => !filter.includes(jump(chain)))
  const tables = ['filter', 'nat'] as const
  const isWhole = tables.every(
    (table) => present(record, dump, table).length === rules.filter((rule) => rule.table === table).length,
  )
  if (missing.length === 0 && isWhole) return ''
  const lines = (table: 'filter' | 'nat'): readonly string[] => [
    ...present(record, dump, table).map(removal),
    ...rules
      .filter((rule) => rule.table === table)
      .map(({ verb, rest }) => `${verb} ${rest.replace(/ -j /, ` -m comment --comment "${markOf(record)}" -j `)}`),
  ]
  return [
    '*filter',
    ...chains.filter((chain) => !filter.some((line) => line.startsWith(`:${chain} `))).map((chain) => `-N ${chain}`),
    // First of all, and in their order.
    ...[...missing].reverse().map((chain) => `-I FORWARD -j ${chain}`),
    ...lines('filter'),
    'COMMIT',
    '*nat',
    ...lines('nat'),
    'COMMIT',
    '',
  ].join('\n')
}

/** What takes them away; the last network takes the chains with it, except for rules that the host's owner has made. Pure. */
export function withdrawals(record: NetworkRecord, dump: string): string {
  const filter = linesOf(dump, 'filter')
  const own = present(record, dump, 'filter')
  const nat = present(record, dump, 'nat')
  if (own.length + nat.length === 0) return ''
  const isUsed = filter.some((line) => line.includes('--comment "tsdock ') && !own.includes(line))
  const idle = chains.filter(
    (chain) =>
      !isUsed &&
      filter.some((line) => line.startsWith(`:${chain} `)) &&
      !filter.some((line) => line.startsWith(`-A ${chain} `) && !own.includes(line)),
  )
  return [
    '*filter',
    ...own.map(removal),
    ...filter.filter((line) => idle.some((chain) => line === jump(chain))).map(removal),
    ...idle.map((chain) => `-X ${chain}`),
    'COMMIT',
    '*nat',
    ...nat.map(removal),
    'COMMIT',
    '',
  ].join('\n')
}

/** Others, of other storages too, change the same tables: then a change that no longer fits is refused as a whole. */
async function change(program: Program, changes: (dump: string) => string): Promise<string | undefined> {
  let said = ''
  for (let attempt = 0; attempt < 10; attempt++) {
    const dump = await save(program)
    if (dump === undefined) return `${program} is missing (try: apt-get install iptables)`
    if (dump.code !== 0) return `${program}-save: ${dump.said}`
    const lines = changes(dump.stdout)
    if (lines === '') return undefined
    const done = await restore(program, lines)
    if (done?.code === 0) return undefined
    said = done?.said ?? 'it is missing'
  }
  return `${program}-restore: ${said}`
}

/** Makes them, unless they are there. Errors: DockError. */
export async function ensureNetworkRules(record: NetworkRecord): Promise<void> {
  const changed = programsOf(record).map(async (program) => ({
    program,
    failure: await change(program, (dump) => additions(record, program, dump)),
  }))
  for (const { program, failure } of await Promise.all(changed)) {
    // The default network has IPv6 without having been asked: where the kernel lacks its tables, it reaches the host alone.
    if (failure === undefined || (program === 'ip6tables' && record.Name === DEFAULT_NETWORK)) continue
    throw new DockError(`the network ${record.Name}: ${failure}`)
  }
}

export async function removeNetworkRules(record: NetworkRecord): Promise<void> {
  for (const program of programsOf(record)) await change(program, (dump) => withdrawals(record, dump))
}
