// SPDX-License-Identifier: Apache-2.0
// Small grammars of `run`'s options. Pure.

import { isIP } from 'node:net'
import { SIGNALS, signalNumber } from '../signals.ts'
import { DockError } from '../../error.ts'
import type { DeviceMapping, RestartPolicy } from '../record.ts'

function wrong(text: string, flag: string, why: string): never {
  throw new DockError(`invalid argument "${text}" for --${flag}: ${why}`, { exitCode: 125 })
}

/** `no`, `always`, `unless-stopped`, `on-failure[:N]`. */
export function parseRestart(text: string): RestartPolicy {
  const [name = '', count, ...more] = text.split(':')
  if (name === 'no' || name === 'always' || name === 'unless-stopped') {
    if (count !== undefined) wrong(text, 'restart', `"${name}" takes no number of restarts`)
    return { Name: name, MaximumRetryCount: 0 }
  }
  if (name !== 'on-failure' || more.length > 0) {
    wrong(text, 'restart', 'it is no, always, unless-stopped or on-failure[:MAX]')
  }
  if (count !== undefined && !/^\d+$/.test(count)) wrong(text, 'restart', `"${count}" is no number of restarts`)
  return { Name: 'on-failure', MaximumRetryCount: Number(count ?? 0) }
}

/** `K=V` of labels, options and kernel parameters. */
export function keyValues(texts: readonly string[], flag: string, needValue = false): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at === 0 || (at < 0 && needValue)) wrong(text, flag, 'it is KEY=VALUE')
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

/** `NAME=VALUE`, or `NAME` for the caller's own value; a name that the caller has not is left out. */
export function environment(texts: readonly string[], own: NodeJS.ProcessEnv): readonly string[] {
  return texts.flatMap((text) => {
    if (text === '' || text.startsWith('=')) wrong(text, 'env', 'it is NAME=VALUE, or NAME')
    if (text.includes('=')) return [text]
    const value = own[text]
    return value === undefined ? [] : [`${text}=${value}`]
  })
}

/** Lines of an --env-file or --label-file: no quoting, `#` begins a comment line. */
export function fileLines(text: string, path: string): readonly string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, '').trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const name = line.split('=', 1)[0] ?? ''
      if (name === '' || /\s/.test(name)) {
        throw new DockError(`${path}: the line ${JSON.stringify(line)}: a name has no blanks, and is not empty`, {
          exitCode: 125,
        })
      }
      return line
    })
}

/** `/dev/x[:/dev/y][:rwm]`; a CDI name (`vendor/class=name`) is no path. */
export function parseDevice(text: string): DeviceMapping {
  const [host = '', second, third, ...more] = text.split(':')
  const isMode = (part: string | undefined): part is string => part !== undefined && /^[rwm]+$/.test(part)
  if (!host.startsWith('/') || more.length > 0) wrong(text, 'device', 'it is HOST_PATH[:PATH[:rwm]]')
  if (third !== undefined && !isMode(third)) wrong(text, 'device', `"${third}" is no combination of r, w and m`)
  const path = second === undefined || isMode(second) ? host : second
  if (!path.startsWith('/')) wrong(text, 'device', `"${path}" is no absolute path`)
  return {
    PathOnHost: host,
    PathInContainer: path,
    CgroupPermissions: third ?? (isMode(second) ? second : 'rwm'),
  }
}

/** `CONTAINER` or `CONTAINER:ALIAS`; with both. */
export function parseLink(text: string): string {
  const [name = '', alias = name, ...more] = text.split(':')
  if (name === '' || alias === '' || /\s/.test(alias) || more.length > 0) wrong(text, 'link', 'it is CONTAINER[:ALIAS]')
  return `${name}:${alias}`
}

export const isCdiName = (text: string): boolean => /^[^/:=]+\/[^/:=]+=[^:=]+$/.test(text)

/** `host:ip` or `host=ip`; `host-gateway` stands for the host's address on the network. */
export function parseExtraHost(text: string): string {
  const match = /^([^:=\s]+)[:=](.+)$/.exec(text)
  const address = match?.[2]?.replace(/^\[(.*)\]$/, '$1')
  if (match?.[1] === undefined || address === undefined || (address !== 'host-gateway' && isIP(address) === 0)) {
    return wrong(text, 'add-host', 'it is HOST:IP')
  }
  return `${match[1]}:${address}`
}

/** A signal by name or number. Errors: there is none. */
export function parseSignal(text: string, flag = 'signal'): number {
  return (
    signalNumber(text) ?? wrong(text, flag, `there is no such signal (there are: ${Object.keys(SIGNALS).join(' ')})`)
  )
}

const capability = (text: string): string =>
  text.toUpperCase() === 'ALL' ? 'ALL' : text.toUpperCase().replace(/^(CAP_)?/, 'CAP_')

/** What a container may do: docker's rules for --cap-add and --cap-drop. Errors: an unknown name. */
export function capabilities(
  defaults: readonly string[],
  all: readonly string[],
  add: readonly string[],
  drop: readonly string[],
): readonly string[] {
  const [adds, drops] = [add.map(capability), drop.map(capability)]
  for (const [names, flag] of [
    [adds, 'cap-add'],
    [drops, 'cap-drop'],
  ] as const) {
    for (const name of names) {
      if (name !== 'ALL' && !all.includes(name)) wrong(name, flag, 'there is no such capability on this host')
    }
  }
  const base = adds.includes('ALL') ? all : drops.includes('ALL') ? [] : defaults
  const kept = base.filter((name) => !drops.includes(name))
  return all.filter((name) => kept.includes(name) || (adds.includes(name) && !drops.includes(name)))
}
