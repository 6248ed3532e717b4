// SPDX-License-Identifier: Apache-2.0
// examples/helloworld, unchanged: its base image comes from a registry, which the test fills with a Debian that has Flask.
// With TSRUN_TEST_LONG=1 alone (npm run test:build): it unpacks a distribution.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Dock, runProgram, writeFiles } from '../helpers/tsdock.ts'
import { mark, newDir, projectDir } from '../helpers/work-dir.ts'

const skip = (): string | undefined => {
  if (process.env['TSRUN_TEST_LONG'] !== '1') return 'only in npm run test:build'
  if (process.getuid?.() !== 0) return 'needs root'
  return ['mmdebstrap', 'docker-registry']
    .map((name) => (spawnSync('which', [name]).status === 0 ? undefined : `${name} is missing`))
    .find((reason) => reason !== undefined)
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

async function startRegistry(): Promise<{ readonly port: number; readonly child: ChildProcess }> {
  const port = await freePort()
  const config = join(newDir('registry'), 'config.yml')
  writeFileSync(
    config,
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${newDir('blobs')}}}\nhttp: {addr: "127.0.0.1:${port}"}\nlog: {level: error}\n`,
  )
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' })
  for (let i = 0; i < 100; i++) {
    const up = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      () => true,
      () => false,
    )
    if (up) return { port, child }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  child.kill()
  throw new Error('docker-registry does not answer')
}

const reason = skip()
if (reason !== undefined) process.stdout.write(`SKIP examples/helloworld: ${reason}\n`)
else {
  test('the example builds from a registry, and answers', async () => {
    const { port, child } = await startRegistry()
    const scratch = mkdtempSync('/var/tmp/tsdock-python-')
    try {
      const tar = join(scratch, 'root.tar')
      const made = spawnSync(
        'mmdebstrap',
        ['--variant=minbase', '--include=python3-flask,python3-pip', 'trixie', tar],
        { encoding: 'utf8', timeout: 600_000 },
      )
      assert.is(made.status, 0, made.stderr)
      const dock = new Dock(join(scratch, 'storage'))
      const base = writeFiles(join(scratch, 'base'), {
        // pip of Debian has to be told that nothing else manages this image.
        Dockerfile: 'FROM scratch\nADD root.tar /\nENV PIP_BREAK_SYSTEM_PACKAGES=1\nCMD ["python3"]\n',
      })
      spawnSync('mv', [tar, join(base, 'root.tar')])
      dock.must('build', '-q', '-t', `localhost:${port}/library/python:3-slim`, base)
      dock.must('push', `localhost:${port}/library/python:3-slim`)
      // Another machine: all that it knows is where docker.io is mirrored.
      const other = new Dock(join(scratch, 'other'))
      const home = newDir('home')
      writeFileSync(
        join(home, 'tsdock.json'),
        JSON.stringify({ mirrors: { 'docker.io': [`http://127.0.0.1:${port}`] } }),
      )
      const built = other.runWith(
        { env: { XDG_CONFIG_HOME: home } },
        'build',
        '-t',
        'helloworld',
        join(projectDir, 'examples/helloworld'),
      )
      assert.is(built.status, 0, built.stderr)
      const bundle = join(scratch, 'bundle')
      other.must('bundle', 'helloworld', bundle)
      const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as {
        linux: { namespaces: { type: string }[] }
        process: { env: string[] }
      }
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network')
      const served = await freePort()
      config.process.env.push(`PORT=${served}`)
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
      const state = newDir('state')
      const id = `${mark}-hello`
      const tsrun = join(projectDir, 'dist/bin/tsrun')
      const log = join(scratch, 'log')
      const running = spawn(tsrun, ['--root', state, 'run', '--bundle', bundle, id], {
        stdio: ['ignore', openSync(log, 'w'), openSync(log, 'a')],
      })
      try {
        let page = ''
        for (let i = 0; i < 150 && page === ''; i++) {
          page = await fetch(`http://127.0.0.1:${served}/`).then(
            (answer) => answer.text(),
            () => '',
          )
          if (page === '') await new Promise((resolve) => setTimeout(resolve, 200))
        }
        assert.match(page, /Hello World!/, readFileSync(log, 'utf8'))
        assert.match(page, /Hostname:/)
      } finally {
        runProgram(tsrun, ['--root', state, 'delete', '--force', id])
        running.kill()
      }
    } finally {
      child.kill()
      rmSync(scratch, { recursive: true, force: true })
    }
    assert.not.ok(existsSync(scratch))
  })
}

test.run()
