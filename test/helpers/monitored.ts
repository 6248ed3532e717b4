// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, makeConfig, merge, sharedRootfs } from './bundle.ts'
import { cgroupsPathOf, newId } from './container.ts'
import { runtimePath, type RunningCall, startProgram, until } from './runtime.ts'
import { newDir, projectDir, stateRoot } from './work-dir.ts'

export const monitorPath = join(projectDir, 'dist/bin/tsdock-monitor')

/** What is shown of a container, and what it is given. */
export const shown: readonly string[] = ['--stdin', '--stdout', '--stderr']

/** A value, or several. */
export type Settings = Readonly<Record<string, string | readonly string[]>>

export interface MonitorState {
  readonly status: string
  readonly pid: number
  readonly monitorPid: number
  readonly startedAt: string
  readonly finishedAt: string
  readonly exitCode: number
  readonly oomKilled: boolean
  readonly restartCount: number
  readonly error: string
}

export interface LogLine {
  readonly log: string
  readonly stream: string
  readonly time: string
}

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const linesOf = (path: string): readonly string[] => {
  try {
    // What has no newline yet is about to be written.
    return readFileSync(path, 'utf8').split('\n').slice(0, -1).filter(Boolean)
  } catch {
    return []
  }
}

/** A directory that tsdock-monitor can run: a bundle, layers for its root, monitor.conf. */
export class Monitored {
  readonly directory: string
  readonly id: string

  constructor(args: readonly string[], settings: Settings = {}, patch: Json = {}, directory = newDir('monitored')) {
    this.directory = directory
    this.id = newId('m')
    for (const name of ['diff', 'work', 'merged']) mkdirSync(this.path(name), { recursive: true })
    const base = makeConfig({
      process: { args },
      root: { path: this.path('merged'), readonly: false },
      linux: { cgroupsPath: cgroupsPathOf(this.id) },
    })
    writeFileSync(this.path('config.json'), JSON.stringify(merge(base, patch)))
    this.configure(settings)
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  /** Writes monitor.conf again. */
  configure(settings: Settings): void {
    const all: Settings = {
      id: this.id,
      runtime: runtimePath,
      'runtime-arg': ['--root', stateRoot],
      bundle: this.directory,
      lower: sharedRootfs(),
      upper: this.path('diff'),
      work: this.path('work'),
      merged: this.path('merged'),
      'keep-log': '1',
      log: this.path('json.log'),
      events: this.path('events.log'),
      'event-actor': JSON.stringify({ ID: this.id, Attributes: { image: 'an "image"', name: 'some' } }),
      ...settings,
    }
    const lines = Object.entries(all).flatMap(([key, value]) => [value].flat().map((one) => `${key}=${one}\0`))
    writeFileSync(this.path('monitor.conf'), lines.join(''))
  }

  start(command: string, ...flags: readonly string[]): RunningCall {
    return startProgram(monitorPath, [command, ...flags, this.directory])
  }

  /** Calls the program to its end, with this text as input. */
  async call(
    command: string,
    flags: readonly string[] = [],
    input: string | Buffer = '',
    words: string[] = [],
  ): Promise<Ended> {
    const call = startProgram(monitorPath, [command, ...flags, this.directory, ...words])
    call.child.stdin?.end(input)
    const { status } = await call.ended
    return { status, stdout: call.stdout(), stderr: call.stderr() }
  }

  run(...flags: readonly string[]): Promise<Ended> {
    return this.call('run', flags)
  }

  attached(input: string | Buffer = ''): Promise<Ended> {
    return this.call('run', shown, input)
  }

  tell(...words: string[]): Promise<Ended> {
    return this.call('tell', [], '', words)
  }

  state(): MonitorState {
    return JSON.parse(readFileSync(this.path('state.json'), 'utf8')) as MonitorState
  }

  until(status: string): Promise<void> {
    return until(`it is ${status}`, () => linesOf(this.path('state.json')).length > 0 && this.state().status === status)
  }

  log(name = 'json.log'): readonly LogLine[] {
    return linesOf(this.path(name)).map((line) => JSON.parse(line) as LogLine)
  }

  events(): readonly Json[] {
    return linesOf(this.path('events.log')).map((line) => JSON.parse(line) as Json)
  }

  actions(): string {
    return this.events()
      .map((event) => event['Action'])
      .join(' ')
  }

  isMounted(): boolean {
    return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${this.path('merged')} `)
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    process.kill(this.state().pid, signal)
  }

  /** Ends the container, and waits for its monitor. */
  async end(): Promise<void> {
    const { status, pid, monitorPid } = this.state()
    if (status === 'running' || status === 'restarting') {
      await this.tell('stop-wanted')
      if (pid > 0) process.kill(pid, 'SIGKILL')
    }
    await until('the monitor has ended', () => !existsSync(`/proc/${monitorPid}`))
  }
}
