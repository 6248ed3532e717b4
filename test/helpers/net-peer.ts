// SPDX-License-Identifier: Apache-2.0
// Talks over the network, in the namespace that it is started in. Messages go one way and come back with who sent them.
//   net-peer.ts serve LABEL PORT...     TCP and UDP on these ports; says `ready`
//   net-peer.ts ask tcp|udp HOST PORT   prints `LABEL ADDRESS-OF-THE-SENDER`, or `failed WHY`

import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'

const plain = (address: string): string => address.replace(/^::ffff:/, '')

async function serve(label: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined)
      socket.resume().once('end', () => socket.end(`${label} ${plain(socket.remoteAddress ?? '')}`))
    })
    await new Promise<void>((resolve) => server.listen(port, '::', resolve))
    for (const [type, address] of [
      ['udp4', '0.0.0.0'],
      ['udp6', '::'],
    ] as const) {
      const datagrams = createSocket({ type, ipv6Only: type === 'udp6' }).on('error', () => undefined)
      datagrams.on('message', (_, from) => {
        datagrams.send(`${label} ${from.address}`, from.port, from.address)
      })
      await new Promise<void>((resolve) => datagrams.bind(port, address, resolve))
    }
  }
  process.stdout.write('ready\n')
}

function askTcp(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, host, () => socket.end('hello'))
    socket.setTimeout(3000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (chunk) => {
      text += chunk.toString()
    })
    socket.once('error', reject).once('close', () => resolve(text))
  })
}

function askUdp(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    const timer = setTimeout(() => {
      socket.close()
      reject(new Error('no answer'))
    }, 3000)
    socket.once('message', (message) => {
      clearTimeout(timer)
      socket.close()
      resolve(message.toString())
    })
    socket.once('error', reject)
    socket.send('hello', port, host)
  })
}

const [verb = '', first = '', ...rest] = process.argv.slice(2)
if (verb === 'serve') await serve(first, rest.map(Number))
else {
  const [host = '', port = ''] = rest
  const answer = await (first === 'udp' ? askUdp : askTcp)(host, Number(port)).catch(
    (e: Error) => `failed ${e.message}`,
  )
  process.stdout.write(answer === '' ? 'failed: closed' : answer)
  process.exit(0)
}
