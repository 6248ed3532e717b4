// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from 'node:fs'
import { errnoText } from '../runtime/state/errno-text.ts'

/** How messages are written: the values of --log and --log-format. */
export interface ReportOptions {
  readonly log?: string | undefined
  readonly logFormat?: string | undefined
}

type Level = 'error' | 'warning'

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
}

/** A double-quoted JSON string, escaped as csrc/front/log.c does it. */
function quote(text: string): string {
  const inside = text.toWellFormed().replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a log as they are
    /["\\\u0000-\u001f\u007f]/g,
    (char) => escapes[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${inside}"`
}

/** One line as it is logged, with its newline; the C program writes the same. */
export function formatMessage(level: Level, text: string, format: 'text' | 'json', time: Date): string {
  const stamp = `${time.toISOString().slice(0, 19)}Z`
  if (format === 'json') {
    return `{"level":"${level}","msg":${quote(text)},"time":"${stamp}"}\n`
  }
  return `time="${stamp}" level=${level} msg=${quote(text)}\n`
}

/**
 * Reports a failure: to the log, and as plain text to standard error when the log is a file. A log that cannot be
 * written must not hide the failure: then everything goes to standard error.
 */
export function reportError(text: string, options: ReportOptions): void {
  report('error', text, options)
}

/** Makes the log, before anything else is done. Returns why that is not possible. */
export function openLog({ log }: ReportOptions): string | undefined {
  try {
    if (log) appendFileSync(log, '', { mode: 0o644 })
    return undefined
  } catch (e: unknown) {
    return `--log: open "${log}": ${errnoText(e)}`
  }
}

/** Reports what does not stop us. */
export function reportWarning(text: string, options: ReportOptions): void {
  report('warning', text, options)
}

function report(level: Level, text: string, options: ReportOptions): void {
  const line = formatMessage(level, text, options.logFormat === 'json' ? 'json' : 'text', new Date())
  if (options.log === undefined || options.log === '') {
    process.stderr.write(line)
    return
  }
  try {
    appendFileSync(options.log, line, { mode: 0o644 })
  } catch (e: unknown) {
    process.stderr.write(`--log: ${e instanceof Error ? e.message : String(e)}\n`)
  }
  if (level === 'error') {
    process.stderr.write(`${text}\n`)
  }
}
