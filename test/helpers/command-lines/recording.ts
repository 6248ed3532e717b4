// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectDir } from '../work-dir.ts'
import type { Answer } from './answer.ts'

/** What one runtime answered, by the names of the cases. */
export interface Recording {
  /** As in `--version`: its name and version. */
  readonly runtime: string
  readonly answers: Readonly<Record<string, Answer>>
}

const folder = join(projectDir, 'test/golden/command-lines')

/** All answers of runc. */
export const runcFile = join(folder, 'runc.json')
/** The answers of tsrun that are others than those of runc, each with a reason in differences.ts. */
export const tsrunFile = join(folder, 'tsrun.json')

export function readRecording(file: string): Recording {
  if (!existsSync(file)) return { runtime: 'none', answers: {} }
  return JSON.parse(readFileSync(file, 'utf8')) as Recording
}

export function writeRecording(file: string, recording: Recording): void {
  writeFileSync(file, `${JSON.stringify(recording, null, 1)}\n`)
}

export function sameAnswer(a: Answer | undefined, b: Answer | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** A difference line by line, for people. */
export function describeAnswer(answer: Answer | undefined): readonly string[] {
  return answer === undefined ? [] : JSON.stringify(answer, null, 1).split('\n')
}
