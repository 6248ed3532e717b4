// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readlinkSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, withContainer, withRunning } from '../helpers/container.ts'
import { needsFile } from '../helpers/host.ts'
import { parseAttempts, type Report } from '../helpers/report.ts'
import { assertFailure, assertRefused, hostSuite } from '../helpers/suite.ts'

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

test("a new cgroup namespace has the container's cgroup as its root", async () => {
  const report = await inspect(withNamespaces([...defaultNamespaces, { type: 'cgroup' }]))
  assert.is.not(report.namespaces?.['cgroup'], own('cgroup'))
  for (const line of report.cgroup ?? []) {
    // Hierarchies that the runtime has not entered show as above the root.
    assert.match(line, /:\/(\.\.|$)/)
  }
  assert.ok(report.cgroup?.some((line) => line.endsWith(':/')))
})

test(
  'a new time namespace takes the offsets',
  async () => {
    const report = await inspect({
      linux: {
        namespaces: [...defaultNamespaces, { type: 'time' }],
        timeOffsets: { monotonic: { secs: 1000, nanosecs: 5 }, boottime: { secs: 2000 } },
      },
    })
    assert.is.not(report.namespaces?.['time'], own('time'))
    const offsets = (report.timeOffsets ?? []).map((line) => line.trim().split(/\s+/))
    assert.equal(offsets, [
      ['monotonic', '1000', '5'],
      ['boottime', '2000', '0'],
    ])
  },
  { needs: [needsFile('/proc/self/ns/time')], differsFrom: { 'runc<1.3': 'has no time namespace' } },
)

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
        const joined = [...defaultNamespaces.filter((namespace) => namespace.type !== type), { type, path }]
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
    const report = await inspect(withNamespaces([...others, { type: 'pid', path }]))
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

test('hostname needs a uts namespace', () => {
  assertRefused(withNamespaces(defaultNamespaces.filter((namespace) => namespace.type !== 'uts')), {
    tsrun: /hostname/,
  })
})

test(
  'hostname and domainname are set in the new namespace only',
  async () => {
    const before = readFileSync('/proc/sys/kernel/hostname', 'utf8')
    const report = await inspect({ hostname: 'other-name', domainname: 'example.org' })
    assert.is(report.hostname, 'other-name')
    assert.is(report.domainname, 'example.org')
    assert.is(readFileSync('/proc/sys/kernel/hostname', 'utf8'), before)
  },
  { differsFrom: { 'runc<1.3': 'has no domainname' } },
)

test('a hostname of 64 bytes is set, a longer one refused', async () => {
  assert.is((await inspect({ hostname: 'h'.repeat(64) })).hostname, 'h'.repeat(64))
  assertRefused({ hostname: 'h'.repeat(65) }, { tsrun: /hostname/ })
})

test('sysctl of the namespaces', async () => {
  await withRunning(
    {
      ...withArgs(['sleep', '60']),
      linux: {
        sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '9000', 'net/ipv4/ip_local_port_range': '2000 3000' },
      },
    },
    (container) => {
      const text = mustSucceed(
        container.exec([
          'probe',
          'read',
          '/proc/sys/net/ipv4/ip_forward',
          ',',
          'read',
          '/proc/sys/kernel/msgmax',
          ',',
          'read',
          '/proc/sys/net/ipv4/ip_local_port_range',
        ]),
      ).stdout
      assert.equal(
        parseAttempts(text).map((attempt) => String(attempt['text']).replace('\t', ' ').trim()),
        ['1', '9000', '2000 3000'],
      )
    },
  )
})

test('sysctl of the host is refused', () => {
  for (const name of ['vm.swappiness', 'kernel.core_pattern', 'kernel.hostname', 'net/../vm/swappiness']) {
    assertRefused({ linux: { sysctl: { [name]: '1' } } }, { tsrun: /sysctl/ })
  }
})

test('sysctl of a namespace that is shared is refused', () => {
  const others = defaultNamespaces.filter((namespace) => namespace.type !== 'network')
  assertRefused(withNamespaces(others, { linux: { sysctl: { 'net.ipv4.ip_forward': '1' } } }), { tsrun: /sysctl/ })
})

test('an unknown sysctl is refused with its name', () => {
  assertRefused({ linux: { sysctl: { 'net.no_such': '1' } } }, { tsrun: /sysctl.*net\.no_such.*ENOENT/ })
  assertRefused({ linux: { sysctl: { 'net.ipv4.ip_forward': 'x'.repeat(10) } } }, { tsrun: /sysctl.*EINVAL/ })
})

test(
  'personality',
  async () => {
    const report = await inspect({ linux: { personality: { domain: 'LINUX32' } } })
    assert.is(report.personality, 8)
    assert.is.not(report.machine, 'x86_64')
  },
  { differsFrom: { 'runc<1.3': 'has no personality' } },
)

test('a new session keyring, unless --no-new-keyring', async () => {
  const keyring = (text: string): string | null => (JSON.parse(text) as Report).keyringText
  await withContainer({}, (container) => {
    assert.match(String(keyring(mustSucceed(container.run()).stdout)), new RegExp(`_ses\\.${container.id}$`))
    const old = mustSucceed(container.run(['--no-new-keyring'])).stdout
    assert.not.match(String(keyring(old)), new RegExp(container.id))
  })
})

test('a config without a new pid namespace: run ends although children stay', async () => {
  const others = defaultNamespaces.filter((namespace) => namespace.type !== 'pid')
  await withContainer(withNamespaces(others, withArgs(['sh', '-c', 'sleep 61 & exit 6'])), (container) => {
    assert.is(container.run().status, 6)
  })
})

test('exec into a container with a user namespace', async () => {
  const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  const linux = { namespaces: [...defaultNamespaces, { type: 'user' }], uidMappings: mappings, gidMappings: mappings }
  await withRunning({ ...withArgs(['sleep', '60']), linux }, (container) => {
    const report = JSON.parse(mustSucceed(container.exec(['probe', 'report'])).stdout) as Report
    assert.is(report.uid, 0)
    assert.match(report.uidMap?.[0] ?? '', /0\s+100000\s+65536/)
    assertFailure(container.exec(['true'], ['--user', '70000']), { status: 255, text: /./ })
  })
})

run()
