// SPDX-License-Identifier: Apache-2.0
// Many containers one after the other: nothing grows, and the last ones take no longer than the first ones.
// TSRUN_TEST_LONG=1: a thousand, else some.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { withArgs } from '../helpers/bundle.ts'
import { mustSucceed, newContainer } from '../helpers/container.ts'
import { callRuntime } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('endurance')
const long = process.env['TSRUN_TEST_LONG'] !== undefined
const total = long ? 1000 : 120
const part = long ? 100 : 40
/** Of times. The short run has too few to find a quiet moment. */
const tolerance = long ? 1.1 : 2

/** Lines of /proc/cgroups count those, too, that have no directory any more. */
function countCgroups(): number {
  let count = 0
  for (const line of readFileSync('/proc/cgroups', 'utf8').split('\n')) count += Number(line.split('\t')[2]) || 0
  return count
}

const cacheSize = (): number =>
  existsSync('/run/tsrun-cache') ? readdirSync('/run/tsrun-cache', { recursive: true }).length : 0

const availableKb = (): number => Number(/MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1])

/** The fastest: whatever else the machine does only adds to it, and what grows is in every one. */
const least = (times: readonly number[]): number => Math.min(...times)

function live(): number {
  const container = newContainer(withArgs(['sleep', '60']))
  const begin = performance.now()
  mustSucceed(container.create())
  mustSucceed(container.start())
  mustSucceed(container.exec(['true']))
  mustSucceed(container.delete(['--force']))
  return performance.now() - begin
}

test(
  `${total} lives of containers in a row`,
  () => {
    for (let warmUp = 0; warmUp < 5; warmUp++) live()
    const before = { cgroups: countCgroups(), cache: cacheSize(), memory: availableKb() }
    const times = Array.from({ length: total }, live)
    const [first, last] = [least(times.slice(0, part)), least(times.slice(-part))]
    const after = { cgroups: countCgroups(), cache: cacheSize(), memory: availableKb() }
    // Memory and cgroups that the kernel keeps for a while are others', too: figures for whoever looks.
    process.stdout.write(
      `${total} lives: ${first.toFixed(1)} ms, at last ${last.toFixed(1)} ms; ` +
        `cgroups ${before.cgroups} -> ${after.cgroups}, memory ${((before.memory - after.memory) / 1024).toFixed(0)} MB less\n`,
    )
    assert.ok(last <= first * tolerance, `${first} ms at first, ${last} ms at last`)
    assert.equal(readdirSync(stateRoot), [])
    assert.is(after.cache, before.cache, 'files in the cache')
    assert.is(callRuntime(['list', '-q']).stdout, '')
  },
  { timeoutMs: long ? 600_000 : 60_000 },
)

run()
