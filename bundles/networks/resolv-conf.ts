// SPDX-License-Identifier: Apache-2.0
// /etc/resolv.conf of containers, as docker makes it of the host's.

import { readFile } from 'node:fs/promises'

export interface ResolvOptions {
  readonly servers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
}

/** Where systemd-resolved tells whom it asks itself; /etc/resolv.conf names its own address alone. */
const RESOLVED = '/run/systemd/resolve/resolv.conf'
/** When nothing else is left: those of Google, as docker has it. */
const FALLBACK = ['8.8.8.8', '8.8.4.4']

const isLoopback = (server: string): boolean => /^127\./.test(server) || server === '::1'

function valuesOf(text: string, key: string): readonly string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/[#;].*/, '')
        .trim()
        .split(/\s+/),
    )
    .filter(([word]) => word === key)
    .flatMap(([, ...values]) => values)
}

/** As docker makes it of the host's. Name servers that only the host can reach are left out. Pure. */
export function resolvConf(hostText: string, given: ResolvOptions): string {
  const host = valuesOf(hostText, 'nameserver').filter((server) => !isLoopback(server))
  const servers = given.servers.length > 0 ? given.servers : host.length > 0 ? host : FALLBACK
  // Of several lines the last one counts. `--dns-search .` is none at all.
  const lines = hostText.split('\n').filter((line) => /^\s*(search|domain)\s/.test(line))
  const hostSearch = (lines.at(-1) ?? '').trim().split(/\s+/).slice(1)
  const search = (given.search.length > 0 ? given.search : hostSearch).filter((one) => one !== '.')
  const options = given.options.length > 0 ? given.options : valuesOf(hostText, 'options')
  return [
    ...servers.map((server) => `nameserver ${server}\n`),
    ...(search.length > 0 ? [`search ${search.join(' ')}\n`] : []),
    ...(options.length > 0 ? [`options ${options.join(' ')}\n`] : []),
  ].join('')
}

/** The file of a container. hostText: the host's own; where that names systemd-resolved alone, its servers are asked. */
export async function resolvConfText(hostText: string, given: ResolvOptions): Promise<string> {
  const servers = valuesOf(hostText, 'nameserver')
  const isStub = servers.length > 0 && servers.every((server) => server === '127.0.0.53')
  return resolvConf(isStub ? await readFile(RESOLVED, 'utf8').catch(() => hostText) : hostText, given)
}
