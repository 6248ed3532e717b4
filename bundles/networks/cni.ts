// SPDX-License-Identifier: Apache-2.0
// Plugins of the Container Network Interface, one call at a time:
// https://github.com/containernetworking/cni/blob/main/SPEC.md

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, readFile, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { DockError, printable } from '../error.ts'
import { networkCommand } from '../host/namespaces.ts'
import { replaceFile } from './json-file.ts'

export interface CniAddress {
  readonly address: string
  readonly gateway?: string
  /** Place in `interfaces`. */
  readonly interface?: number
}

export interface CniInterface {
  readonly name: string
  readonly mac?: string
  /** Path of the namespace; '' : the host's. */
  readonly sandbox?: string
}

/** What ADD answers, and what is handed to the next plugin. */
export interface CniResult {
  readonly cniVersion?: string
  readonly interfaces?: readonly CniInterface[]
  readonly ips?: readonly CniAddress[]
  readonly routes?: readonly { readonly dst: string; readonly gw?: string }[]
  readonly dns?: object
}

export interface PluginConfig {
  readonly type: string
  readonly [key: string]: unknown
}

export interface CniCall {
  readonly command: 'ADD' | 'DEL'
  readonly containerId: string
  readonly netns: string
  readonly ifName: string
}

/** A plugin under way, told before it gets its input: whoever finds it later knows whom to wait for. */
export type OnStart = (pid: number) => Promise<void>

/** Versions that this speaks, the best first: results look alike in all of them. */
const VERSIONS = ['1.0.0', '0.4.0', '0.3.1'] as const
/** On a busy machine. */
const WORK_MS = 300
/**
 * iptables, as the plugins quote it: another one changed the tables meanwhile. Two containers that are the first ones to
 * publish ports make the same chain, and the plugins only know how iptables-legacy says that it is there (status 1).
 */
const LOST_RACE = /\bexit status 4\b/
const RACES = 6
const PLACES = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'] as const
/** Of the plugins' standard set: what distributions call the package. */
const PACKAGE = 'containernetworking-plugins'

interface Answer {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** {code, msg, details} as one line. */
function failureText(answer: Answer): string {
  try {
    const { msg, details } = JSON.parse(answer.stdout) as { msg?: string; details?: string }
    const said = [msg, details].filter((part) => typeof part === 'string' && part !== '').join(': ')
    if (said !== '') return printable(said.trim().replace(/\s*\n\s*/g, '; '))
  } catch {
    // It has died before it could say anything in that form.
  }
  const said = printable(answer.stderr.trim() || answer.stdout.trim()).split('\n')[0] ?? ''
  return said === '' ? `ended with ${answer.signal ?? `status ${answer.code}`}` : said
}

export const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    async () => (await stat(path)).isFile(),
    () => false,
  )

export class Cni {
  readonly path: readonly string[]
  readonly #timeoutMs: number
  readonly #known: string | undefined

  /** known: a file that keeps which versions plugins speak, so that they need not be asked each time. */
  constructor(
    options: {
      readonly path?: readonly string[] | undefined
      readonly timeoutMs?: number | undefined
      readonly known?: string | undefined
    } = {},
  ) {
    const given = (process.env['CNI_PATH'] ?? '').split(delimiter).filter((one) => one !== '')
    this.path = options.path ?? [...given, ...PLACES]
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#known = options.known
  }

  /** Undefined: it is not there. */
  async find(type: string): Promise<string | undefined> {
    for (const directory of this.path) {
      const path = join(directory, type)
      if (await isProgram(path)) return path
    }
    return undefined
  }

  /** Errors: DockError naming the package. */
  async need(type: string): Promise<string> {
    const path = await this.find(type)
    if (path !== undefined) return path
    throw new DockError(
      `the CNI plugin ${type} is missing in ${this.path.join(', ')} (try: apt-get install ${PACKAGE}, or set CNI_PATH)`,
    )
  }

  /** The best version that all of these plugins and this program speak. */
  async version(types: readonly string[]): Promise<string> {
    const paths = await Promise.all(types.map((type) => this.need(type)))
    const keys = await Promise.all(
      paths.map(async (path) => {
        const { mtimeMs, size } = await stat(path)
        return `${path} ${mtimeMs} ${size}`
      }),
    )
    const known = await this.#readKnown()
    const fresh = Object.fromEntries(
      await Promise.all(
        types.map(async (type, i) => {
          const key = keys[i] ?? ''
          return [key, known[key] ?? (await this.#askVersions(type))] as const
        }),
      ),
    )
    if (keys.some((key) => known[key] === undefined)) await this.#writeKnown({ ...known, ...fresh })
    const common = VERSIONS.find((version) => keys.every((key) => fresh[key]?.includes(version)))
    if (common !== undefined) return common
    const told = types.map((type, i) => `${type} (${fresh[keys[i] ?? '']?.join(' ') || 'none'})`)
    throw new DockError(`the CNI plugins ${told.join(', ')} have no version in common with ${VERSIONS.join(', ')}`)
  }

  async #readKnown(): Promise<Readonly<Record<string, readonly string[]>>> {
    try {
      return JSON.parse(await readFile(this.#known ?? '', 'utf8')) as Record<string, readonly string[]>
    } catch {
      return {}
    }
  }

  async #writeKnown(value: object): Promise<void> {
    if (this.#known !== undefined) await replaceFile(this.#known, JSON.stringify(value))
  }

  async #askVersions(type: string): Promise<readonly string[]> {
    const answer = await this.#exec(type, { CNI_COMMAND: 'VERSION' }, { cniVersion: VERSIONS[0] })
    try {
      const { supportedVersions = [] } = JSON.parse(answer.stdout) as { supportedVersions?: readonly string[] }
      if (answer.code === 0) return supportedVersions
    } catch {
      // It is told as a failure below.
    }
    throw new DockError(`the CNI plugin ${type}: VERSION: ${failureText(answer)}`)
  }

  /** Errors: DockError with what the plugin says. work: how many rules or the like it has to make, which is given its time. */
  async call(
    call: CniCall,
    config: PluginConfig,
    { onStart, work = 0 }: { readonly onStart?: OnStart; readonly work?: number } = {},
  ): Promise<CniResult | undefined> {
    const environment = {
      CNI_COMMAND: call.command,
      CNI_CONTAINERID: call.containerId,
      CNI_NETNS: call.netns,
      CNI_IFNAME: call.ifName,
      CNI_ARGS: 'IgnoreUnknown=1',
    }
    const timeoutMs = this.#timeoutMs + work * WORK_MS
    let answer = await this.#exec(config.type, environment, config, onStart, timeoutMs)
    for (let race = 1; race < RACES && answer.code !== 0 && LOST_RACE.test(failureText(answer)); race++) {
      await sleep(20 * race * Math.random())
      // What a failed ADD has made goes before the next one.
      if (call.command === 'ADD') {
        await this.#exec(config.type, { ...environment, CNI_COMMAND: 'DEL' }, config, onStart, timeoutMs)
      }
      answer = await this.#exec(config.type, environment, config, onStart, timeoutMs)
    }
    if (answer.code !== 0) {
      throw new DockError(`the CNI plugin ${config.type} (${call.ifName}, ${call.command}): ${failureText(answer)}`)
    }
    if (answer.stdout.trim() === '') return undefined
    try {
      return JSON.parse(answer.stdout) as CniResult
    } catch {
      throw new DockError(`the CNI plugin ${config.type} (${call.ifName}, ${call.command}): its answer is no JSON`)
    }
  }

  async #exec(
    type: string,
    environment: NodeJS.ProcessEnv,
    input: object,
    onStart?: OnStart,
    timeoutMs = this.#timeoutMs,
  ): Promise<Answer> {
    const child = spawn(...networkCommand(await this.need(type), []), {
      env: { ...process.env, ...environment, CNI_PATH: this.path.join(delimiter) },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: what it has started is ended with it.
      detached: true,
    })
    const answered = (async (): Promise<Answer> => {
      // Read from the very start: what nobody reads when a program ends is lost in Bun.
      const said = [text(child.stdout.pipe(new PassThrough())), text(child.stderr.pipe(new PassThrough()))]
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
      const [stdout = '', stderr = ''] = await Promise.all(said)
      return { code, signal, stdout, stderr }
    })()
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      killGroup(child.pid)
    }, timeoutMs)
    try {
      child.stdin.on('error', () => undefined)
      if (onStart !== undefined && child.pid !== undefined) await onStart(child.pid)
      child.stdin.end(JSON.stringify(input))
      const answer = await answered
      if (timedOut) throw new DockError(`the CNI plugin ${type}: no answer in ${timeoutMs / 1000} s`)
      return answer
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Ends a process and what it has started. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined || pid <= 1) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
