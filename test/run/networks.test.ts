// SPDX-License-Identifier: Apache-2.0
// Networks of containers on the real host: bridges, addresses, published ports, names.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DockError } from '../../bundles/error.ts'
import { NetHost, networkTestsNeed, ownPort, ownSubnet } from '../helpers/networks.ts'
import { newDir, projectDir } from '../helpers/work-dir.ts'

const host = new NetHost()

const create = (name: string, changes: object = {}) =>
  host.networks.store.create({
    name,
    driver: 'bridge',
    internal: false,
    options: {},
    labels: {},
    subnets: [],
    gateways: [],
    ranges: [],
    ipv6: false,
    ...changes,
  })

async function failure(job: Promise<unknown>): Promise<string> {
  const e = await job.then(
    () => new Error('it did not fail'),
    (cause: unknown) => cause,
  )
  assert.instance(e, DockError, String(e))
  return (e as Error).message
}

/** An address of this host that others see. */
const outer = (family: 'IPv4' | 'IPv6'): string | undefined =>
  Object.entries(networkInterfaces())
    .filter(([name]) => /^e/.test(name))
    .flatMap(([, list]) => list ?? [])
    .find((one) => one.family === family && !one.internal && !one.address.startsWith('fe80'))?.address

const lacks = networkTestsNeed()
if (lacks !== undefined) process.stdout.write(`SKIP networks of containers: ${lacks}\n`)
else {
  test.after.each(async () => {
    await host.end()
    for (const network of await host.networks.store.list()) {
      if (network.Name !== 'bridge') await host.networks.remove(network)
    }
  })

  test('the default network gives an address, a route, and a way out', async () => {
    const settings = await host.up('web')
    const { bridge } = settings.Networks
    assert.match(settings.IPAddress, /^(172|192|10)\./)
    assert.is(settings.IPAddress, bridge?.IPAddress)
    assert.is(settings.SandboxKey, host.networks.networkNamespacePath(host.ids.get('web') ?? ''))
    const links = JSON.parse(host.inside('web', 'ip', '-j', 'address')) as {
      readonly ifname: string
      readonly address: string
      readonly operstate: string
      readonly flags: readonly string[]
      readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[]
    }[]
    const [lo, eth0] = links
    assert.ok(lo?.flags.includes('UP'))
    assert.is(eth0?.ifname, 'eth0')
    assert.is(eth0?.address, settings.MacAddress)
    assert.is(eth0?.addr_info[0]?.local, settings.IPAddress)
    assert.is(eth0?.addr_info[0]?.prefixlen, settings.IPPrefixLen)
    assert.match(host.inside('web', 'ip', 'route'), `default via ${settings.Gateway} dev eth0`)
    assert.equal(await host.networks.settings(host.ids.get('web') ?? ''), settings)
    const address = outer('IPv4')
    if (address === undefined) return
    const server = spawn(process.execPath, ['test/helpers/net-peer.ts', 'serve', 'host', String(ownPort(0))])
    await once(server.stdout, 'data')
    try {
      // To an address of this host itself there is nothing to masquerade.
      assert.is(host.ask('web', 'tcp', address, ownPort(0)), `host ${settings.IPAddress}`)
    } finally {
      server.kill('SIGKILL')
    }
  })

  test('a published port is reached from everywhere', async () => {
    const settings = await host.up('web', {
      ports: {
        '80/tcp': [{ HostIp: '', HostPort: String(ownPort(1)) }],
        '80/udp': [{ HostIp: '', HostPort: String(ownPort(1)) }],
      },
      exposed: ['81/tcp'],
    })
    await host.up('other')
    await host.serve('web', 80)
    const v6 = [...readFileSync('/proc/net/if_inet6', 'utf8')].length > 0
    const binding = (HostIp: string) => ({ HostIp, HostPort: String(ownPort(1)) })
    const both = v6 ? [binding('0.0.0.0'), binding('::')] : [binding('0.0.0.0')]
    assert.equal(settings.Ports, { '80/tcp': both, '80/udp': both, '81/tcp': null })
    const addresses = [outer('IPv4'), outer('IPv6'), settings.Gateway].filter((one) => one !== undefined)
    for (const protocol of ['tcp', 'udp'] as const) {
      for (const address of ['127.0.0.1', ...(v6 ? ['::1'] : []), ...addresses]) {
        assert.match(
          host.ask(undefined, protocol, address, ownPort(1)),
          /^web /,
          `${protocol} ${address} from the host`,
        )
      }
      for (const address of addresses.filter((one) => !one.includes(':') || settings.GlobalIPv6Address !== '')) {
        assert.match(host.ask('other', protocol, address, ownPort(1)), /^web /, `${protocol} ${address} from another`)
        assert.match(host.ask('web', protocol, address, ownPort(1)), /^web /, `${protocol} ${address} from itself`)
      }
    }
  })

  test('a container without IPv6 is reached by it', async () => {
    await create('four')
    await host.up('web', { on: { four: {} }, ports: { '80/tcp': [{ HostIp: '', HostPort: String(ownPort(2)) }] } })
    await host.serve('web', 80)
    assert.match(host.ask(undefined, 'tcp', '::1', ownPort(2)), /^web /)
    const address = outer('IPv6')
    if (address !== undefined) assert.match(host.ask(undefined, 'tcp', address, ownPort(2)), /^web /)
  })

  test('the relay is small, may do nothing, and ends with the container', async () => {
    await host.up('web', { ports: { '80/tcp': [{ HostIp: '', HostPort: '' }] } })
    const relay = (await host.networks.sandboxes.read(host.ids.get('web') ?? ''))?.relay
    const status = readFileSync(`/proc/${relay?.pid}/status`, 'utf8')
    assert.ok(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) <= 300, status)
    assert.match(status, /CapEff:\s+0+\n/)
    assert.match(status, /NoNewPrivs:\s+1\n/)
    await host.down('web')
    assert.is(spawnSync('kill', ['-0', String(relay?.pid)]).status === 0 && !isZombie(relay?.pid ?? 0), false)
  })

  test('a port of one address is on that alone', async () => {
    const address = outer('IPv4')
    await host.up('web', { ports: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(ownPort(3)) }] } })
    await host.serve('web', 80)
    assert.match(host.ask(undefined, 'tcp', '127.0.0.1', ownPort(3)), /^web /)
    if (address !== undefined) assert.match(host.ask(undefined, 'tcp', address, ownPort(3)), /^failed/)
    assert.match(host.ask(undefined, 'tcp', '::1', ownPort(3)), /^failed/)
  })

  test('free ports are chosen, also from a range', async () => {
    const any = await host.up('a', {
      ports: { '80/tcp': [{ HostIp: '', HostPort: '' }] },
      publishAll: true,
      exposed: ['81/udp'],
    })
    const port = (key: string, of = any): number => Number(of.Ports[key]?.[0]?.HostPort)
    assert.ok(port('80/tcp') >= 1024)
    assert.ok(port('81/udp') >= 1024)
    const range = { ports: { '80/tcp': [{ HostIp: '', HostPort: `${ownPort(5)}-${ownPort(6)}` }] } }
    assert.is(port('80/tcp', await host.up('b', range)), ownPort(5))
    assert.is(port('80/tcp', await host.up('c', range)), ownPort(6))
    assert.is(await failure(host.up('d', range)), `all ports of ${ownPort(5)}-${ownPort(6)}/tcp on 0.0.0.0 are taken`)
  })

  test('a port that is taken: by whom', async () => {
    const wanted = { ports: { '80/tcp': [{ HostIp: '', HostPort: String(ownPort(7)) }] } }
    await host.up('web', wanted)
    assert.is(
      await failure(host.up('second', wanted)),
      `port ${ownPort(7)}/tcp on 0.0.0.0 is taken by the container web`,
    )
    await host.down('web')
    const server = createServer().listen(ownPort(7), '127.0.0.1')
    await once(server, 'listening')
    const name = readFileSync('/proc/self/comm', 'utf8').trim()
    try {
      assert.is(
        await failure(host.up('second', wanted)),
        `port ${ownPort(7)}/tcp on 0.0.0.0 is taken by ${name} (pid ${process.pid})`,
      )
    } finally {
      server.close()
      await once(server, 'close')
    }
    await host.up('second', wanted)
  })

  test('containers on a network find each other by name, while they run', async () => {
    await create('back')
    await create('front')
    const db = await host.up('db', { on: { back: { Aliases: ['postgres'] } } })
    const web = await host.up('web', { on: { front: {}, back: {} } })
    const file = host.hostsFile(host.ids.get('db') ?? '')
    const inode = statSync(file).ino
    const address = db.Networks['back']?.IPAddress ?? ''
    const webHosts = readFileSync(host.hostsFile(host.ids.get('web') ?? ''), 'utf8')
    const short = host.ids.get('db')?.slice(0, 12)
    assert.match(webHosts, `${address}\tdb db.back postgres ${short} db-host\n`)
    assert.match(readFileSync(file, 'utf8'), `${web.Networks['back']?.IPAddress}\tweb web.back`)
    assert.not.match(readFileSync(file, 'utf8'), web.Networks['front']?.IPAddress ?? 'none')
    await host.serve('db', 80)
    assert.is(host.ask('web', 'tcp', address, 80), `db ${web.Networks['back']?.IPAddress}`)
    // What the container itself has written stays.
    writeFileSync(file, readFileSync(file, 'utf8').replace('127.0.0.1\tlocalhost', '127.0.0.1\tlocalhost mine'))
    await host.down('web')
    assert.not.match(readFileSync(file, 'utf8'), 'web')
    assert.match(readFileSync(file, 'utf8'), 'localhost mine\n')
    assert.is(statSync(file).ino, inode)
  })

  test('networks do not reach each other', async () => {
    await create('back')
    await create('front')
    const db = await host.up('db', {
      on: { back: {} },
      ports: { '80/tcp': [{ HostIp: '', HostPort: String(ownPort(4)) }] },
    })
    await host.up('web', { on: { front: {} } })
    await host.serve('db', 80)
    assert.match(host.ask('web', 'tcp', db.Networks['back']?.IPAddress ?? '', 80), /^failed/)
    // What is published is for all.
    const address = outer('IPv4')
    if (address !== undefined) assert.match(host.ask('web', 'tcp', address, ownPort(4)), /^db /)
  })

  test('a container joins and leaves while it runs', async () => {
    await create('back')
    await host.up('db', { on: { back: {} } })
    const { ids } = host
    const before = await host.up('web')
    const id = ids.get('web') ?? ''
    const after = await host.networks.connect(id, 'back', {
      Aliases: ['w'],
      IPv4Address: '',
      IPv6Address: '',
      MacAddress: '',
    })
    assert.equal(Object.keys(after.Networks), ['bridge', 'back'])
    assert.match(host.inside('web', 'ip', 'address', 'show', 'eth1'), after.Networks['back']?.IPAddress ?? 'none')
    assert.match(host.inside('web', 'ip', 'route'), `default via ${before.Gateway} dev eth0`)
    assert.match(readFileSync(host.hostsFile(ids.get('db') ?? ''), 'utf8'), 'web web.back w ')
    assert.is(
      await failure(
        host.networks.connect(id, 'back', { Aliases: [], IPv4Address: '', IPv6Address: '', MacAddress: '' }),
      ),
      'endpoint with name web already exists in network back',
    )
    await host.networks.disconnect(id, 'back')
    assert.is(spawnSync('nsenter', [`--net=${before.SandboxKey}`, 'ip', 'link', 'show', 'eth1']).status, 1)
    assert.not.match(readFileSync(host.hostsFile(ids.get('db') ?? ''), 'utf8'), 'web')
    assert.equal(Object.keys((await host.networks.settings(id))?.Networks ?? {}), ['bridge'])
    assert.match(await failure(host.networks.disconnect(id, 'back')), /is not connected to network back/)
  })

  test('addresses that are asked for', async () => {
    await create('own', {
      subnets: [`${ownSubnet(0)}.0/24`],
      gateways: [`${ownSubnet(0)}.254`],
      ranges: [`${ownSubnet(0)}.128/28`],
    })
    const first = await host.up('a', { on: { own: {} } })
    assert.is(first.Networks['own']?.IPAddress, `${ownSubnet(0)}.128`)
    assert.is(first.Networks['own']?.Gateway, `${ownSubnet(0)}.254`)
    const fixed = { own: { IPv4Address: `${ownSubnet(0)}.130`, MacAddress: '02:42:0a:d5:07:82' } }
    const { own } = (await host.up('b', { on: fixed })).Networks
    assert.is(own?.IPAddress, `${ownSubnet(0)}.130`)
    assert.is(own?.MacAddress, '02:42:0a:d5:07:82')
    assert.is(
      await failure(host.up('c', { on: fixed })),
      `the address ${ownSubnet(0)}.130 on the network own: Address already in use`,
    )
    assert.is(
      await failure(host.up('c', { on: { own: { IPv4Address: '10.1.1.1' } } })),
      'invalid endpoint settings: no configured subnet of the network own contains the IP address 10.1.1.1',
    )
    assert.is(await failure(host.up('c', { on: { nowhere: {} } })), 'network nowhere not found')
  })

  test('nothing leads out of an internal network', async () => {
    await create('inner', { internal: true })
    const a = await host.up('a', { on: { inner: {} } })
    const b = await host.up('b', { on: { inner: {} }, ports: { '80/tcp': [{ HostIp: '', HostPort: '' }] } })
    assert.equal(b.Ports, {})
    assert.not.match(host.inside('a', 'ip', 'route'), 'default')
    await host.serve('b', 80)
    assert.is(host.ask('a', 'tcp', b.Networks['inner']?.IPAddress ?? '', 80), `b ${a.Networks['inner']?.IPAddress}`)
  })

  test('macvlan and ipvlan share a link of the host', async () => {
    const pair = [`tsrt${process.pid}a`, `tsrt${process.pid}b`] as const
    const made = spawnSync('ip', ['link', 'add', pair[0], 'type', 'veth', 'peer', 'name', pair[1]])
    if (made.status !== 0) throw new Error(made.stderr.toString())
    try {
      for (const name of pair) spawnSync('ip', ['link', 'set', name, 'up'])
      for (const driver of ['macvlan', 'ipvlan']) {
        await create(driver, { driver, subnets: [`${ownSubnet(1)}.0/24`], options: { parent: pair[0] } })
        const a = await host.up('a', { on: { [driver]: {} } }).catch((e: Error) => e)
        if (a instanceof Error) {
          assert.match(a.message, /operation not supported/)
          process.stdout.write(`SKIP ${driver}: the kernel has none\n`)
          continue
        }
        await host.up('b', { on: { [driver]: {} } })
        await host.serve('a', 80)
        assert.match(host.ask('b', 'tcp', a.Networks[driver]?.IPAddress ?? '', 80), /^a /, driver)
        await host.end()
        await host.networks.remove(await host.networks.find(driver))
      }
    } finally {
      spawnSync('ip', ['link', 'delete', pair[0]])
    }
  })

  test('a host that forwards nothing by itself lets published ports in, and containers out', () => {
    const script = join(projectDir, 'test/helpers/net-forward.ts')
    const command = ['--net', '--mount', process.execPath, script, newDir('forward')]
    const { status, stdout, stderr } = spawnSync('unshare', command, { encoding: 'utf8', timeout: 60_000 })
    assert.is(status, 0, stderr)
    const seen = JSON.parse(stdout) as {
      readonly in: string
      readonly out: string
      readonly unpublished: string
      readonly local: string
      readonly rules: readonly string[]
    }
    assert.is(seen.in, 'web 192.168.99.2')
    assert.is(seen.out, 'machine 192.168.99.1')
    assert.match(seen.unpublished, /^failed/)
    assert.match(seen.local, /^failed/)
    assert.equal(seen.rules, [])
  })

  test('two storages do not meet', async () => {
    const other = new NetHost()
    const ours = await host.networks.store.default()
    // Made while nothing of the first one is there to be seen.
    const theirs = await other.networks.store.default()
    assert.is(theirs.IPAM[0]?.Subnet, ours.IPAM[0]?.Subnet)
    assert.is.not(theirs.device, ours.device)
    const a = await host.up('a')
    const b = await other.up('b')
    assert.is.not(b.IPAddress, a.IPAddress)
    await host.serve('a', 80)
    assert.match(host.ask(undefined, 'tcp', a.IPAddress, 80), /^a /)
    await other.end()
  })

  test('without networks there is lo, and little is spent', async () => {
    await host.networks.sandboxes.open()
    const begin = performance.now()
    const settings = await host.up('alone', { on: {} })
    const cost = performance.now() - begin
    assert.equal(settings.Networks, {})
    assert.match(host.inside('alone', 'ip', '-br', 'link'), /^lo\s+UNKNOWN.*\n$/)
    assert.ok(cost < 100, `${cost} ms`)
  })

  test('fifty at once have addresses and ports of their own', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `many${i}`)
    for (const name of names) await host.id(name)
    const all = await Promise.all(
      names.map((name) => host.up(name, { ports: { '80/tcp': [{ HostIp: '', HostPort: '' }] } })),
    )
    assert.is(new Set(all.map(({ IPAddress }) => IPAddress)).size, 50)
    assert.is(new Set(all.map(({ Ports }) => Ports['80/tcp']?.[0]?.HostPort)).size, 50)
    await host.serve('many49', 80)
    const port = Number(all[49]?.Ports['80/tcp']?.[0]?.HostPort)
    assert.match(host.ask(undefined, 'tcp', '127.0.0.1', port), /^many49 /)
    assert.match(host.ask('many0', 'tcp', all[49]?.IPAddress ?? '', 80), /^many49 /)
    await host.endServers()
    await Promise.all(names.map((name) => host.down(name)))
  })
}

function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

test.run()
