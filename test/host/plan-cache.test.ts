// SPDX-License-Identifier: Apache-2.0
// Plans that are used again: the same container comes of them, and whatever differs is seen.
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { defaultMounts, type Json, merge } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newContainer, newSource } from '../helpers/container.ts'
import type { Report } from '../helpers/report.ts'
import { isTsrun } from '../helpers/runtime.ts'
import { newCache } from '../helpers/own-cache.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { newDir, newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('plan-cache')
const onlyTsrun = { needs: [() => (isTsrun ? undefined : 'a cache of tsrun')] }

const { dir: cache, wrapper: inCache } = newCache()
const wrapper = inCache()
const plans = join(cache, 'plans')

/** Runs a container with a log that tells where its plan came from. */
function runLogged(container: Container): { readonly from: string; readonly stdout: string } {
  const log = newPath('log')
  const outcome = mustSucceed(container.run([], { wrapper, globals: ['--debug', '--log', log] }))
  const from = /slots, (made|kept)"/.exec(readFileSync(log, 'utf8'))?.[1] ?? 'nowhere'
  return { from, stdout: outcome.stdout }
}

function containerOf(text: string, patch: Json = {}): Container {
  const source = newSource({ file: text })
  const mounts = [...defaultMounts, { destination: '/home', source, options: ['rbind', 'ro'] }]
  const process = { args: ['sh', '-c', 'cat /home/file; echo $WHO; hostname'], env: ['PATH=/bin', `WHO=${text}`] }
  return newContainer(merge({ hostname: `host-${text}`, mounts, process }, patch))
}

test(
  'a config of the same shape is answered without the planner, and gets what it says',
  () => {
    const texts = ['one', 'two', 'three', 'four']
    const seen = texts.map((text) => runLogged(containerOf(text)))
    assert.equal(
      seen.map(({ from }) => from),
      ['made', 'made', 'kept', 'kept'],
    )
    seen.forEach(({ stdout }, index) => {
      const text = texts[index]
      assert.is(stdout, `${text}${text}\nhost-${text}\n`)
    })
  },
  onlyTsrun,
)

test(
  'a container of a kept plan is like that of a made one',
  () => {
    const patch = { process: { args: ['probe', 'report'] }, annotations: { 'org.example.a': 'x' } }
    const reports = ['aaa', 'bbb', 'ccc'].map((text) => runLogged(containerOf(text, patch)))
    assert.equal(
      reports.map(({ from }) => from),
      ['made', 'made', 'kept'],
    )
    const [made, , kept] = reports.map(({ stdout }) => JSON.parse(stdout) as Report)
    for (const key of ['uid', 'status', 'umask', 'cwd', 'args', 'rlimits', 'oomScoreAdj', 'dumpable'] as const) {
      if (key !== 'status') assert.equal(kept?.[key], made?.[key], key)
    }
    for (const key of ['CapEff', 'CapBnd', 'CapInh', 'CapAmb', 'NoNewPrivs', 'Seccomp']) {
      assert.is(kept?.status[key], made?.status[key], key)
    }
    assert.is(kept?.mountinfo?.length, made?.mountinfo?.length)
  },
  onlyTsrun,
)

test(
  'another shape, another flag or another value of a number is not answered from it',
  () => {
    for (const text of ['one', 'two', 'three']) runLogged(containerOf(text))
    assert.is(runLogged(containerOf('four', { process: { user: { uid: 1, gid: 0 } } })).from, 'made')
    assert.is(runLogged(containerOf('five', { process: { noNewPrivileges: false } })).from, 'made')
    assert.is(runLogged(containerOf('six', { linux: { maskedPaths: ['/proc/acpi'] } })).from, 'made')
    assert.is(runLogged(containerOf('seven')).from, 'kept')
  },
  onlyTsrun,
)

test(
  'shapes that come by turns do not push each other out',
  () => {
    const shapes = Array.from({ length: 32 }, (_, number) => [1 + ((number * 37) % 900), 5 + number ** 3])
    const round = (): readonly string[] =>
      shapes.map(([oomScoreAdj, gid = 0]) => {
        const process = { oomScoreAdj, user: { uid: 0, gid: 0, additionalGids: [gid] } }
        return runLogged(containerOf('x', { process })).from
      })
    round()
    round()
    assert.equal(
      round(),
      shapes.map(() => 'kept'),
    )
  },
  onlyTsrun,
)

test(
  'a source that is absent is told as ever',
  () => {
    for (const text of ['one', 'two', 'three']) runLogged(containerOf(text))
    const source = join(newDir('gone'), 'no')
    const container = containerOf('x', {
      mounts: [...defaultMounts, { destination: '/home', source, options: ['rbind', 'ro'] }],
    })
    assertFailure(container.run([], { wrapper }), { tsrun: /mounts\[6\] \(\/home\): open_tree .*ENOENT/ })
  },
  onlyTsrun,
)

test(
  'damaged, foreign and unwritable files of the cache do not matter',
  () => {
    for (const text of ['one', 'two', 'three']) runLogged(containerOf(text))
    const files = readdirSync(plans).filter((name) => /^\d|^[a-f]/.test(name) && !name.endsWith('.seen'))
    assert.ok(files.length > 0)
    for (const name of files) {
      const bytes = readFileSync(join(plans, name))
      bytes.fill(0xff, bytes.length - 2000)
      writeFileSync(join(plans, name), bytes)
    }
    assert.is(runLogged(containerOf('four')).stdout, 'fourfour\nhost-four\n')
    for (const name of files) writeFileSync(join(plans, name), '')
    assert.is(runLogged(containerOf('five')).stdout, 'fivefive\nhost-five\n')
    chmodSync(plans, 0o777)
    const { from } = runLogged(containerOf('six'))
    chmodSync(plans, 0o700)
    assert.is(from, 'made')
  },
  onlyTsrun,
)

test(
  'the cache is private',
  () => {
    runLogged(containerOf('one'))
    assert.ok(existsSync(plans))
    for (const name of readdirSync(plans)) assert.ok(!name.startsWith('.'), name)
  },
  onlyTsrun,
)

run()
