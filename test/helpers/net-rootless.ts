// SPDX-License-Identifier: Apache-2.0
// As an ordinary user: gives a new user and network namespace a network, tries it, and takes it down. Prints what was seen.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { ContainerStore } from '../../bundles/containers/container-store.ts'
import { isAlive } from '../../bundles/networks/sandbox.ts'
import { Networks } from '../../bundles/networks/networks.ts'
import { type Carrier, setUpRootless } from '../../bundles/networks/rootless.ts'

const [directory = '', carrier = 'pasta', port = '45800'] = process.argv.slice(2)
const peer = join(import.meta.dirname, 'net-peer.ts')
const holder = spawn('unshare', ['-Urn', 'sleep', '60'], { stdio: 'ignore' })
const pid = holder.pid ?? 0
// Until it is in its namespaces.
while (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'sleep') await new Promise((r) => setTimeout(r, 5))

const inside = ['-t', String(pid), '-U', '-n', '--preserve-credentials']
const ask = (prefix: readonly string[], protocol: string, host: string, where = port): string => {
  const [program = '', ...args] = [...prefix, process.execPath, peer, 'ask', protocol, host, where]
  return spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 }).stdout
}
const networks = new Networks({
  directory,
  runtimeDirectory: join(directory, 'run'),
  containers: new ContainerStore(directory),
})
const request = (id: string, ports: object) => ({
  id: id.repeat(64),
  name: `user-${id}`,
  hostname: 'user',
  pid,
  ports: ports as never,
  publishAll: false,
  exposed: [],
})
const one = { HostIp: '', HostPort: port }
const options = { carriers: [carrier as Carrier] }
const failure = (ports: object): Promise<string> =>
  setUpRootless(networks.sandboxes, request('b', ports), options).then(
    () => 'it did not fail',
    (e: Error) => e.message,
  )

const seen: Record<string, unknown> = { failures: {} }
const up = await setUpRootless(networks.sandboxes, request('a', { '80/tcp': [one], '80/udp': [one] }), options)
const { relay, carrier: by } = (await networks.sandboxes.read('a'.repeat(64))) ?? {}
const server = spawn('nsenter', [...inside, process.execPath, peer, 'serve', 'user', '80'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
await once(server.stdout, 'data')
const own = Object.values(networkInterfaces()).flat()
const outer = own.find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? ''
seen['settings'] = up.settings
seen['tcp'] = ask([], 'tcp', '127.0.0.1')
seen['processes'] = [await isAlive(relay), await isAlive(by)]
seen['udp'] = ask([], 'udp', '127.0.0.1')
seen['udpOuter'] = ask([], 'udp', outer)
seen['udpSix'] = ask([], 'udp', '::1')
seen['outer'] = outer === '' ? 'user' : ask([], 'tcp', outer)
seen['six'] = ask([], 'tcp', '::1')
seen['route'] = spawnSync('nsenter', [...inside, 'ip', 'route'], { encoding: 'utf8' }).stdout
seen['taken'] = await failure({ '80/tcp': [one] })
seen['low'] = await failure({ '80/tcp': [{ HostIp: '', HostPort: '81' }] })
const start = performance.now()
await networks.tearDown('a'.repeat(64))
seen['down'] = performance.now() - start
seen['alive'] = (await isAlive(relay)) || (await isAlive(by))
seen['after'] = ask([], 'tcp', '127.0.0.1')
for (const child of [server, holder]) child.kill('SIGKILL')
process.stdout.write(`${JSON.stringify(seen)}\n`)
process.exit(0)
