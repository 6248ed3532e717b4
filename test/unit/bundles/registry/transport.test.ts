// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { projectDir } from '../../../helpers/work-dir.ts'

/** Sends what ends only after the server has answered. Silence would be borne for a minute. */
const program = (url: string): string => `
import { send } from ${JSON.stringify(join(projectDir, 'bundles/registry/transport.ts'))}
let answered
const answer = new Promise((resolve) => { answered = resolve })
async function* body() {
  yield new Uint8Array([1])
  await answer
  await new Promise((resolve) => setTimeout(resolve, 50))
}
const got = await send(new URL(${JSON.stringify(url)}), { method: 'PATCH', headers: { 'Content-Length': '1' }, body: body(), timeoutMs: 60_000 })
await got.cancel()
answered()
`

test('what is still being sent when the answer is there keeps no program from ending', async () => {
  // It answers as soon as it has the one byte that was announced; the stream ends later.
  const early = createServer((socket) => {
    let got = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      got += chunk.toString('latin1')
      if (got.endsWith('\r\n\r\n\x01')) socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n')
    })
  })
  await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve))
  const { port } = early.address() as AddressInfo
  try {
    const child = spawn(process.execPath, ['-e', program(`http://127.0.0.1:${port}/`)], { stdio: 'inherit' })
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    const [status] = (await once(child, 'exit')) as [number | null]
    clearTimeout(timer)
    assert.is(status, 0, 'it did not end')
  } finally {
    early.close()
  }
})

test.run()
