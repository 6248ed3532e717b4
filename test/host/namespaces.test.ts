// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readlinkSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, inspect, mustSucceed, withRunning } from '../helpers/container.ts'
import { isRootless, needsFile } from '../helpers/host.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('namespaces')

const links: Readonly<Record<string, string>> = {
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  mount: 'mnt',
  cgroup: 'cgroup',
  time: 'time',
  user: 'user',
}

function own(type: string): string {
  return readlinkSync(`/proc/self/ns/${links[type]}`)
}

function withNamespaces(namespaces: readonly Json[], patch: Json = {}): Json {
  return { ...patch, linux: { ...(patch['linux'] as Json | undefined), namespaces } }
}

/** A user may join namespaces of a container from within its user namespace alone. */
function userOf(container: Container): readonly Json[] {
  return isRootless ? [{ type: 'user', path: `/proc/${container.pid()}/ns/user` }] : []
}

test("each listed namespace is new, all others are the caller's", async () => {
  const report = await inspect()
  for (const type of ['pid', 'network', 'ipc', 'uts', 'mount']) {
    assert.is.not(report.namespaces?.[links[type] ?? ''], own(type), type)
  }
  for (const type of ['cgroup', 'user', 'time']) {
    assert.is(report.namespaces?.[links[type] ?? ''], own(type), type)
  }
})

for (const type of ['network', 'ipc', 'pid']) {
  test(`without "${type}" it is the caller's`, async () => {
    const report = await inspect(withNamespaces(defaultNamespaces.filter((namespace) => namespace.type !== type)))
    assert.is(report.namespaces?.[links[type] ?? ''], own(type))
  })
}

test('without "uts" it is the caller\'s', async () => {
  const report = await inspect(
    withNamespaces(
      defaultNamespaces.filter((namespace) => namespace.type !== 'uts'),
      { hostname: undefined },
    ),
  )
  assert.is(report.namespaces?.['uts'], own('uts'))
  assert.is(report.hostname, readFileSync('/proc/sys/kernel/hostname', 'utf8').trim())
})

test(
  'without "mount" it is the caller\'s: the container has its own root, and nothing of it stays on the host',
  async () => {
    const namespaces = defaultNamespaces.filter((namespace) => namespace.type !== 'mount')
    await withRunning(withNamespaces(namespaces, withArgs(['sleep', '60'])), (container) => {
      assert.is(readlinkSync(`/proc/${container.pid()}/ns/mnt`), own('mount'))
      const look = container.exec(['sh', '-c', 'ls -d /bin/probe /run/* /dev/pts/ptmx; cat /proc/1/comm; touch /x'])
      assert.equal(look.stdout.trim().split('\n'), ['/bin/probe', '/dev/pts/ptmx', 'sleep'])
      assert.match(look.stderr, /touch: \/x: Read-only file system/)
    })
  },
  { differsFrom: { runc: 'leaves its mounts on the host', crun: 'leaves its mounts on the host' } },
)

test("a new cgroup namespace has the container's cgroup as its root", async () => {
  const report = await inspect(withNamespaces([...defaultNamespaces, { type: 'cgroup' }]))
  assert.is.not(report.namespaces?.['cgroup'], own('cgroup'))
  for (const line of report.cgroup ?? []) {
    // Hierarchies that the runtime has not entered show as above the root.
    assert.match(line, /:\/(\.\.|$)/)
  }
  assert.ok(report.cgroup?.some((line) => line.endsWith(':/')))
})

test('a new network namespace has a loopback device that is up, and nothing else', async () => {
  await withRunning(withArgs(['sleep', '60']), (container) => {
    const text = mustSucceed(container.exec(['ip', 'addr'])).stdout
    assert.match(text, /lo: <LOOPBACK,UP/)
    assert.match(text, /127\.0\.0\.1\/8/)
  })
})

for (const type of ['network', 'ipc', 'uts', 'pid', 'cgroup', 'time']) {
  test(
    `"${type}" can be joined by path`,
    async () => {
      const all = [...defaultNamespaces, { type: 'cgroup' }]
      const namespaces = type === 'time' ? [...all, { type }] : all
      await withRunning(withNamespaces(namespaces, withArgs(['sleep', '60'])), async (first) => {
        const path = `/proc/${first.pid()}/ns/${links[type]}`
        const others = defaultNamespaces.filter((namespace) => namespace.type !== type)
        const joined = [...others, { type, path }, ...userOf(first)]
        const patch = withNamespaces(joined, type === 'uts' ? { hostname: undefined } : {})
        assert.is((await inspect(patch)).namespaces?.[links[type] ?? ''], readlinkSync(path))
        if (type === 'uts') {
          assert.is((await inspect(patch)).hostname, 'inside')
        }
      })
    },
    {
      needs: [needsFile(`/proc/self/ns/${links[type]}`)],
      ...(type === 'time' ? { differsFrom: { 'runc<1.3': 'has no time namespace' } } : {}),
    },
  )
}

test('a pid namespace that was joined shows the processes of both', async () => {
  await withRunning(withArgs(['sleep', '60']), async (first) => {
    const path = `/proc/${first.pid()}/ns/pid`
    const others = defaultNamespaces.filter((namespace) => namespace.type !== 'pid')
    const report = await inspect(withNamespaces([...others, { type: 'pid', path }, ...userOf(first)]))
    assert.ok(report.pid > 1)
  })
})

test(
  'a joined user namespace keeps its mappings',
  async () => {
    const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
    const linux = {
      namespaces: [...defaultNamespaces, { type: 'user' }],
      uidMappings: mappings,
      gidMappings: mappings,
    }
    await withRunning({ ...withArgs(['sleep', '60']), linux }, async (first) => {
      const path = `/proc/${first.pid()}/ns/user`
      const report = await inspect({
        linux: { namespaces: [...defaultNamespaces, { type: 'user', path }] },
      })
      assert.is(report.namespaces?.['user'], readlinkSync(path))
      assert.match(report.uidMap?.[0] ?? '', /0\s+100000\s+65536/)
    })
  },
  { differsFrom: { 'runc<1.3': 'wants mappings in the config beside a path, but then refuses them' } },
)

test('unknown and duplicate namespaces are refused', () => {
  assertRefused(withNamespaces([...defaultNamespaces, { type: 'nonsense' }]), { tsrun: /namespaces.*nonsense/ })
  assertRefused(withNamespaces([...defaultNamespaces, { type: 'pid' }]), { tsrun: /namespaces.*pid/ })
})

test('a path of the wrong type, or that is absent, is refused', () => {
  const others = defaultNamespaces.filter((namespace) => namespace.type !== 'network')
  assertRefused(withNamespaces([...others, { type: 'network', path: '/proc/self/ns/uts' }]), {
    tsrun: /namespaces.*network.*\/proc\/self\/ns\/uts/,
  })
  assertRefused(withNamespaces([...others, { type: 'network', path: '/no/such/ns' }]), {
    text: /no such file or directory/,
    tsrun: /namespaces.*network.*ENOENT/,
  })
  assertRefused(withNamespaces([...others, { type: 'network', path: '/dev/null' }]), { tsrun: /namespaces.*network/ })
})

run()
