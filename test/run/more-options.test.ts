// SPDX-License-Identifier: Apache-2.0
// Options of `run`, `create` and `network create` as they are typed: names, health, stopping, addresses.

import { existsSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { networkTestsNeed, ownSubnet } from '../helpers/networks.ts'
import { buildBase, Dock } from '../helpers/tsdock.ts'

const dock = new Dock()
const image = 'localhost/base'
const out = (...args: readonly string[]): string => dock.must(...args).stdout.trim()
const shows = (name: string, template: string): string => out('inspect', '-f', template, name)
const run = (...args: readonly string[]) => dock.run('run', '--rm', ...args)

test.before(() => buildBase(dock))
test.after.each(() => {
  for (const id of out('ps', '-aq').split('\n').filter(Boolean)) dock.must('rm', '-f', id)
})

test.after(() => {
  dock.must('system', 'prune', '-f')
})

const lacks = networkTestsNeed()
if (lacks !== undefined) process.stdout.write(`SKIP options of networks: ${lacks}\n`)
else {
  test('name servers, search domains, options of the resolver', () => {
    const options = ['--dns', '9.9.9.9', '--dns', '9.9.9.10', '--dns-search', 'ex.org', '--dns-opt', 'ndots:3']
    const file = 'nameserver 9.9.9.9\nnameserver 9.9.9.10\nsearch ex.org\noptions ndots:3'
    assert.is(out('run', '--rm', ...options, image, 'cat', '/etc/resolv.conf'), file)
  })

  test('addresses, ranges and gateways of networks', () => {
    const [four, six] = [ownSubnet(6), 'fd00:7d0c']
    const subnets = ['--subnet', `${four}.0/24`, '--gateway', `${four}.9`, '--ip-range', `${four}.128/25`]
    out('network', 'create', '--ipv6', ...subnets, '--subnet', `${six}::/64`, 'both')
    const options = ['--net', 'both', '--ip6', `${six}::44`, '--mac-address', '02:42:ac:11:00:99']
    const script = 'ip addr show eth0; ip route'
    const said = out('run', '--rm', ...options, image, 'sh', '-c', script)
    assert.match(said, 'link/ether 02:42:ac:11:00:99')
    assert.match(said, `inet ${four}.128/24`)
    assert.match(said, `inet6 ${six}::44/64`)
    assert.match(said, `default via ${four}.9`)
    out('network', 'rm', 'both')
    out('network', 'create', '--internal', 'inner')
    assert.not.match(out('run', '--rm', '--net', 'inner', image, 'ip', 'route'), 'default')
    out('network', 'rm', 'inner')
  })
}

test('ports, health and stopping, as inspect shows them', () => {
  const health = '--health-cmd true --health-interval 1s --health-timeout 2s --health-retries 4'.split(' ')
  const start = '--health-start-period 5s --health-start-interval 500ms'.split(' ')
  const stop = '--stop-signal SIGINT --stop-timeout 1'.split(' ')
  out(
    'create',
    '--name',
    'all',
    '--net',
    'none',
    '--expose',
    '90-91/udp',
    ...health,
    ...start,
    ...stop,
    image,
    'sleep',
    '99',
  )
  assert.is(shows('all', '{{json .Config.ExposedPorts}}'), '{"90/udp":{},"91/udp":{}}')
  assert.is(shows('all', '{{.Config.StopSignal}} {{.Config.StopTimeout}}'), 'SIGINT 1')
  assert.equal(JSON.parse(shows('all', '{{json .Config.Healthcheck}}')), {
    Test: ['CMD-SHELL', 'true'],
    Interval: 1e9,
    Timeout: 2e9,
    StartPeriod: 5e9,
    StartInterval: 5e8,
    Retries: 4,
  })
  assert.is(dock.run('start', 'all').status, 0)
  out('stop', 'all')
  // Process 1 takes no notice of SIGINT.
  assert.is(shows('all', '{{.State.ExitCode}}'), '137')
  out('create', '--name', 'none', '--no-healthcheck', image)
  assert.is(shows('none', '{{json .Config.Healthcheck.Test}}'), '["NONE"]')
})

test('annotations and rules of devices reach the runtime', () => {
  out(
    'create',
    '--name',
    'rules',
    '--net',
    'none',
    '--annotation',
    'a.b=c',
    '--device-cgroup-rule',
    'c 42:* rw',
    image,
    'sleep',
    '99',
  )
  assert.is(dock.run('start', 'rules').status, 0)
  const id = shows('rules', '{{.Id}}')
  const config = JSON.parse(out('unshare', 'cat', `${dock.storage}/containers/${id}/config.json`)) as {
    readonly annotations: Readonly<Record<string, string>>
    readonly linux: { readonly resources: { readonly devices: readonly object[] } }
  }
  assert.is(config.annotations['a.b'], 'c')
  assert.equal(config.linux.resources.devices.at(-1), { allow: true, type: 'c', major: 42, minor: -1, access: 'rw' })
})

test('what cannot be had', () => {
  assert.match(
    run('--net', 'none', '--gpus', 'all', image, 'true').stderr,
    'unresolvable CDI devices nvidia.com/gpu=all',
  )
  assert.match(run('--net', 'none', '--userns', 'private', image, 'true').stderr, 'invalid mode "private"')
  assert.is(run('--net', 'none', '--userns', 'host', image, 'true').status, 0)
})

if (!existsSync('/sys/fs/cgroup/memory') || process.getuid?.() !== 0) {
  process.stdout.write('SKIP swappiness and the OOM killer: they need cgroup v1\n')
} else {
  test('what cgroup v1 has alone', () => {
    const options = [
      '--net',
      'none',
      '-m',
      '32m',
      '--memory-swappiness',
      '7',
      '--oom-kill-disable',
      '--cpuset-mems',
      '0',
    ]
    const files = 'memory/memory.swappiness memory/memory.oom_control cpuset/cpuset.mems'.split(' ')
    const said = out('run', '--rm', ...options, image, 'cat', ...files.map((file) => `/sys/fs/cgroup/${file}`))
    assert.match(said, /^7\noom_kill_disable 1\n(.*\n)*0$/)
  })
}

test.run()
