// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { HostFacts, PlanRequest, PlanVerb } from './request.ts'

const MAGIC = 0x51525354 // TSRQ
const VERSION = 1
const HEADER_SIZE = 16

/** Little-endian, at any place. */
function word(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
  return (low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
}

/** Length of a whole request, once its header is there. Errors: protocol. */
export function requestLength(header: Uint8Array): number {
  if (header.byteLength < HEADER_SIZE || word(header, 0) !== MAGIC) throw damaged('its magic number is wrong')
  const version = word(header, 4)
  if (version !== VERSION) {
    throw new TsrunError(
      'protocol',
      `tsrun asks in version ${version}, tsrun-plan understands ${VERSION}: install tsrun and tsrun-plan of the same release`,
    )
  }
  const length = word(header, 8)
  if (length < HEADER_SIZE) throw damaged('its length is wrong')
  return length
}

/** Bytes from the front -> typed request. Spec: csrc/README.md, "Request". Errors: protocol. */
export function decodeRequest(bytes: Uint8Array): PlanRequest {
  const entries = readEntries(bytes)
  const verb = need(entries, 'verb')
  if (!isVerb(verb)) throw damaged(`verb ${JSON.stringify(verb)} is unknown`)
  return {
    verb,
    id: need(entries, 'id'),
    bundle: need(entries, 'bundle'),
    root: need(entries, 'root'),
    options: readOptions(entries),
    args: toList(entries.get('args') ?? ''),
    config: need(entries, 'config'),
    process: entries.get('process'),
    state: entries.get('state'),
    wantsTemplate: entries.get('want') === 'template',
    criuFailure: entries.get('criu.failure'),
    facts: toFacts(entries),
    target: toTarget(entries),
  }
}

const verbs: readonly string[] = ['create', 'run', 'exec', 'checkpoint', 'restore'] satisfies PlanVerb[]

function isVerb(name: string): name is PlanVerb {
  return verbs.includes(name)
}

function damaged(what: string): TsrunError {
  return new TsrunError('protocol', `the request of tsrun is damaged: ${what}`)
}

function readEntries(bytes: Uint8Array): ReadonlyMap<string, string> {
  const length = requestLength(bytes)
  if (length !== bytes.byteLength) throw damaged('it is cut short')
  // Not fatal: paths of a host may be anything, and a config that is not UTF-8 fails with its own message.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const entries = new Map<string, string>()
  const count = word(bytes, 12)
  let at = HEADER_SIZE
  for (let index = 0; index < count; index++) {
    if (at + 8 > length) throw damaged('an entry lies outside')
    const keyLength = word(bytes, at)
    const valueLength = word(bytes, at + 4)
    at += 8
    if (keyLength > length - at || valueLength > length - at - keyLength) throw damaged('an entry lies outside')
    const key = decoder.decode(bytes.subarray(at, at + keyLength))
    at += keyLength
    entries.set(key, decoder.decode(bytes.subarray(at, at + valueLength)))
    at += valueLength
  }
  return entries
}

function need(entries: ReadonlyMap<string, string>, key: string): string {
  const value = entries.get(key)
  if (value === undefined) throw damaged(`${key} is missing`)
  return value
}

function needNumber(entries: ReadonlyMap<string, string>, key: string, radix: 8 | 10): number {
  const text = need(entries, key)
  if (!(radix === 8 ? /^[0-7]{1,10}$/ : /^\d{1,10}$/).test(text)) throw damaged(`${key} is not a number`)
  return Number.parseInt(text, radix)
}

/** A NUL stands after each item. */
function toList(value: string): readonly string[] {
  return value.split('\0').slice(0, -1)
}

/** A command line has no NUL, so a value that ends with one is a list. */
function readOptions(entries: ReadonlyMap<string, string>): PlanRequest['options'] {
  const options = new Map<string, string | readonly string[]>()
  for (const [key, value] of entries) {
    if (key.startsWith('opt.')) options.set(key.slice(4), value.endsWith('\0') ? toList(value) : value)
  }
  return options
}

function toFacts(entries: ReadonlyMap<string, string>): HostFacts {
  const env = new Map<string, string>()
  for (const [key, value] of entries) if (key.startsWith('env.')) env.set(key.slice(4), value)
  return {
    time: need(entries, 'time'),
    pid: needNumber(entries, 'pid', 10),
    uid: needNumber(entries, 'uid', 10),
    gid: needNumber(entries, 'gid', 10),
    cwd: need(entries, 'cwd'),
    umask: needNumber(entries, 'umask', 8),
    kernel: need(entries, 'kernel'),
    machine: need(entries, 'machine'),
    cgroup: need(entries, 'proc.cgroup'),
    mountinfo: need(entries, 'proc.mountinfo'),
    uidMap: need(entries, 'proc.uid_map'),
    gidMap: need(entries, 'proc.gid_map'),
    setgroups: entries.get('proc.setgroups'),
    cgroupControllers: entries.get('cgroup.controllers'),
    systemd: toSystemd(entries),
    lsm: toLsmList(entries.get('lsm') ?? ''),
    env,
  }
}

function toSystemd(entries: ReadonlyMap<string, string>): HostFacts['systemd'] {
  const pid1Cgroup = entries.get('systemd.pid1.cgroup')
  if (pid1Cgroup === undefined) return undefined
  return {
    pid1Cgroup,
    pid1Uid: needNumber(entries, 'systemd.pid1.uid', 10),
    userCgroup: need(entries, 'systemd.user.cgroup'),
    userControllers: entries.get('systemd.user.controllers'),
  }
}

/** The comma-separated list of /sys/kernel/security/lsm. */
export function toLsmList(text: string): readonly string[] {
  const names: string[] = []
  for (const name of text.trim().split(',')) if (name !== '') names.push(name)
  return names
}

function toTarget(entries: ReadonlyMap<string, string>): PlanRequest['target'] {
  const cgroup = entries.get('target.cgroup')
  if (cgroup === undefined) return undefined
  return { pid: needNumber(entries, 'target.pid', 10), cgroup }
}
