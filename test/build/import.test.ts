// SPDX-License-Identifier: Apache-2.0
// `import`: what export, tar and others write becomes an image.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { startServer } from '../helpers/http-server.ts'
import { buildBase, Dock, nothingLeft } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const dock = new Dock()

/** A root file system with busybox, as a tar. */
function rootTar(): Buffer {
  const root = newDir('root')
  spawnSync('mkdir', ['-p', join(root, 'bin')])
  spawnSync('cp', ['/bin/busybox', join(root, 'bin/busybox')])
  writeFileSync(join(root, 'greeting'), 'hello\n')
  return spawnSync('tar', ['-C', root, '-cf', '-', '.'], { maxBuffer: 64 << 20 }).stdout
}

test('a tar from standard input, with changes', () => {
  const made = dock.runWith(
    { input: rootTar() },
    ...['import', '-c', 'CMD ["/bin/busybox", "cat", "/greeting"]', '-c', 'ENV A=b', '-m', 'why', '-', 'imported:v1'],
  )
  assert.is(made.status, 0, made.stderr)
  assert.match(made.stdout, /^sha256:[0-9a-f]{64}\n$/)
  assert.is(dock.runImage('imported:v1'), 'hello\n')
  const [image] = JSON.parse(dock.must('inspect', 'imported:v1').stdout) as { Config: { Env: string[] } }[]
  assert.ok(image?.Config.Env.includes('A=b'))
  assert.match(dock.must('history', 'imported:v1').stdout, /why/)
})

test('a compressed file, without a name', () => {
  const file = join(newDir('tar'), 'root.tar.gz')
  writeFileSync(file, gzipSync(rootTar()))
  const id = dock.must('import', file).stdout.trim()
  assert.is(dock.runImage(id, '/bin/busybox', 'echo', 'x'), 'x\n')
})

test('from a URL, for another platform', async () => {
  const server = await startServer(({ url }, response) => {
    if (url !== '/root.tar') response.writeHead(404, 'Not Found')
    response.end(url === '/root.tar' ? gzipSync(rootTar()) : '')
  })
  try {
    const other = hostPlatform().architecture === 's390x' ? 'ppc64le' : 's390x'
    const args = ['--platform', `linux/${other}`, '-c', 'USER 7', `${server.base}/root.tar`, 'fetched:v1']
    const made = await dock.runAsync('import', ...args)
    assert.is(made.status, 0, made.stderr)
    const [image] = JSON.parse(dock.must('inspect', 'fetched:v1').stdout) as {
      Architecture: string
      Config: { User: string }
    }[]
    assert.equal([image?.Architecture, image?.Config.User], [other, '7'])
    assert.match(dock.must('history', 'fetched:v1').stdout, new RegExp(`Imported from ${server.base}/root.tar`))
    const missing = await dock.runAsync('import', `${server.base}/nope`)
    assert.is(missing.status, 1)
    assert.match(missing.stderr, /\/nope: 404 Not Found/)
  } finally {
    await server.stop()
  }
  const nobody = await dock.runAsync('import', `${server.base}/root.tar`)
  assert.is(nobody.status, 1)
  assert.match(nobody.stderr, /^tsdock: http:.*root\.tar: /)
  const wrong = dock.run('import', '--platform', 'linux/a/b/c', '-', 'wrong')
  assert.is(wrong.status, 1)
  assert.match(wrong.stderr, /platform/)
})

test('what is no tar makes no image', () => {
  const before = dock.must('images', '-aq').stdout
  const file = join(newDir('tar'), 'bad')
  for (const bytes of [Buffer.from('garbage'), rootTar().subarray(0, 5000), Buffer.from('BZh91AY')]) {
    writeFileSync(file, bytes)
    const made = dock.run('import', file, 'bad')
    assert.is(made.status, 1)
    assert.match(made.stderr, /^tsdock: .+\n$/)
  }
  assert.match(dock.run('import', '/nowhere').stderr, /open \/nowhere: no such file or directory/)
  assert.match(dock.run('import', '-c', 'RUN true', file).stderr, /run is not a valid change command/i)
  assert.is(dock.must('images', '-aq').stdout, before)
  nothingLeft(dock)
  assert.not.ok(readFileSync('/proc/self/mountinfo', 'utf8').includes(dock.storage))
})

if (process.getuid?.() !== 0) process.stdout.write('SKIP import: needs root\n')
else {
  buildBase(dock)
  test.run()
}
