// SPDX-License-Identifier: Apache-2.0
// In a network namespace of its own, that is a host which forwards nothing unless it is told to: what another machine gets
// from a published port, and whether a container gets out. Prints it.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ContainerStore } from '../../bundles/containers/container-store.ts'
import { makeNamespace } from '../../bundles/networks/net-program.ts'
import { Networks } from '../../bundles/networks/networks.ts'

const [directory = ''] = process.argv.slice(2)
const machine = join(directory, 'machine')
const peer = join(import.meta.dirname, 'net-peer.ts')

function must(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
  return stdout
}

async function serve(netns: string, label: string, port: number) {
  const args = [`--net=${netns}`, process.execPath, peer, 'serve', label, String(port)]
  const server = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(server.stdout, 'data')
  return server
}

await makeNamespace(machine)
must('ip', 'link', 'set', 'lo', 'up')
must('ip', 'link', 'add', 'here', 'type', 'veth', 'peer', 'name', 'there', 'netns', machine)
must('ip', 'address', 'add', '192.168.99.1/24', 'dev', 'here')
must('ip', 'link', 'set', 'here', 'up')
must('nsenter', `--net=${machine}`, 'ip', 'address', 'add', '192.168.99.2/24', 'dev', 'there')
must('nsenter', `--net=${machine}`, 'ip', 'link', 'set', 'there', 'up')
must('iptables', '-P', 'FORWARD', 'DROP')

const containers = new ContainerStore(directory)
const networks = new Networks({ directory, runtimeDirectory: join(directory, 'run'), containers })
const id = await containers.open()
const endpoint = { Aliases: [], IPv4Address: '', IPv6Address: '', MacAddress: '' }
const settings = await networks.setUp({
  id,
  name: 'web',
  hostname: 'web',
  attachments: { bridge: endpoint },
  ports: { '80/tcp': [{ HostIp: '', HostPort: '4000' }] },
  publishAll: false,
  exposed: [],
})
const servers = [await serve(settings.SandboxKey, 'web', 80), await serve(machine, 'machine', 81)]
const ask = (netns: string, host: string, port: number): string =>
  must('nsenter', `--net=${netns}`, process.execPath, peer, 'ask', 'tcp', host, String(port))
must('nsenter', `--net=${machine}`, 'ip', 'route', 'add', `${settings.IPAddress}/32`, 'via', '192.168.99.1')
const seen = {
  in: ask(machine, '192.168.99.1', 4000),
  out: ask(settings.SandboxKey, '192.168.99.2', 81),
  unpublished: '',
  local: '',
}
must('iptables', '-P', 'FORWARD', 'ACCEPT')
seen.unpublished = ask(machine, settings.IPAddress, 80)
// A container that sends what is for the host's own loopback device.
servers.push(await serve('/proc/self/ns/net', 'host', 82))
must('nsenter', `--net=${settings.SandboxKey}`, 'ip', 'address', 'delete', '127.0.0.1/8', 'dev', 'lo')
must('nsenter', `--net=${settings.SandboxKey}`, 'ip', 'route', 'add', '127.0.0.1/32', 'via', settings.Gateway)
seen.local = ask(settings.SandboxKey, '127.0.0.1', 82)
for (const server of servers) server.kill('SIGKILL')
await networks.tearDown(id)
await networks.removeIdleBridges()
const rules = must('iptables-save')
  .split('\n')
  .filter((line) => /tsdock|cni-forward/i.test(line))
process.stdout.write(`${JSON.stringify({ ...seen, rules })}\n`)
process.exit(0)
