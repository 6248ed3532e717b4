// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { type Context, suite, type Test } from 'uvu'
import * as assert from 'uvu/assert'
import { mustSucceed, newContainer } from './container.ts'
import { beginCoverage, endCoverage, staleCoverage } from './coverage.ts'
import { crunDifference, staleCrunDifferences } from './crun-differences.ts'
import { type Differences, findDifference } from './differences.ts'
import type { Need } from './host.ts'
import { isRootless } from './host.ts'
import { removeLeaks, settledLeaks } from './leaks.ts'
import { rootNeed, staleRootNeeds } from './root-needs.ts'
import type { Outcome } from './runtime.ts'
import { isTsrun, runtimeName, runtimeVersion } from './runtime.ts'
import { scaled } from './slow.ts'

/** Conditions of a test. */
export interface TestOptions {
  /** All must hold on this host, else the test is skipped with the reason. */
  readonly needs?: readonly Need[]
  /** Runtimes for which the test is skipped, and in what they differ from the specification or from us. */
  readonly differsFrom?: Differences
  /** Default 30 s. See `scaled`. */
  readonly timeoutMs?: number
}

/** Registers a test. After it, nothing may be left on the host. */
export type HostTest = (name: string, body: () => void | Promise<void>, options?: TestOptions) => void

/** Unmounts a path of the work directory, lazily. */
export function unmount(target: string): void {
  spawnSync('umount', ['-l', target])
}

function skipReason(
  suiteName: string,
  title: string,
  needs: readonly Need[],
  differsFrom: Differences = {},
): string | undefined {
  const differs =
    findDifference(differsFrom, runtimeName, runtimeVersion) ??
    (runtimeName === 'crun' ? crunDifference(suiteName, title) : undefined)
  if (differs !== undefined && process.env['TSRUN_TEST_ALL'] === undefined) {
    return `${runtimeName} differs: ${differs}`
  }
  const root = isRootless ? rootNeed(suiteName, title) : undefined
  if (root !== undefined) {
    return `needs root: ${root}`
  }
  for (const need of needs) {
    const reason = need()
    if (reason !== undefined) {
      return reason
    }
  }
  return undefined
}

async function limited(body: () => void | Promise<void>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    await Promise.race([Promise.resolve().then(body), late])
  } finally {
    clearTimeout(timer)
  }
}

async function guarded(body: () => void | Promise<void>, timeoutMs: number): Promise<void> {
  let failure: unknown
  try {
    await limited(body, timeoutMs)
  } catch (e: unknown) {
    failure = e ?? new Error('failed without a reason')
  }
  const leaks = await settledLeaks(failure === undefined ? 1500 : 100)
  if (leaks.length > 0) {
    await removeLeaks(unmount)
  }
  if (failure !== undefined) {
    throw failure
  }
  assert.equal(leaks, [], 'something was left behind')
}

/** A group of tests against real containers, and what all need. Call `run` of the result at the end of the file. */
export function hostSuite(
  name: string,
  always: readonly Need[] = [],
): { readonly test: HostTest; readonly run: () => void } {
  const tests: Test<Context> = suite(name)
  const only = process.env['TSRUN_TEST_ONLY']
  const titles: string[] = []
  const test: HostTest = (title, body, options = {}) => {
    titles.push(title)
    if (only !== undefined && !title.includes(only)) {
      return
    }
    const reason = skipReason(name, title, [...always, ...(options.needs ?? [])], options.differsFrom)
    if (reason !== undefined) {
      process.stdout.write(`SKIP ${name}: ${title}: ${reason}\n`)
      tests.skip(title, () => undefined)
      return
    }
    tests(title, async () => {
      const start = performance.now()
      try {
        if (isTsrun && !isRootless) beginCoverage(name, title)
        await guarded(body, scaled(options.timeoutMs ?? 30_000))
        endCoverage()
        const seconds = (performance.now() - start) / 1000
        if (seconds > scaled(3)) {
          process.stdout.write(`SLOW ${name}: ${title}: ${seconds.toFixed(1)} s\n`)
        }
      } catch (e: unknown) {
        process.stdout.write(`\nFAILED ${name}: ${title}\n`)
        throw e
      }
    })
  }
  const run = (): void => {
    assert.equal(staleCrunDifferences(name, titles), [], 'differences of crun that no test has')
    if (only === undefined && isTsrun)
      assert.equal(staleCoverage(name, titles), [], 'tests in test/conformance/exercised.json')
    assert.equal(staleRootNeeds(name, titles), [], 'needs of root that no test has')
    tests.run()
  }
  return { test, run }
}

/** What a failed call must look like. */
export interface Failure {
  /** Default 1. crun has other codes. */
  readonly status?: number
  /** Words of runc, that callers match. crun has its own. */
  readonly text?: RegExp
  /** What our own message must say: object, field, syscall, errno. */
  readonly tsrun?: RegExp
}

/** Checks the exit code and the message of a failed call: one error line from us. */
export function assertFailure(outcome: Outcome, failure: Failure = {}): void {
  const told = `${outcome.command}\n${outcome.stderr}`
  if (runtimeName === 'crun') {
    assert.ok(outcome.status !== null && outcome.status !== 0, told)
  } else {
    assert.is(outcome.status, failure.status ?? 1, told)
  }
  if (failure.text !== undefined && runtimeName !== 'crun') {
    assert.match(outcome.stderr, failure.text, told)
  }
  if (isTsrun) {
    const errors = outcome.stderr.split('\n').filter((line) => /level=(error|fatal)/.test(line))
    assert.is(errors.length, 1, `one error line expected:\n${told}`)
    if (failure.tsrun !== undefined) {
      assert.match(errors[0] ?? '', failure.tsrun, told)
    }
  }
}

/** Checks that a config is refused by `create`. */
export function assertRefused(patch: Parameters<typeof newContainer>[0], failure: Failure = {}): void {
  const container = newContainer(patch)
  const outcome = container.create()
  try {
    assertFailure(outcome, failure)
  } finally {
    if (outcome.status === 0) {
      mustSucceed(container.delete(['--force']))
    }
  }
}
