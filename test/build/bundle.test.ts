// SPDX-License-Identifier: Apache-2.0
// tsdock bundle: an image as a directory that any runtime takes.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { listTree } from '../helpers/tree.ts'
import { buildBase, Dock, newContext as context, nothingLeft, runProgram } from '../helpers/tsdock.ts'
import { newDir, projectDir } from '../helpers/work-dir.ts'

const dock = new Dock()

if (process.getuid?.() !== 0) {
  process.stdout.write('SKIP tsdock bundle: needs root\n')
} else {
  test.before(() => buildBase(dock))
  test.after(() => nothingLeft(dock))

  test('bundles run on any runtime', () => {
    const dir = context({
      Dockerfile:
        'FROM localhost/base\nUSER app:staff\nWORKDIR /w\nENV GREETING=hello\nENTRYPOINT ["/bin/sh", "-c"]\nCMD ["echo $GREETING; id -u; id -g; pwd"]\n',
    })
    dock.must('build', '-t', 'localhost/any', dir)
    for (const runtime of [join(projectDir, 'dist/bin/tsrun'), '/usr/sbin/runc', '/usr/bin/crun']) {
      if (!existsSync(runtime)) continue
      const bundle = join(newDir('bundle'), 'b')
      dock.must('bundle', 'localhost/any', bundle)
      const { stdout, stderr } = runProgram(runtime, [
        '--root',
        newDir('state'),
        'run',
        '--bundle',
        bundle,
        `any-${process.pid}`,
      ])
      // crun takes no hybrid hierarchy.
      if (/cgroups in hybrid mode not supported/.test(stderr)) continue
      assert.is(stdout, 'hello\n1000\n50\n/w\n', `${runtime}: ${stderr}`)
    }
  })

  test('a bundle of layers that are not unpacked is the same, and unpacks none', () => {
    const script = 'rm -r /a/gone && echo 2 > /a/file && mkdir /a/dir && ln /a/file /a/dir/link && chmod 700 /a'
    const dir = context({
      Dockerfile: `FROM localhost/base\nCOPY a /a\nRUN ${script}\n`,
      'a/gone/x': '',
      'a/file': '1',
    })
    dock.must('build', '-t', 'localhost/straight', dir)
    const tar = join(newDir('tar'), 'image.tar')
    dock.must('save', '-o', tar, 'localhost/straight')
    const other = new Dock()
    other.must('load', '-i', tar)
    const bundles = [dock, other].map((one) => {
      const bundle = join(newDir('bundle'), 'b')
      one.must('bundle', 'localhost/straight', bundle)
      return bundle
    })
    const [copied = [], unpacked = []] = bundles.map((one) => listTree(join(one, 'rootfs')).slice(1))
    assert.equal(unpacked, copied)
    assert.ok(copied.some((line) => line.startsWith('a/dir/link ')))
    assert.not.ok(existsSync(join(other.storage, 'layers')))
  })

  test('a bundle that fails leaves nothing', () => {
    const dir = context({ Dockerfile: 'FROM localhost/base\nUSER nobody-here\nCMD ["true"]\n' })
    dock.must('build', '-t', 'localhost/nobody', dir)
    const top = newDir('bundle')
    const { status, stderr } = dock.run('bundle', 'localhost/nobody', join(top, 'new/b'))
    assert.is(status, 1)
    assert.match(stderr, /nobody-here/)
    assert.is(dock.run('bundle', 'localhost/nobody', top).status, 1)
    assert.equal(readdirSync(top), [])
  })
}

test.run()
