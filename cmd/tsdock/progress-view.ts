// SPDX-License-Identifier: Apache-2.0
// What a build tells while it runs. No library: those for progress bars know one line per task, not logs of parallel steps.

import type { BuildEvent, OnBuildEvent } from '../../bundles/build/progress.ts'
import { sizeText } from './table.ts'

export type ProgressMode = 'auto' | 'plain' | 'rawjson' | 'quiet'

export interface ProgressView {
  readonly onEvent: OnBuildEvent
  /** Puts the terminal back as it was. */
  close(): void
}

interface Out {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)}s`

const ESCAPE = String.fromCharCode(27)
const BELL = String.fromCharCode(7)
const sequences = new RegExp(
  `${ESCAPE}\\[[0-9;?]*[A-Za-z]|${ESCAPE}\\][^${BELL}${ESCAPE}]*(?:${BELL}|${ESCAPE}\\\\)`,
  'g',
)

/** Text of an image's programs goes to a terminal: what would move its cursor or colour it is left out. */
function harmless(text: string): string {
  const isControl = (code: number): boolean => (code < 0x20 && code !== 9) || (code >= 0x7f && code < 0xa0)
  return [...text.replace(sequences, '')].filter((char) => !isControl(char.codePointAt(0) ?? 0)).join('')
}

/** Cuts output into lines, per step. */
class Lines {
  readonly #open = new Map<number, string>()

  take(step: number, text: string): readonly string[] {
    const parts = ((this.#open.get(step) ?? '') + text).split('\n')
    this.#open.set(step, parts.pop() ?? '')
    return parts
  }

  rest(step: number): string {
    const rest = this.#open.get(step) ?? ''
    this.#open.delete(step)
    return rest
  }
}

/** One line per event, for logs. */
export function plainView(out: Out): ProgressView {
  const begun = new Map<number, number>()
  const lines = new Lines()
  const write = (step: number, text: string): void => {
    out.write(`#${step} ${text}\n`)
  }
  const end = (event: Extract<BuildEvent, { kind: 'done' | 'failed' }>): void => {
    const rest = lines.rest(event.step)
    if (rest !== '') write(event.step, harmless(rest))
    const time = seconds(event.time - (begun.get(event.step) ?? event.time))
    write(event.step, event.kind === 'done' ? `DONE ${time}` : `ERROR ${time}: ${event.message}`)
  }
  const onEvent = (event: BuildEvent): void => {
    if (event.kind === 'begin') {
      begun.set(event.step, event.time)
      write(event.step, event.name)
    } else if (event.kind === 'cached') write(event.step, 'CACHED')
    else if (event.kind === 'miss') write(event.step, `not cached: ${event.reason}`)
    else if (event.kind === 'output') {
      for (const line of lines.take(event.step, event.text)) {
        write(event.step, `${seconds(performance.now() - (begun.get(event.step) ?? 0))} ${harmless(line)}`)
      }
    } else if (event.kind === 'bytes') {
      if (event.done === event.size) write(event.step, `${event.what.slice(7, 19)} ${sizeText(event.size)} done`)
    } else if (event.kind === 'warning') out.write(`WARNING: ${event.message}\n`)
    else end(event)
  }
  return { onEvent, close: () => undefined }
}

interface Row {
  name: string
  begun: number
  ended: number | undefined
  state: 'running' | 'cached' | 'done' | 'failed'
  tail: string[]
  bytes: string
}

const TAIL = 4

/** One step, and the end of what it says while it runs. */
function rowLines(row: Row, now: number, width: number): readonly string[] {
  const time = seconds((row.ended ?? now) - row.begun)
  const mark = row.state === 'cached' ? 'CACHED ' : row.state === 'failed' ? 'ERROR ' : ''
  const head = `${row.state === 'running' ? ' ' : '='}> ${mark}${row.name}${row.bytes === '' ? '' : ` (${row.bytes})`}`
  const tail = row.state === 'running' ? row.tail.map((line) => ` => # ${line}`.slice(0, width)) : []
  return [`${head.slice(0, width - time.length - 1).padEnd(width - time.length)}${time}`, ...tail]
}

/** A picture of all steps, drawn again as they go on. */
export function liveView(out: Out, now: () => number = () => performance.now()): ProgressView {
  const rows = new Map<number, Row>()
  const lines = new Lines()
  let drawn = 0
  const draw = (): void => {
    // A terminal that has not said its size has 0 columns.
    const width = Math.max(20, out.columns || 80) - 1
    const picture: string[] = []
    for (const row of rows.values()) picture.push(...rowLines(row, now(), width))
    const shown = picture.slice(-200)
    out.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}\x1b[J${shown.map((line) => `${line}\n`).join('')}`)
    drawn = shown.length
  }
  const warnings: string[] = []
  let closed = false
  const timer = setInterval(draw, 200)
  const onEvent = (event: BuildEvent): void => {
    if (event.kind === 'warning') {
      warnings.push(event.message)
      return
    }
    const row = rows.get(event.step)
    if (event.kind === 'begin') {
      rows.set(event.step, {
        name: event.name,
        begun: event.time,
        ended: undefined,
        state: 'running',
        tail: [],
        bytes: '',
      })
    } else if (row !== undefined) {
      if (event.kind === 'output') {
        row.tail = [...row.tail, ...lines.take(event.step, event.text).map(harmless)].slice(-TAIL)
      } else if (event.kind === 'bytes') row.bytes = `${sizeText(event.done)} of ${sizeText(event.size)}`
      else if (event.kind === 'cached') row.state = 'cached'
      else if (event.kind === 'done' || event.kind === 'failed') {
        row.ended = event.time
        if (event.kind === 'failed') row.state = 'failed'
        else if (row.state === 'running') row.state = 'done'
        if (!closed) draw()
      }
    }
  }
  return {
    onEvent,
    close: () => {
      // What others have written since must not be drawn over.
      if (closed) return
      closed = true
      clearInterval(timer)
      draw()
      for (const warning of warnings) out.write(`WARNING: ${warning}\n`)
    },
  }
}

/** auto: live on a terminal. */
export function openView(mode: ProgressMode, out: Out): ProgressView {
  if (mode === 'quiet') return { onEvent: () => undefined, close: () => undefined }
  if (mode === 'rawjson') {
    return { onEvent: (event) => void out.write(`${JSON.stringify(event)}\n`), close: () => undefined }
  }
  return mode === 'auto' && out.isTTY === true ? liveView(out) : plainView(out)
}
