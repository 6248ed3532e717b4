// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path'
import type { Finding } from '../../runtime/check/finding.ts'
import { canRun, judgeHost } from '../../runtime/check/judge.ts'
import { readCheckFacts } from '../../runtime/check/read-facts.ts'
import { resolveStateRoot } from '../../runtime/state/state-root.ts'
import type { Invocation } from './cli.ts'
import { build } from './version.ts'

/** A line for each finding, and one below it for what can be done. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length)) + 2
  const lines = findings.flatMap(({ name, status, found, advice }) => {
    const line = `${status.padEnd(10)}${name.padEnd(width)}${found}`
    return advice === undefined ? [line] : [line, `${' '.repeat(10 + width)}-> ${advice}`]
  })
  const verdict = canRun(findings)
    ? 'tsrun can run containers on this host.'
    : 'tsrun cannot run containers on this host: see what is missing.'
  return [...lines, '', verdict, ''].join('\n')
}

/** `tsrun check` */
export function runCheck({ text, isSet }: Invocation): number {
  const findings = judgeHost(readCheckFacts(resolveStateRoot(text('root')), dirname(process.execPath)))
  const ok = canRun(findings)
  process.stdout.write(
    isSet('json') ? `${JSON.stringify({ ok, version: build.version, findings }, null, 2)}\n` : formatFindings(findings),
  )
  return ok ? 0 : 1
}
