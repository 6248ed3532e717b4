// SPDX-License-Identifier: Apache-2.0
// Contexts that are fetched: archives by URL, and git repositories from a server of plain files.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase, Dock, newContext, nothingLeft, runProgram } from '../helpers/tsdock.ts'

const dock = new Dock()
const missing =
  process.getuid?.() !== 0 ? 'needs root' : spawnSync('git', ['--version']).status !== 0 ? 'git is missing' : ''

if (missing !== '') process.stdout.write(`SKIP contexts that are fetched: ${missing}\n`)
else {
  test.before(() => buildBase(dock))

  test('a context from a git repository or a URL', async () => {
    const repository = newContext({
      'Dockerfile': 'FROM localhost/base\nCOPY a /a\n',
      'a': 'top',
      'sub/Dockerfile': 'FROM localhost/base\nCOPY a /a\n',
      'sub/a': 'below',
    })
    const git = (...args: readonly string[]): string => {
      const result = runProgram('git', [
        '-c',
        'user.email=t@example.com',
        '-c',
        'user.name=t',
        '-C',
        repository,
        ...args,
      ])
      if (result.status !== 0) throw new Error(`git ${args[0]}: ${result.stderr}`)
      return result.stdout.trim()
    }
    git('init', '-q')
    git('add', '-A')
    git('commit', '-q', '-m', 'x')
    git('tag', 'v1')
    git('update-server-info')
    const archive = spawnSync('tar', ['-C', repository, '--exclude=.git', '-czf', '-', '.']).stdout
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://x').pathname
      const file = join(repository, '.git', path.replace('/repo.git/', ''))
      if (path === '/ctx.tgz') response.end(archive)
      else if (path.startsWith('/repo.git/') && existsSync(file)) response.end(readFileSync(file))
      else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    const build = (where: string, name: string) => dock.runAsync('build', '-q', '-t', name, where)
    try {
      for (const [where, text] of [
        ['/ctx.tgz', 'top'],
        ['/repo.git', 'top'],
        [`/repo.git#${git('rev-parse', 'HEAD')}`, 'top'],
        ['/repo.git#v1:sub', 'below'],
      ] as const) {
        const { status, stderr } = await build(url + where, 'localhost/remote')
        assert.is(status, 0, `${where}: ${stderr}`)
        assert.is(dock.runImage('localhost/remote', 'cat', '/a'), text, where)
      }
      assert.match(
        (await build(`${url}/repo.git#nothing`, 'localhost/no')).stderr,
        /no branch, tag or commit "nothing"/,
      )
    } finally {
      server.close()
    }
    nothingLeft(dock)
  })
}

test.run()
