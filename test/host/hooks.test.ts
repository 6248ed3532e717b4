// SPDX-License-Identifier: Apache-2.0
import { chmodSync, existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, makeRootfs, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, newContainer, withContainer } from '../helpers/container.ts'
import { isRootless } from '../helpers/host.ts'
import { isTsrun, until } from '../helpers/runtime.ts'
import { assertFailure, assertRefused, hostSuite } from '../helpers/suite.ts'
import { newDir, newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('hooks')
/** A user enters the user namespace of the container first, where everything is allowed. */
const enter = isRootless ? 'nsenter -U --preserve-credentials' : 'nsenter'

const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const
type Kind = (typeof kinds)[number]

/** startContainer runs a program of the container, the others one of the host. */
function hook(kind: Kind, script: string, more: Json = {}): Json {
  const shell = kind === 'startContainer' ? '/bin/busybox' : '/bin/sh'
  const args = kind === 'startContainer' ? ['busybox', 'sh', '-c', script] : ['sh', '-c', script]
  return { path: shell, args, env: ['PATH=/usr/bin:/bin'], ...more }
}

test('they run in order, with the state on stdin', async () => {
  const log = newPath('log')
  const rootfs = makeRootfs()
  const order = kinds.filter((kind) => kind !== 'poststart')
  const hooks = Object.fromEntries(
    order.map((kind) => {
      // Inside the container the log is /log; createContainer runs before the root is changed.
      const target = kind === 'startContainer' ? '/log' : log
      return [kind, [hook(kind, `echo "${kind} $(cat)" | tr -d '\\n\\t' >>${target}; echo >>${target}`)]]
    }),
  )
  writeFileSync(log, '')
  writeFileSync(join(rootfs, 'log'), '')
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/log', source: log, options: ['bind'] },
  ]
  await withContainer(
    withArgs(['sleep', '60'], { hooks, mounts, root: { path: rootfs }, annotations: { a: 'b' } }),
    async (container) => {
      const ran = (): readonly string[] =>
        readFileSync(log, 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => line.split(' ')[0] ?? '')
      mustSucceed(container.create())
      assert.equal(ran(), ['prestart', 'createRuntime', 'createContainer'])
      const pid = container.pid()
      mustSucceed(container.start())
      await until('startContainer ran', () => ran().length >= 4)
      assert.equal(ran(), ['prestart', 'createRuntime', 'createContainer', 'startContainer'])
      mustSucceed(container.delete(['--force']))
      assert.equal(ran(), order)
      for (const line of readFileSync(log, 'utf8').split('\n').filter(Boolean)) {
        const [kind = ''] = line.split(' ')
        const state = JSON.parse(line.slice(kind.length)) as Json
        assert.is(state['id'], container.id, kind)
        assert.is(state['bundle'], container.bundle, kind)
        assert.match(String(state['ociVersion']), /^1\./, kind)
        assert.equal(state['annotations'], { a: 'b' }, kind)
        const prestart = isTsrun ? 'created' : /creat(ing|ed)/
        const status = { prestart, startContainer: 'created', poststop: 'stopped' }[kind] ?? /creat(ing|ed)/
        assert.match(String(state['status']), status, kind)
        if (kind === 'prestart' || kind === 'createRuntime') {
          assert.is(state['pid'], pid, kind)
        }
      }
    },
  )
})

test(
  'poststart runs at start, with the pid of the running process in the state',
  async () => {
    const log = newPath('log')
    const hooks = { poststart: [hook('poststart', `cat >${log}`)] }
    await withContainer(withArgs(['sleep', '60'], { hooks }), (container) => {
      mustSucceed(container.create())
      assert.is(existsSync(log), false)
      mustSucceed(container.start())
      const state = JSON.parse(readFileSync(log, 'utf8')) as Json
      assert.is(state['status'], 'running')
      assert.is(state['pid'], container.pid())
    })
  },
  { differsFrom: { runc: 'runs it at the end of create' } },
)

test('a hook that ends in time is fine, whatever its kind', async () => {
  const hooks = Object.fromEntries(kinds.map((kind) => [kind, [hook(kind, 'cat >/dev/null', { timeout: 9 })]]))
  await withContainer(withArgs(['sleep', '60'], { hooks }), (container) => {
    mustSucceed(container.create())
    mustSucceed(container.start())
    mustSucceed(container.delete(['--force']))
  })
})

test('several hooks of a kind run in the listed order', async () => {
  const log = newPath('log')
  const hooks = { createRuntime: [1, 2, 3].map((n) => hook('createRuntime', `echo ${n} >>${log}`)) }
  await withContainer(withArgs(['true'], { hooks }), (container) => {
    mustSucceed(container.create())
    assert.is(readFileSync(log, 'utf8'), '1\n2\n3\n')
  })
})

test('args and env of a hook are what the config says, nothing more', async () => {
  const log = newPath('log')
  const hooks = {
    createRuntime: [
      { path: '/bin/sh', args: ['zero', '-c', `echo "$0 $1" >${log}; env >>${log}`, 'name', 'one two'], env: ['A=b'] },
    ],
  }
  await withContainer(withArgs(['true'], { hooks }), (container) => {
    mustSucceed(container.create([], { env: { LEAK: 'x' } }))
    const text = readFileSync(log, 'utf8')
    assert.match(text, /^name one two\n/)
    assert.match(text, /^A=b$/m)
    assert.not.match(text, /LEAK/)
  })
})

test(
  'startContainer hooks without env have that of the process, HOME included',
  async () => {
    const rootfs = makeRootfs()
    const startContainer = [{ path: '/bin/sh', args: ['sh', '-c', 'env >/env'] }]
    const root = { path: rootfs, readonly: false }
    await withContainer(
      withArgs(['true'], { hooks: { startContainer }, root, process: { env: ['A=b', 'PATH=/bin'] } }),
      (container) => {
        mustSucceed(container.run())
        const lines = readFileSync(join(rootfs, 'env'), 'utf8').split('\n')
        for (const line of ['A=b', 'PATH=/bin', 'HOME=/root']) assert.ok(lines.includes(line), line)
      },
    )
  },
  { differsFrom: { crun: 'gives them none' } },
)

test(
  'a createRuntime hook that enters the mount namespace finds the root at its path; createContainer hooks start in it',
  async () => {
    const rootfs = makeRootfs()
    const file = join(newDir('lib'), 'file')
    writeFileSync(file, 'from a hook')
    for (const name of ['one', 'two']) writeFileSync(join(rootfs, name), '')
    const pid = `$(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')`
    const hooks = {
      createRuntime: [hook('createRuntime', `${enter} -m -t ${pid} mount --bind ${file} ${rootfs}/one`)],
      createContainer: [hook('createContainer', `mount --bind ${file} ./two`)],
    }
    await withContainer(withArgs(['cat', '/one', '/two'], { hooks, root: { path: rootfs } }), (container) => {
      assert.is(mustSucceed(container.run()).stdout, 'from a hookfrom a hook')
      assert.is(readFileSync(join(rootfs, 'one'), 'utf8'), '')
    })
  },
  { differsFrom: { crun: 'starts them elsewhere' } },
)

test('without args, args[0] is the path', async () => {
  const dir = newDir('hook')
  const script = join(dir, 'hook.sh')
  writeFileSync(script, `#!/bin/sh\necho "$0 $#" >${dir}/log\n`)
  chmodSync(script, 0o755)
  await withContainer(withArgs(['true'], { hooks: { createRuntime: [{ path: script }] } }), (container) => {
    mustSucceed(container.create())
    assert.is(readFileSync(`${dir}/log`, 'utf8'), `${script} 0\n`)
  })
})

test('a hook does not inherit descriptors', async () => {
  const log = newPath('log')
  const hooks = { createRuntime: [hook('createRuntime', `ls /proc/self/fd >${log}`)] }
  await withContainer(withArgs(['true'], { hooks }), (container) => {
    mustSucceed(container.create())
    // 3 is the directory that ls reads.
    assert.is(readFileSync(log, 'utf8').trim().split('\n').length <= 4, true, readFileSync(log, 'utf8'))
  })
})

test('prestart and createRuntime see the namespaces of the host, createContainer and startContainer those inside', async () => {
  const log = newPath('log')
  const rootfs = makeRootfs()
  writeFileSync(log, '')
  const record = (kind: Kind): Json =>
    hook(
      kind,
      `echo ${kind} $(readlink /proc/self/ns/net) $(readlink /proc/self/ns/uts) >>${kind === 'startContainer' ? '/log' : log}`,
    )
  const hooks = Object.fromEntries(kinds.slice(0, 4).map((kind) => [kind, [record(kind)]]))
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/log', source: log, options: ['bind'] },
  ]
  await withContainer(withArgs(['sleep', '60'], { hooks, mounts, root: { path: rootfs } }), async (container) => {
    mustSucceed(container.create())
    const inside = readlinkSync(`/proc/${container.pid()}/ns/net`)
    const host = readlinkSync('/proc/self/ns/net')
    mustSucceed(container.start())
    await until('all ran', () => readFileSync(log, 'utf8').split('\n').length > 4)
    const seen = Object.fromEntries(
      readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(' ').slice(0, 2)),
    )
    assert.equal(seen, { prestart: host, createRuntime: host, createContainer: inside, startContainer: inside })
  })
})

test('the network namespace of the pid in the state is there for prestart, and changes stay', async () => {
  const script = `pid=$(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p' | head -1); test -n "$pid" && ${enter} -t $pid -n true`
  await withContainer(withArgs(['true'], { hooks: { prestart: [hook('prestart', script)] } }), (container) => {
    mustSucceed(container.create())
  })
})

for (const kind of ['prestart', 'createRuntime', 'createContainer'] as const) {
  test(`a failing ${kind} hook fails create, cleans up and runs poststop`, async () => {
    const log = newPath('log')
    const hooks = {
      [kind]: [hook(kind, 'echo the reason >&2; exit 7')],
      poststop: [hook('poststop', `echo stopped >${log}`)],
    }
    await withContainer(withArgs(['true'], { hooks }), (container) => {
      assertFailure(container.create(), {
        text: new RegExp(`error running (${kind}|prestart|createContainer|createRuntime)? ?hook|hook`),
        tsrun: new RegExp(`error running ${kind} hook #0: .*7.*the reason`),
      })
      assert.is(container.call('state').status, 1)
      assert.is(existsSync(log), true, 'poststop did not run')
    })
  })
}

test(
  'a failing startContainer hook fails start and stops the container',
  async () => {
    await withContainer(
      withArgs(['sleep', '60'], { hooks: { startContainer: [hook('startContainer', 'exit 3')] } }),
      async (c) => {
        mustSucceed(c.create())
        const started = c.start()
        await c.waitForStatus('stopped')
        assertFailure(started, { tsrun: /error running startContainer hook #0/ })
        mustSucceed(c.delete())
      },
    )
  },
  { differsFrom: { runc: 'start does not wait for the end of init and succeeds' } },
)

test(
  'a failing poststart hook stops the container',
  async () => {
    await withContainer(
      withArgs(['sleep', '60'], { hooks: { poststart: [hook('poststart', 'exit 3')] } }),
      async (c) => {
        mustSucceed(c.create())
        assertFailure(c.start(), { tsrun: /error running poststart hook #0/ })
        if (c.call('state').status === 0) {
          await c.waitForStatus('stopped')
        }
      },
    )
  },
  { differsFrom: { runc: 'only kills it later; since 1.3 of the specification it must stop' } },
)

test(
  'a failing poststop hook is a warning',
  async () => {
    const log = newPath('log')
    const hooks = { poststop: [hook('poststop', 'exit 3'), hook('poststop', `echo second >${log}`)] }
    await withContainer(withArgs(['true'], { hooks }), (container) => {
      mustSucceed(container.create())
      const deleted = mustSucceed(container.delete(['--force']))
      assert.match(deleted.stderr, /level=warning.*poststop|poststop.*warning|hook/i)
      assert.is(readFileSync(log, 'utf8'), 'second\n')
    })
  },
  { differsFrom: { runc: 'stops at the first failed poststop hook' } },
)

for (const kind of ['createRuntime', 'createContainer', 'startContainer', 'poststop'] as const) {
  test(
    `all that a failing ${kind} hook has printed is told, up to 64 kB`,
    async () => {
      const script = 'echo first word; seq -w 1 7000 >&2; echo last word >&2; exit 3'
      const patch = withArgs(['true'], { hooks: { [kind]: [hook(kind, script)] } })
      await withContainer(patch, (container) => {
        const created = container.create()
        const failed =
          kind === 'startContainer' ? container.start() : kind === 'poststop' ? container.delete(['-f']) : created
        assert.match(failed.stderr, /first word.*0001.*3500.*7000.*last word/s)
        const log = newPath('log')
        const other = newContainer({ ...patch, hooks: { [kind]: [hook(kind, script.replace('7000', '70000'))] } })
        other.create([], { globals: ['--log', log, '--log-format', 'json'] })
        if (kind === 'startContainer') other.call('start', [], [], { globals: ['--log', log, '--log-format', 'json'] })
        other.call('delete', ['-f'], [], { globals: ['--log', log, '--log-format', 'json'] })
        const texts = readFileSync(log, 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => (JSON.parse(line) as { msg: string }).msg)
        const told = texts.find((text) => text.includes('last word')) ?? ''
        assert.match(told, /70000 last word$/)
        assert.not.match(told, /first word/)
        assert.ok(told.length > 60_000 && told.length < 67_000, `${told.length}`)
      })
    },
    { differsFrom: { runc: 'tells all of it, or nothing where start does not wait', crun: 'tells nothing of it' } },
  )
}

for (const [title, script, options] of [
  ['a hook that takes too long is killed', 'exec sleep 20', {}],
  [
    'a hook that takes too long is killed, although a child of it keeps its output open',
    'sleep 20; true',
    { differsFrom: { runc: 'waits for all who have the output open' } },
  ],
] as const) {
  test(
    title,
    async () => {
      const start = performance.now()
      const hooks = { createRuntime: [hook('createRuntime', script, { timeout: 1 })] }
      await withContainer(withArgs(['true'], { hooks }), (container) => {
        assertFailure(container.create(), {
          text: /hook ran past specified timeout of 1(\.0)?s/,
          tsrun: /error running createRuntime hook #0: .*timeout/,
        })
      })
      assert.ok(performance.now() - start < 5000)
    },
    options,
  )
}

test('a hook that does not read its stdin is no failure', async () => {
  await withContainer(
    withArgs(['true'], { hooks: { createRuntime: [hook('createRuntime', 'exec <&-; exit 0')] } }),
    (c) => {
      mustSucceed(c.create())
    },
  )
})

test('a hook that is absent fails create and is named', async () => {
  await withContainer(withArgs(['true'], { hooks: { createRuntime: [{ path: '/no/such/hook' }] } }), (container) => {
    assertFailure(container.create(), {
      text: /no such file or directory/,
      tsrun: /createRuntime hook #0.*\/no\/such\/hook.*ENOENT/,
    })
  })
})

test(
  'a relative path of a hook and a timeout of 0 are refused',
  async () => {
    assertRefused({ hooks: { prestart: [{ path: 'relative' }] } }, { tsrun: /hooks\.prestart\[0\]\.path/ })
    assertRefused(
      { hooks: { prestart: [{ path: '/bin/true', timeout: 0 }] } },
      { tsrun: /hooks\.prestart\[0\]\.timeout/ },
    )
  },
  { differsFrom: { 'runc<1.3': 'checks neither' } },
)

run()
