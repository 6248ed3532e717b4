// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One step of the build: runs when an input, the settings or an output is not as after its last run. */
export interface Step {
  readonly name: string
  /** Glob patterns. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** What else decides the result: versions, compilers, flags. */
  readonly settings: readonly string[]
  /** Returns undefined, or why it failed. */
  readonly run: () => string | undefined
}

/** Name, size and time of each input: cheap, and a removed file counts as a change. */
function fingerprint(step: Step): string {
  const hash = createHash('sha256').update(step.settings.join('\0'))
  for (const file of globSync([...step.inputs]).sort()) {
    const status = statSync(file)
    if (status.isFile()) {
      hash.update(`\0${file}\0${status.size}\0${status.mtimeMs}`)
    }
  }
  return hash.digest('hex')
}

/** Runs the steps that are out of date, all of them even when one fails. Returns the names of those that failed. */
export function runSteps(steps: readonly Step[], stampDir: string): readonly string[] {
  mkdirSync(stampDir, { recursive: true })
  const failed: string[] = []
  for (const step of steps) {
    const stamp = join(stampDir, step.name)
    const now = fingerprint(step)
    const before = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''
    if (before === now && step.outputs.every((file) => existsSync(file))) {
      continue
    }
    const begin = performance.now()
    const failure = step.run()
    const cost = Math.round(performance.now() - begin)
    if (failure === undefined) {
      writeFileSync(stamp, now)
      process.stdout.write(`built ${step.name} (${cost} ms)\n`)
    } else {
      failed.push(step.name)
      process.stderr.write(`${failure.trimEnd()}\nFAILED to build ${step.name}\n`)
    }
  }
  return failed
}
