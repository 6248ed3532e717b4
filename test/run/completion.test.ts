// SPDX-License-Identifier: Apache-2.0
// What the shells themselves make of the scripts of `completion`.

import { spawnSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase, Dock, tsdockPath } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const bin = newDir('bin')
symlinkSync(tsdockPath, join(bin, 'tsdock'))

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0

function shell(name: string, script: string): readonly string[] {
  const { status, stdout, stderr } = spawnSync(name, ['-c', script], {
    encoding: 'utf8',
    cwd: newDir('cwd'),
    env: { PATH: `${bin}:${process.env['PATH']}`, HOME: newDir('home'), TSDOCK_ROOT: dock.storage },
  })
  assert.is(status, 0, stderr)
  return stdout.split('\n').filter((line) => line !== '')
}

/** What is offered after a command line, of which the last word is being typed. */
const offered: Readonly<Record<string, (words: readonly string[]) => readonly string[]>> = {
  bash: (words) =>
    shell(
      'bash',
      `source <(tsdock completion bash); COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
      COMP_CWORD=${words.length - 1}; _tsdock; printf '%s\n' "\${COMPREPLY[@]}"`,
    ),
  fish: (words) => shell('fish', `tsdock completion fish | source; complete -C '${words.join(' ')}'`),
}

if (process.getuid?.() !== 0) process.stdout.write('SKIP completion: needs root\n')
else {
  test.before(() => {
    buildBase(dock)
    dock.must('create', '--name', 'web', 'localhost/base')
    dock.must('volume', 'create', 'kept')
    dock.must('network', 'create', 'back')
  })
  test.after(() => {
    dock.must('rm', 'web')
    dock.must('network', 'rm', 'back')
  })
  for (const [name, after] of Object.entries(offered)) {
    if (!has(name)) {
      process.stdout.write(`SKIP completion of ${name}: it is missing\n`)
      continue
    }
    test(name, () => {
      assert.equal([...after(['tsdock', 'unp'])], ['unpause'])
      assert.equal([...after(['tsdock', 'network', 'disc'])], ['disconnect'])
      assert.equal([...after(['tsdock', 'run', '--network-'])], ['--network-alias'])
      assert.equal(
        [...after(['tsdock', 'stop', ''])].filter((one) => !one.startsWith('-')),
        ['web'],
      )
      assert.equal([...after(['tsdock', 'run', '--rm', 'local'])], ['localhost/base:latest'])
      assert.equal([...after(['tsdock', 'volume', 'rm', 'k'])], ['kept'])
      assert.equal([...after(['tsdock', 'network', 'rm', 'ba'])].sort(), ['back'])
    })
  }
  if (!has('zsh')) process.stdout.write('SKIP completion of zsh: it is missing\n')
  else {
    test('zsh takes its script', () => {
      const script = 'autoload -U compinit; compinit -u; source <(tsdock completion zsh); print ${_comps[tsdock]}'
      assert.equal([...shell('zsh', script)], ['_tsdock'])
    })
  }
  test('another shell has none', () => {
    assert.match(dock.run('completion', 'tcsh').stderr, 'no completion for "tcsh" (there are: bash, zsh, fish)')
  })
}

test.run()
