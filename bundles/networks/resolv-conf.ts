// SPDX-License-Identifier: Apache-2.0
// /etc/resolv.conf of containers, as docker makes it of the host's.

import { readFile } from 'node:fs/promises'

export interface ResolvOptions {
  readonly dns: readonly string[]
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

/** sharesHost: in the host's network namespace, its loopback addresses answer. */
export function resolvConf(hostText: string, given: ResolvOptions, sharesHost = false): string {
  const host = valuesOf(hostText, 'nameserver').filter((server) => sharesHost || !isLoopback(server))
  const servers = given.dns.length > 0 ? given.dns : host.length > 0 ? host : FALLBACK
  // `--dns-search .` is none at all. Of several lines the last one counts.
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

/** The host's, without what only it can reach. sharesHost: the container can, too. */
export async function hostResolvConf(sharesHost = false): Promise<string> {
  const own = await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
  const servers = valuesOf(own, 'nameserver')
  const isStub = servers.length > 0 && servers.every((server) => server === '127.0.0.53')
  return isStub && !sharesHost ? readFile(RESOLVED, 'utf8').catch(() => own) : own
}
