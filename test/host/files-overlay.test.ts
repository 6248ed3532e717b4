// SPDX-License-Identifier: Apache-2.0
// Overlays that `tsdock-files` mounts for its commands, and for a program that it runs.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { findProgram, type OverlayMount, read, walk } from '../../bundles/host/files.ts'
import { decodeEntries } from '../../bundles/layers/frame.ts'
import { hostSuite } from '../helpers/suite.ts'
import { readTar } from '../helpers/tar.ts'
import { applyItems, type Item, packed, needsPython } from '../helpers/tree.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('tsdock-files overlays', [needsPython])

const file = (path: string, contents = ''): Item => ({ type: 'file', path, contents })

/** Runs the program itself. */
const files = (...args: readonly string[]) =>
  spawnSync(findProgram('tsdock-files'), args, { encoding: 'utf8', timeout: 60_000 })

/** Layers, with a place to mount them. */
function overlayDirs(prefix = 'overlay'): { readonly top: string; readonly mount: OverlayMount } {
  const top = newDir(prefix)
  const path = (name: string): string => {
    mkdirSync(join(top, name), { recursive: true })
    return join(top, name)
  }
  return {
    top,
    mount: {
      target: path('merged'),
      upper: { directory: path('upper'), work: path('work') },
      lower: [path('high'), path('low')],
    },
  }
}

test('layers as apply makes them are what overlay shows, and what it makes is what pack reads', async () => {
  const { mount } = overlayDirs()
  const [high = '', low = ''] = mount.lower
  await applyItems(low, [
    file('a', 'low'),
    file('gone', 'x'),
    file('opaque/old'),
    file('dir/old'),
    file('kept/x', 'kept'),
  ])
  await applyItems(high, [
    file('a', 'high'),
    { type: 'whiteout', path: 'gone' },
    { type: 'opaque', path: 'opaque' },
    file('opaque/new'),
    { type: 'whiteout', path: 'dir' },
    file('dir/new'),
  ])
  const paths = decodeEntries(await walk(mount.target, '', { overlays: [mount] })).map(({ path }) => path)
  assert.equal(paths, ['', 'a', 'dir', 'dir/new', 'kept', 'kept/x', 'opaque', 'opaque/new'])
  assert.is(String(await read(mount.target, 'a', { overlays: [mount] })), 'high')
  assert.equal(readdirSync(mount.target), [], 'nothing is mounted for others')

  const { upper } = mount
  const script =
    'cd "$0" && rm a && rm -r kept && mkdir kept && echo 1 > kept/new && mkdir -m 1777 tmp && rm -r opaque && mv dir/new moved'
  const args = [
    'run',
    `--target=${mount.target}`,
    `--upper=${upper?.directory}`,
    `--work=${upper?.work}`,
    ...mount.lower.map((one) => `--lower=${one}`),
    '--',
    'sh',
    '-c',
    script,
    mount.target,
  ]
  const ran = files(...args)
  assert.is(ran.status, 0, ran.stderr)
  const tar = await packed(upper?.directory ?? '')
  assert.equal(
    readTar(tar).map(({ name }) => name),
    ['.wh.a', 'dir/', 'dir/.wh.new', 'kept/', 'kept/.wh..wh..opq', 'kept/new', 'moved', '.wh.opaque', 'tmp/'],
  )
})

test('a program that runs beside an overlay: its status, and the limits it was called with', async () => {
  const { mount } = overlayDirs()
  const target = [`--target=${mount.target}`, ...mount.lower.map((one) => `--lower=${one}`)]
  assert.is(files('run', ...target, '--', 'sh', '-c', 'exit 42').status, 42)
  const limit = spawnSync(
    'sh',
    [
      '-c',
      'ulimit -Sn 200; exec "$@"',
      '-',
      findProgram('tsdock-files'),
      'run',
      ...target,
      '--',
      'sh',
      '-c',
      'ulimit -Sn; ls -l /proc/self/fd | wc -l',
    ],
    { encoding: 'utf8' },
  )
  assert.equal(limit.stdout.trim().split(/\s+/), ['200', '5'])
  assert.match(
    files('run', ...target, '--', '/no/such/program').stderr,
    /execvp "\/no\/such\/program": no such file or directory \(ENOENT\)/,
  )
})

for (const old of [false, true]) {
  const flags = old ? ['--old-mount'] : []
  const how = old ? 'by mount(2), as before Linux 6.5' : 'layer by layer'

  test(`overlays ${how}: names that would have to be escaped, or are long`, async () => {
    const { top, mount } = overlayDirs(`we,ird:na\\me=x ${'l'.repeat(200)}`)
    assert.ok(mount.lower[0] !== undefined && mount.lower[0].length > 200)
    const deep = join(top, 'x'.repeat(200), 'y'.repeat(200))
    mkdirSync(deep, { recursive: true })
    writeFileSync(join(deep, 'deep'), 'found')
    writeFileSync(join(mount.lower[1] ?? '', 'low'), 'low')
    const lower = [deep, ...mount.lower].map((one) => `--lower=${one}`)
    const args = [
      'run',
      ...flags,
      `--target=${mount.target}`,
      `--upper=${mount.upper?.directory}`,
      `--work=${mount.upper?.work}`,
      ...lower,
    ]
    const ran = files(...args, '--', 'sh', '-c', 'cd "$0" && cat deep low && echo new > new', mount.target)
    assert.is(ran.stdout, 'foundlow', ran.stderr)
    assert.equal(readdirSync(mount.upper?.directory ?? ''), ['new'])
    assert.is(readFileSync(join(mount.upper?.directory ?? '', 'new'), 'utf8'), 'new\n')
  })

  test(`overlays ${how}: hundreds of layers`, async () => {
    const top = newDir('layers')
    const layers = Array.from({ length: 300 }, (_, i) => join(top, `${i}`.padStart(64, '0'), 'diff'))
    for (const [i, layer] of layers.entries()) {
      mkdirSync(layer, { recursive: true })
      writeFileSync(join(layer, 'top'), String(i))
    }
    const target = newDir('merged')
    const ran = spawnSync(
      'sh',
      [
        '-c',
        'ulimit -Sn 64; exec "$@"',
        '-',
        findProgram('tsdock-files'),
        'read',
        ...flags,
        `--target=${target}`,
        ...layers.map((one) => `--lower=${one}`),
        '--',
        target,
        'top',
      ],
      { encoding: 'utf8' },
    )
    assert.is(ran.stdout, '0', ran.stderr)
  })

  test(`overlays ${how}: what cannot be mounted is told`, async () => {
    const { mount } = overlayDirs()
    const call = (...args: readonly string[]) => files('walk', ...flags, ...args, '--', mount.target, '').stderr
    assert.match(
      call(`--target=${mount.target}`, '--lower=/no/such'),
      /open "\/no\/such": no such file or directory \(ENOENT\)/,
    )
    assert.match(call('--target=/no/such', ...mount.lower.map((one) => `--lower=${one}`)), /mount overlay "\/no\/such"/)
    const upper = [`--upper=${mount.upper?.directory}`, `--work=/proc`]
    assert.match(call(`--target=${mount.target}`, `--lower=${mount.lower[0]}`, ...upper), /overlay/)
    assert.match(call('--lower=/x'), /an overlay without --target/)
  })
}

test('more layers than the kernel takes are told', async () => {
  const { mount } = overlayDirs()
  const layers = (count: number): readonly string[] => Array.from({ length: count }, () => `--lower=${mount.lower[0]}`)
  for (const flags of [[], ['--old-mount']])
    assert.match(
      files('walk', ...flags, `--target=${mount.target}`, ...layers(1000), '--', mount.target, '').stderr,
      /overlay.*EINVAL/,
    )
  assert.match(
    files('walk', `--target=${mount.target}`, ...layers(1001), '--', mount.target, '').stderr,
    /more than 1000 layers/,
  )
})

run()
