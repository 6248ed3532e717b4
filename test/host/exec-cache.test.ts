// SPDX-License-Identifier: Apache-2.0
// Plans of exec that are used again, in a container and from one to the next: the same process comes of them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { defaultMounts, type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newSource, withRunning } from '../helpers/container.ts'
import { isRootless, needsController } from '../helpers/host.ts'
import type { Report } from '../helpers/report.ts'
import { callRuntime, isTsrun } from '../helpers/runtime.ts'
import { newCache } from '../helpers/own-cache.ts'
import { hostSuite } from '../helpers/suite.ts'
import { newPath, stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('exec-cache')
const onlyTsrun = { needs: [() => (isTsrun ? undefined : 'a cache of tsrun')] }
const sleeps = withArgs(['sleep', '60'])

/** Calls exec with a cache of its own, in a mount namespace for each call. */
class Cache {
  readonly #wrapper = newCache().wrapper()
  #calls = 0

  /** Where the plan came from, and what the process printed. */
  exec({ id }: Container, flags: readonly string[], command: readonly string[] = []): string {
    const log = newPath('log')
    const globals = ['--debug', '--log', log]
    // One namespace made of another has mounts of other numbers.
    const another = this.#calls++ % 2 === 1 && !isRootless
    const wrapper = another ? ['unshare', '-m', ...this.#wrapper] : this.#wrapper
    const outcome = callRuntime(['exec', ...flags, id, ...command], { wrapper, globals })
    const from = /slots, (made|kept)"/.exec(readFileSync(log, 'utf8'))?.[1] ?? 'nowhere'
    return `${from} ${mustSucceed(outcome).stdout.trim()}`
  }
}

function processFile(change: Json): string {
  const path = newPath('process.json')
  const usual = { user: { uid: 0, gid: 0 }, args: ['true'], env: ['PATH=/bin'], cwd: '/' }
  writeFileSync(path, JSON.stringify({ ...usual, ...change }))
  return path
}

/** Uses several containers that differ in nothing but what every container has of its own. */
async function withContainers(
  count: number,
  config: Json,
  use: (...containers: readonly Container[]) => void,
): Promise<void> {
  const gather = (made: readonly Container[]): Promise<void> =>
    made.length === count
      ? Promise.resolve(use(...made))
      : withRunning(config, (container) => gather([...made, container]))
  await gather([])
}

test(
  'the same process again needs no planner, nor does one of the same shape',
  async () => {
    const cache = new Cache()
    await withRunning(sleeps, (container) => {
      assert.is(cache.exec(container, [], ['echo', 'a']), 'made a')
      assert.is(cache.exec(container, [], ['echo', 'a']), 'kept a')
      // Here it is seen that the shape comes again.
      assert.is(cache.exec(container, [], ['echo', 'b']), 'made b')
      assert.is(cache.exec(container, [], ['echo', 'c d']), 'kept c d')
      assert.is(cache.exec(container, [], ['echo', 'c', 'd']), 'made c d')
      assert.is(cache.exec(container, ['--user', '1000'], ['id', '-u']), 'made 1000')
      assert.is(cache.exec(container, ['--user', '1001'], ['id', '-u']), 'made 1001')
      assert.is(cache.exec(container, ['--user', '1000'], ['id', '-u']), 'kept 1000')
      assert.is(cache.exec(container, ['--cap', 'CAP_NET_ADMIN'], ['echo', 'a']), 'made a')
    })
  },
  onlyTsrun,
)

test(
  'the first exec in a container needs no planner where others have had one',
  async () => {
    const cache = new Cache()
    await withContainers(4, sleeps, (...containers) => {
      const commands = ['one', 'two', 'three', 'four 4']
      const seen = containers.map((container, index) => cache.exec(container, [], ['echo', commands[index] ?? '']))
      assert.equal(seen, ['made one', 'made two', 'kept three', 'kept four 4'])
    })
  },
  onlyTsrun,
)

test(
  '--process: another command, environment, directory and container of the same shape',
  async () => {
    const cache = new Cache()
    await withContainers(3, sleeps, (...containers) => {
      const seen = containers.map((container, index) => {
        const cwd = ['/bin', '/etc', '/proc/sys'][index]
        const args = ['sh', '-c', `echo ${index} $WHO $PWD`]
        return cache.exec(container, ['--process', processFile({ args, cwd, env: ['PATH=/bin', `WHO=w${index}`] })])
      })
      assert.equal(seen, ['made 0 w0 /bin', 'made 1 w1 /etc', 'kept 2 w2 /proc/sys'])
    })
  },
  onlyTsrun,
)

test(
  'a process of a kept plan is like that of a made one, and in its own container',
  async () => {
    const cache = new Cache()
    const config = { process: { args: ['sleep', '60'], user: { uid: 7, gid: 8, additionalGids: [9] } } }
    await withContainers(3, config, (...containers) => {
      const reports = containers.map((container) => {
        const [from, text = ''] = cache.exec(container, [], ['probe', 'report']).split(/ (.*)/s)
        return { from, container, report: JSON.parse(text) as Report }
      })
      assert.equal(
        reports.map(({ from }) => from),
        ['made', 'made', 'kept'],
      )
      const [made] = reports
      for (const { report, container } of reports) {
        const expected = made?.report
        for (const key of ['uid', 'gid', 'groups', 'umask', 'cwd', 'args', 'env', 'rlimits'] as const) {
          assert.equal(report[key], expected?.[key], key)
        }
        for (const key of ['CapEff', 'CapBnd', 'CapInh', 'CapAmb', 'NoNewPrivs', 'Seccomp']) {
          assert.is(report.status[key], expected?.status[key], key)
        }
        const init = mustSucceed(container.exec(['cat', '/proc/1/cgroup']))
          .stdout.trim()
          .split('\n')
        assert.equal(report.cgroup, init)
      }
    })
  },
  onlyTsrun,
)

test(
  'what has changed since counts: config.json, the process file, /etc/passwd',
  async () => {
    const cache = new Cache()
    const etc = newSource({ passwd: 'root:x:0:0::/first:/bin/sh\n' })
    const mounts = [...defaultMounts, { destination: '/etc', source: etc, options: ['rbind'] }]
    await withRunning({ mounts, process: { args: ['sleep', '60'] } }, (container) => {
      const command = ['sh', '-c', 'echo $NEW $HOME $(id -u)']
      const print = (): string => cache.exec(container, [], command)
      assert.is(print(), 'made /first 0')
      writeFileSync(join(etc, 'passwd'), 'root:x:0:0::/second:/bin/sh\n')
      assert.is(print(), 'kept /second 0')
      container.configure({ mounts, process: { args: ['sleep', '60'], env: ['PATH=/bin', 'NEW=yes'] } })
      assert.is(print(), 'made yes /second 0')
      container.configure({ mounts, process: { args: ['sleep', '60'], env: ['PATH=/bin', 'NEW=other'] } })
      assert.match(print(), / other \/second 0$/)
      const user = { uid: 3, gid: 3 }
      container.configure({ mounts, process: { args: ['sleep', '60'], user, env: ['PATH=/bin', 'NEW=yes'] } })
      assert.is(print(), 'made yes / 3')

      const file = processFile({ args: command, env: ['PATH=/bin', 'NEW=a'] })
      const flags = ['--process', file]
      assert.is(cache.exec(container, flags), 'made a /second 0')
      assert.is(cache.exec(container, flags), 'kept a /second 0')
      writeFileSync(file, JSON.stringify({ args: command, env: ['PATH=/bin', 'NEW=b'], cwd: '/', user }))
      assert.is(cache.exec(container, flags), 'made b / 3')
    })
  },
  onlyTsrun,
)

test(
  'update does not get in the way',
  async () => {
    const cache = new Cache()
    await withRunning(sleeps, (container) => {
      const place = (): string => cache.exec(container, [], ['cat', '/proc/self/cgroup']).replace(/^\w+ /, '')
      const before = place()
      mustSucceed(container.call('update', ['--pids-limit', '77']))
      assert.is(place(), before)
    })
  },
  { needs: [...onlyTsrun.needs, needsController('pids')] },
)

test(
  'damaged files in the state directory do not matter',
  async () => {
    const cache = new Cache()
    await withRunning(sleeps, (container) => {
      const dir = join(stateRoot, container.id)
      const kept = (): readonly string[] => readdirSync(dir).filter((name) => name.startsWith('exec-plan.'))
      assert.is(cache.exec(container, [], ['echo', 'a']), 'made a')
      assert.ok(kept().length > 0)
      for (const name of kept()) {
        const bytes = readFileSync(join(dir, name))
        bytes.fill(0xff, bytes.length - 1000)
        writeFileSync(join(dir, name), bytes)
      }
      assert.is(cache.exec(container, [], ['echo', 'a']), 'made a')
      for (const name of kept()) writeFileSync(join(dir, name), '')
      assert.match(cache.exec(container, [], ['echo', 'a']), / a$/)
    })
  },
  onlyTsrun,
)

test('HOME is looked up each time', async () => {
  const etc = newSource({ passwd: 'root:x:0:0::/first:/bin/sh\n' })
  const mounts = [...defaultMounts, { destination: '/etc', source: etc, options: ['rbind'] }]
  await withRunning({ mounts, process: { args: ['sleep', '60'] } }, (container) => {
    const home = (): string => mustSucceed(container.exec(['sh', '-c', 'echo $HOME'])).stdout.trim()
    assert.is(home(), '/first')
    writeFileSync(join(etc, 'passwd'), 'root:x:0:0::/second:/bin/sh\n')
    assert.is(home(), '/second')
  })
})

run()
