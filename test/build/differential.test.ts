// SPDX-License-Identifier: Apache-2.0
// Each Dockerfile of cases.ts is built by tsdock and by buildah; trees and configurations are compared. All of them with
// `npm run test:build`, every eighth one otherwise.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type TarHeader, TarReader } from '../../bundles/layers/tar-read.ts'
import { buildBase, Dock, runProgram, writeFiles } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'
import { type BuildCase, cases } from './cases.ts'

const storage = mkdtempSync(join(tmpdir(), 'tsdock-buildah-'))
process.on('exit', () => {
  // buildah leaves its store mounted, on itself.
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
  for (const point of points.toReversed()) if (point.startsWith(`${storage}/`)) spawnSync('umount', ['-l', point])
  rmSync(storage, { recursive: true, force: true })
})

const buildah = (...args: readonly string[]) =>
  runProgram('buildah', [
    '--root',
    join(storage, 'root'),
    '--runroot',
    join(storage, 'run'),
    '--storage-driver',
    'overlay',
    ...args,
  ])

function must(result: ReturnType<typeof runProgram>, what: string): string {
  if (result.status !== 0) throw new Error(`${what}: status ${result.status}: ${result.stderr}`)
  return result.stdout
}

/** Path -> what it is, in one line. Times are left out: tsdock makes them equal. */
function facts(tar: Buffer): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const contents = new Map<string, string>()
  let current: TarHeader | undefined
  let hash = createHash('sha256')
  const nameOf = (name: string): string => name.replace(/^\.?\//, '').replace(/\/$/, '')
  const close = (): void => {
    if (current === undefined) return
    const path = nameOf(current.name)
    const type = current.type === '1' ? '0' : current.type
    const digest = current.type === '1' ? (contents.get(nameOf(current.link)) ?? '?') : hash.digest('hex').slice(0, 12)
    contents.set(path, digest)
    const xattrs = [...current.xattrs].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`).sort()
    const link = type === '2' ? current.link : ''
    if (path !== '')
      found.set(
        path,
        [type, current.mode.toString(8), `${current.uid}:${current.gid}`, link, digest, ...xattrs].join(' '),
      )
  }
  const reader = new TarReader({
    header: (header) => {
      close()
      current = header
      hash = createHash('sha256')
    },
    data: (chunk) => void hash.update(chunk),
  })
  reader.push(tar)
  reader.finish()
  close()
  return found
}

/** What a runtime mounts on: each tool has its own idea of which of these an image keeps. */
const MOUNT_POINTS = /^(dev|proc|sys|run)(\/|$)|^etc\/(hosts|hostname|resolv\.conf|mtab)$|^run\/.containerenv$/

function withTsdock(dock: Dock, one: BuildCase, context: string, name: string) {
  const archive = join(newDir('out'), 'tree.tar')
  dock.must('build', '-t', name, ...(one.args ?? []), context)
  dock.must('build', '-o', `type=tar,dest=${archive}`, ...(one.args ?? []), context)
  const [described] = JSON.parse(dock.must('inspect', name).stdout) as { Config: Record<string, unknown> }[]
  return { tree: facts(must2('cat', archive)), config: described?.Config ?? {} }
}

const must2 = (program: string, ...args: readonly string[]): Buffer =>
  Buffer.from(must(runProgram(program, args), program), 'latin1')

function withBuildah(one: BuildCase, context: string, name: string) {
  must(
    buildah(
      'bud',
      '--isolation',
      'oci',
      '--runtime',
      '/usr/sbin/runc',
      '--network',
      'host',
      '--format',
      'docker',
      '-t',
      name,
      ...(one.args ?? []),
      context,
    ),
    'buildah bud',
  )
  const container = must(buildah('from', name), 'buildah from').trim()
  try {
    const mount = must(buildah('mount', container), 'buildah mount').trim()
    const tar = must2(
      'tar',
      '-C',
      mount,
      '--xattrs',
      '--xattrs-include=user.*',
      '--xattrs-include=security.capability',
      '--sort=name',
      '--format=pax',
      '-cf',
      '-',
      '.',
    )
    const inspected = JSON.parse(must(buildah('inspect', '--type', 'image', name), 'buildah inspect')) as {
      Docker: { config: Record<string, unknown> }
    }
    return { tree: facts(tar), config: inspected.Docker.config }
  } finally {
    buildah('rm', container)
  }
}

const CONFIG_KEYS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'OnBuild',
  'Shell',
] as const

function normal(config: Record<string, unknown>, key: (typeof CONFIG_KEYS)[number]): unknown {
  let value = config[key]
  if (key === 'WorkingDir' && (value === '/' || value === undefined)) value = ''
  if (key === 'Labels') {
    value = Object.fromEntries(
      Object.entries((value ?? {}) as Record<string, string>)
        .filter(([name]) => !name.startsWith('io.buildah.'))
        .sort(),
    )
  }
  const isEmpty =
    value === undefined ||
    value === null ||
    value === '' ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  return isEmpty ? null : value
}

function compare(ours: ReturnType<typeof withBuildah>, theirs: ReturnType<typeof withBuildah>): readonly string[] {
  const lines: string[] = []
  for (const path of [...new Set([...ours.tree.keys(), ...theirs.tree.keys()])].sort()) {
    if (MOUNT_POINTS.test(path)) continue
    const [mine, other] = [ours.tree.get(path), theirs.tree.get(path)]
    if (mine !== other) lines.push(`${path}: tsdock ${mine ?? 'nothing'}, buildah ${other ?? 'nothing'}`)
  }
  for (const key of CONFIG_KEYS) {
    const [mine, other] = [JSON.stringify(normal(ours.config, key)), JSON.stringify(normal(theirs.config, key))]
    if (mine !== other) lines.push(`config ${key}: tsdock ${mine}, buildah ${other}`)
  }
  return lines
}

const missing = ['buildah', 'runc'].find((program) => runProgram('which', [program]).status !== 0)
if (process.getuid?.() !== 0 || missing !== undefined) {
  process.stdout.write(`SKIP differential builds: ${missing === undefined ? 'needs root' : `${missing} is missing`}\n`)
} else {
  const dock = new Dock()
  test.before(() => {
    buildBase(dock)
    const archive = join(newDir('base'), 'base.tar')
    dock.must('save', '-o', archive, 'localhost/base')
    must(buildah('pull', `docker-archive:${archive}`), 'buildah pull')
  })
  const all = process.env['TSRUN_TEST_LONG'] === '1'
  for (const [i, one] of cases.entries()) {
    if (!all && i % 8 !== 1) continue
    test(one.name, () => {
      const context = writeFiles(newDir('context'), one.files ?? {})
      writeFileSync(join(context, 'Dockerfile'), one.dockerfile)
      one.prepare?.(context)
      const name = `localhost/case${i}`
      const lines = compare(withTsdock(dock, one, context, name), withBuildah(one, context, name))
      const unexplained = lines.filter((line) => !(one.differs ?? []).some(([pattern]) => pattern.test(line)))
      assert.equal(unexplained, [])
      const unused = (one.differs ?? []).filter(([pattern]) => !lines.some((line) => pattern.test(line)))
      assert.equal(unused, [], 'differences that are no more')
      buildah('rmi', name)
    })
  }
}

test.run()
