// SPDX-License-Identifier: Apache-2.0
// Many containers one after the other: nothing grows, and the last ones take no longer than the first ones.
// TSRUN_TEST_LONG=1: a thousand, else some.
import { existsSync, readdirSync } from 'node:fs'
import * as assert from 'uvu/assert'
import * as tsrun from '../../runtime/index.ts'
import { withArgs } from '../helpers/bundle.ts'
import { mustSucceed, newContainer } from '../helpers/container.ts'
import { grownSince, printHeld, readHeld } from '../helpers/growth.ts'
import { callRuntime, isTsrun, runtimePath } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('endurance')
const long = process.env['TSRUN_TEST_LONG'] !== undefined
/** Of times. The short run has too few to find a quiet moment. */
const tolerance = long ? 1.1 : 2

const cacheSize = (): number =>
  existsSync('/run/tsrun-cache') ? readdirSync('/run/tsrun-cache', { recursive: true }).length : 0

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

/** The same by the library, planned in this process. */
async function liveByLibrary(): Promise<number> {
  const { id, bundle } = newContainer(withArgs(['sleep', '60']))
  const options = { root: stateRoot, executable: runtimePath }
  const begin = performance.now()
  await tsrun.create({ ...options, id, bundle })
  await tsrun.start(id, options)
  assert.is((await tsrun.exec({ ...options, id, args: ['echo', 'x'] })).stdout, 'x\n')
  await tsrun.delete(id, { ...options, force: true })
  return performance.now() - begin
}

for (const [title, one, some] of [
  ['lives of containers in a row', live, 120],
  ['lives of containers in a row, by the library', liveByLibrary, 40],
] as const) {
  const total = long ? 1000 : some
  const part = long ? 100 : some / 3
  test(
    `${total} ${title}`,
    async () => {
      for (let warmUp = 0; warmUp < (long ? 20 : 5); warmUp++) await one()
      const before = readHeld()
      const cache = cacheSize()
      const times: number[] = []
      for (let count = 0; count < total; count++) times.push(await one())
      const [first, last] = [least(times.slice(0, part)), least(times.slice(-part))]
      const grown = await grownSince(before, total)
      process.stdout.write(
        `${total} lives: ${first.toFixed(1)} ms, at last ${last.toFixed(1)} ms; ${printHeld(before, readHeld())}\n`,
      )
      assert.equal(grown, [])
      assert.ok(last <= first * tolerance, `${first} ms at first, ${last} ms at last`)
      assert.equal(readdirSync(stateRoot), [])
      assert.is(cacheSize(), cache, 'files in the cache')
      assert.is(callRuntime(['list', '-q']).stdout, '')
    },
    {
      timeoutMs: long ? 600_000 : 90_000,
      needs: one === live ? [] : [() => (isTsrun ? undefined : 'the library runs tsrun')],
    },
  )
}

run()
