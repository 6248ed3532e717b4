// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface FakeServer {
  readonly base: string
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** All requests so far. */
  readonly seen: readonly Seen[]
  stop(): Promise<void>
}

export type Handler = (request: Seen, response: ServerResponse) => void | Promise<void>

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

/** A server that does as it is told, and writes down what it was asked. */
export async function startServer(handler: Handler): Promise<FakeServer> {
  const seen: Seen[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('error', () => undefined)
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(parts).toString('latin1'),
      }
      seen.push(one)
      void Promise.resolve(handler(one, response)).catch((e: unknown) => response.destroy(e as Error))
    })
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const port = await listen(server)
  return {
    base: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    seen,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Answers in one go. */
export function answer(
  response: ServerResponse,
  status: number,
  body: string | Buffer | object = '',
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  response.writeHead(status, { 'Content-Length': String(bytes.length), ...headers })
  response.end(bytes)
}
