// SPDX-License-Identifier: Apache-2.0
// Commands on networks, and containers on them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NetworkReport } from '../../bundles/networks/network-report.ts'
import type { NetworkSettings } from '../../bundles/networks/settings.ts'
import { networkTestsNeed, ownSubnet } from '../helpers/networks.ts'
import { buildBase, Dock } from '../helpers/tsdock.ts'

const dock = new Dock()

const out = (...args: readonly string[]): string => dock.must(...args).stdout
const inspect = (name: string): NetworkReport =>
  (JSON.parse(out('network', 'inspect', name)) as NetworkReport[])[0] as NetworkReport
const settingsOf = (name: string): NetworkSettings =>
  (JSON.parse(out('inspect', name)) as { NetworkSettings: NetworkSettings }[])[0]?.NetworkSettings as NetworkSettings
const failure = (...args: readonly string[]): string => {
  const { status, stderr } = dock.run(...args)
  assert.is(status, 1, `${args.join(' ')}: ${stderr}`)
  return stderr.replace(/^tsdock: /, '').trim()
}
/** Its output must not be the pipe of a test, which a container would keep open. */
const start = (...args: readonly string[]): void => {
  dock.must('create', ...args)
  const name = args[args.indexOf('--name') + 1] ?? ''
  const { status, stderr } = dock.run('start', name)
  assert.is(status, 0, stderr)
}

const lacks = networkTestsNeed()
if (lacks !== undefined) process.stdout.write(`SKIP commands on networks: ${lacks}\n`)
else {
  test.before(() => buildBase(dock))
  test.after.each(() => {
    for (const id of out('ps', '-aq').trim().split('\n').filter(Boolean)) dock.must('rm', '-f', id)
    dock.must('network', 'prune', '-f')
  })
  test.after(() => {
    dock.must('system', 'prune', '-f')
  })

  test('a link gives a container a name of its own for another one', () => {
    out('network', 'create', 'back')
    start('--name', 'db', '--net', 'back', 'localhost/base', 'sleep', '300')
    const hosts = (...options: readonly string[]): string =>
      out('run', '--rm', '--net', 'back', ...options, 'localhost/base', 'cat', '/etc/hosts')
    const short = out('inspect', '-f', '{{.Id}}', 'db').slice(0, 12)
    assert.match(hosts('--link', 'db:postgres', '--link', 'db:db'), `\tdb db.back ${short} postgres\n`)
    assert.not.match(hosts(), 'postgres')
    const refused = (...options: readonly string[]): string => {
      const { status, stderr } = dock.run('run', '--rm', ...options, 'localhost/base', 'true')
      assert.is(status, 125, stderr)
      return stderr
    }
    assert.match(refused('--net', 'back', '--link', 'nobody'), 'No such container: nobody')
    assert.match(
      refused('--link', 'db:postgres'),
      'cannot link to the container db as postgres: the two are on no common',
    )
    assert.match(refused('--net', 'none', '--link', 'db'), 'conflicting options')
    dock.must('stop', '-t', '0', 'db')
    assert.match(refused('--net', 'back', '--link', 'db'), 'it does not run')
  })

  test('ps --filter publish means the port of the host', () => {
    start('--name', 'web', '-p', '127.0.0.1:0:80', 'localhost/base', 'sleep', '300')
    const port = out('port', 'web', '80').trim().split(':')[1] ?? ''
    const names = (filter: string): string => out('ps', '--filter', filter, '--format', '{{.Names}}').trim()
    assert.is(names(`publish=${port}`), 'web')
    assert.is(names(`publish=${port}/udp`), '')
    assert.is(names('publish=80'), '')
    assert.is(names('expose=80'), 'web')
    assert.match(out('ps', '-s'), /SIZE\n.* 0B \(virtual \d+(\.\d+)?MB\)\n$/)
  })

  test('inspect finds a network, and says when nothing has a name', () => {
    out('network', 'create', 'back')
    assert.is(out('inspect', '-f', '{{.Name}} {{.Driver}}', 'back').trim(), 'back bridge')
    assert.is(failure('inspect', 'nothing'), 'No such object: nothing')
    assert.is(failure('inspect', '--type', 'volume', 'nothing'), 'No such volume: nothing')
  })

  test('the first word alone shows what there is', () => {
    assert.match(out('network'), /^usage: tsdock network COMMAND\n(.*\n)* {2}network create +Make a network\n/)
    assert.is(out('network', '--help'), out('network'))
    const { status, stderr } = dock.run('network', 'explode')
    assert.is(status, 125)
    assert.match(stderr, '"network explode" is no command of tsdock (see: tsdock network)')
  })

  test('options that know one value', () => {
    assert.match(failure('network', 'create', '--scope', 'swarm', 'x'), 'there is "local" alone')
    assert.match(failure('network', 'create', '--ipam-driver', 'mine', 'x'), 'there is "default" alone')
    assert.match(failure('network', 'create', '--ipv4=false', 'x'), 'without IPv4')
    out('network', 'create', '--scope', 'local', '--ipam-driver', 'default', '--ipv4', '--attachable', 'plain')
    assert.is(inspect('plain').Scope, 'local')
  })

  test('create, ls, inspect and rm', () => {
    const id = out('network', 'create', '--label', 'tier=back', '--subnet', `${ownSubnet(2)}.0/24`, 'back').trim()
    assert.match(id, /^[0-9a-f]{64}$/)
    assert.is(failure('network', 'create', 'back'), 'network with name back already exists')
    assert.match(
      failure('network', 'create', '--subnet', `${ownSubnet(2)}.0/25`, 'other'),
      /Pool overlaps with other one/,
    )
    assert.match(failure('network', 'create', '--subnet', `${ownSubnet(2)}.0/33`, 'other'), /invalid CIDR address/)
    assert.match(failure('network', 'create', 'host'), /not permitted on predefined host network/)
    assert.match(
      out('network', 'ls'),
      new RegExp(
        `^NETWORK ID +NAME +DRIVER +SCOPE\n${id.slice(0, 12)} +back +bridge +local\n\\w+ +bridge +bridge +local\n\\w+ +host +host +local\n\\w+ +none +null +local\n$`,
      ),
    )
    assert.is(out('network', 'ls', '-q', '--no-trunc', '-f', 'label=tier=back'), `${id}\n`)
    assert.is(out('network', 'ls', '-f', 'type=custom', '--format', '{{.Name}} {{.Driver}}'), 'back bridge\n')
    assert.is(out('network', 'ls', '-f', 'dangling=true', '--format', '{{.Name}}'), 'back\n')
    assert.match(failure('network', 'ls', '-f', 'colour=red'), /invalid filter 'colour'/)
    const report = inspect(id.slice(0, 8))
    assert.is(report.Name, 'back')
    assert.equal(report.IPAM.Config, [{ Subnet: `${ownSubnet(2)}.0/24`, Gateway: `${ownSubnet(2)}.1` }])
    assert.equal(report.Labels, { tier: 'back' })
    assert.is(out('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', 'back'), `${ownSubnet(2)}.1\n`)
    const missing = dock.run('network', 'inspect', 'nothing')
    assert.equal([missing.status, missing.stdout, missing.stderr], [1, '[]\n', 'tsdock: network nothing not found\n'])
    const removed = dock.run('network', 'rm', 'nothing', 'back')
    assert.equal([removed.status, removed.stdout, removed.stderr], [1, 'back\n', 'tsdock: network nothing not found\n'])
    assert.is(out('network', 'rm', '-f', 'nothing'), '')
    assert.is(failure('network', 'rm', 'bridge'), 'bridge is a pre-defined network and cannot be removed')
    const events = readFileSync(join(dock.storage, 'events.log'), 'utf8')
    assert.match(events, /"Type":"network","Action":"create"/)
    assert.match(events, /"Type":"network","Action":"destroy"/)
  })

  test('containers find each other, come and go', () => {
    out('network', 'create', 'back')
    start('--name', 'db', '--network', 'back', '--network-alias', 'postgres', 'localhost/base', 'sleep', '1000')
    start('--name', 'web', 'localhost/base', 'sleep', '1000')
    const ping = (...args: readonly string[]): boolean => dock.run('exec', ...args).status === 0
    assert.not(ping('web', 'ping', '-c', '1', '-W', '1', 'postgres'))
    out('network', 'connect', '--alias', 'front', 'back', 'web')
    assert.ok(ping('web', 'ping', '-c', '1', '-W', '2', 'postgres'))
    assert.ok(ping('db', 'ping', '-c', '1', '-W', '2', 'front'))
    assert.equal(Object.keys(settingsOf('web').Networks).sort(), ['back', 'bridge'])
    assert.equal(
      Object.values(inspect('back').Containers)
        .map((one) => (one as { Name: string }).Name)
        .sort(),
      ['db', 'web'],
    )
    assert.match(failure('network', 'connect', 'back', 'web'), /endpoint with name web already exists in network back/)
    assert.match(failure('network', 'rm', 'back'), /network back has active endpoints \(name:"db" id:/)
    assert.is(out('network', 'prune', '-f'), '')
    out('network', 'disconnect', 'back', 'web')
    assert.not(ping('web', 'ping', '-c', '1', '-W', '1', 'postgres'))
    assert.match(failure('network', 'disconnect', 'back', 'web'), /is not connected to network back/)
    out('network', 'disconnect', '-f', 'back', 'web')
    dock.must('rm', '-f', 'db')
    assert.is(out('network', 'prune', '-f'), 'Deleted Networks:\nback\n\n')
  })

  test('a container that does not run is on its networks when it starts', () => {
    out('network', 'create', '--subnet', `${ownSubnet(3)}.0/24`, 'back')
    dock.must('create', '--name', 'web', 'localhost/base', 'sleep', '1000')
    out('network', 'connect', '--ip', `${ownSubnet(3)}.77`, 'back', 'web')
    assert.is(dock.run('start', 'web').status, 0)
    assert.is(settingsOf('web').Networks['back']?.IPAddress, `${ownSubnet(3)}.77`)
    dock.must('stop', '-t', '0', 'web')
    out('network', 'disconnect', 'bridge', 'web')
    assert.is(dock.run('start', 'web').status, 0)
    assert.equal(Object.keys(settingsOf('web').Networks), ['back'])
  })

  test('containers of the host join no other', () => {
    dock.must('create', '--name', 'hosted', '--network', 'host', 'localhost/base', 'true')
    dock.must('create', '--name', 'alone', '--network', 'none', 'localhost/base', 'true')
    assert.match(failure('network', 'connect', 'bridge', 'hosted'), /it has that of the host/)
    assert.match(failure('network', 'connect', 'bridge', 'alone'), /private \(none\) mode/)
  })
}

test.run()
