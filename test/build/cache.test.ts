// SPDX-License-Identifier: Apache-2.0
// --cache-from and --cache-to: steps of another storage, by directories, registries and images.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { needsRegistry, type Registry, startRegistry } from '../helpers/registry.ts'
import { buildBase, Dock, newContext, nothingLeft, type Run } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const base = join(newDir('base-image'), 'base.tar')
/** Says something else each time that it is really run. */
const random = 'head -c 8 /dev/urandom'
const files = {
  Dockerfile: `FROM localhost/base AS tools
RUN ${random} > /tool; mkdir /of-tools
FROM localhost/base
ARG WHO=me
WORKDIR /srv
COPY a a
RUN echo $WHO > /who; ${random} > /srv/one
RUN true
COPY --from=tools /tool /tool
RUN ${random} > /srv/two
`,
  a: 'a',
}

/** A storage that has the base image alone. */
function freshDock(): Dock {
  const fresh = new Dock()
  fresh.must('load', '-i', base)
  return fresh
}

async function must(of: Dock, ...args: readonly string[]): Promise<Run> {
  const run = await of.runAsync(...args)
  assert.is(run.status, 0, `${args.join(' ')}: ${run.stderr}`)
  return run
}

const idOf = async (of: Dock, ...args: readonly string[]): Promise<string> =>
  (await must(of, 'build', '-q', ...args)).stdout.trim()

const missed = (run: Run): readonly string[] => run.stderr.split('\n').filter((line) => line.includes('not cached'))

const failure = (...args: readonly string[]): string => {
  const run = dock.run('build', ...args, newContext({ Dockerfile: 'FROM scratch\n' }))
  assert.is(run.status, 125)
  return run.stderr
}

test('a directory brings all steps along', async () => {
  const context = newContext(files)
  const [max, min] = [join(newDir('cache'), 'max'), join(newDir('cache'), 'min')]
  const to = [`--cache-to=type=local,dest=${max},mode=max`, `--cache-to=type=local,dest=${min}`]
  const id = await idOf(dock, ...to, context)
  const there = freshDock()
  assert.is(await idOf(there, '--fail-on-miss', '--cache-from', `type=local,src=${max}`, context), id)
  // What has been taken over is there, without the directory.
  rmSync(max, { recursive: true })
  assert.is(await idOf(there, '--fail-on-miss', context), id)
  nothingLeft(there)
  // By default, steps of other stages are no part of it.
  const other = freshDock()
  const run = await must(other, 'build', '--progress', 'plain', '--cache-from', `type=local,src=${min}`, context)
  assert.match(missed(run)[0] ?? '', /not cached/)
  assert.match(run.stderr, /CACHED/)
  assert.match(other.must('fsck').stdout, /in order/)
})

test('a cache is written anew, the same for the same', async () => {
  const context = newContext(files)
  const cache = join(newDir('cache'), 'c')
  const args = ['--cache-to', `type=local,dest=${cache},tag=t,mode=max`, context]
  await idOf(dock, ...args)
  const index = readFileSync(join(cache, 'index.json'), 'utf8')
  await idOf(dock, ...args)
  assert.is(readFileSync(join(cache, 'index.json'), 'utf8'), index)
  writeFileSync(join(context, 'a'), 'other')
  await idOf(dock, ...args)
  const { manifests } = JSON.parse(readFileSync(join(cache, 'index.json'), 'utf8')) as { manifests: unknown[] }
  assert.is(manifests.length, 1)
  const there = freshDock()
  await idOf(there, '--fail-on-miss', '--cache-from', `type=local,src=${cache},tag=t`, context)
  const wrong = await must(there, 'build', '--no-cache', '--cache-from', `type=local,src=${cache}`, context)
  assert.not.match(wrong.stderr, /warning.*cache-from/i)
  const absent = await must(there, 'build', '--cache-from', `type=local,src=${cache}`, context)
  assert.match(absent.stderr, /--cache-from type=local,src=.*: it holds no cache with the tag latest/)
})

test('a damaged cache is told, and not used', async () => {
  const context = newContext(files)
  const cache = join(newDir('cache'), 'c')
  await idOf(dock, '--cache-to', `type=local,dest=${cache},mode=max`, context)
  const blobs = join(cache, 'blobs/sha256')
  for (const name of readdirSync(blobs)) {
    const path = join(blobs, name)
    const bytes = readFileSync(path)
    // Layers alone: documents begin with a brace.
    if (bytes[0] !== 0x7b) writeFileSync(path, Buffer.concat([bytes.subarray(0, -1), Buffer.from('x')]))
  }
  const there = freshDock()
  const run = await must(there, 'build', '--cache-from', `type=local,src=${cache}`, context)
  assert.match(run.stderr, /--cache-from type=local,src=.*: a blob has the digest sha256:/)
  assert.match(there.must('fsck').stdout, /in order/)
})

test('RUN is taken from an image whose history and layers match', async () => {
  const context = newContext({
    ...files,
    Dockerfile: files.Dockerfile.replace('COPY --from=tools /tool /tool\n', ''),
  })
  const id = await idOf(dock, '-t', 'localhost/app', context)
  const archive = join(newDir('app'), 'app.tar')
  dock.must('save', '-o', archive, 'localhost/app')
  const there = freshDock()
  there.must('load', '-i', archive)
  assert.is(await idOf(there, '--cache-from', 'localhost/nowhere,localhost/app', context), id)
  // A file is not the same: what lies on it is not, either.
  writeFileSync(join(context, 'a'), 'b')
  const changed = await must(there, 'build', '--progress', 'plain', '--cache-from', 'localhost/app', context)
  assert.is(missed(changed).length, 4)
  writeFileSync(join(context, 'a'), 'a')
  // Nor is one with another argument, network or text.
  for (const args of [
    ['--build-arg', 'WHO=you'],
    ['--network', 'none'],
  ]) {
    const fresh = freshDock()
    fresh.must('load', '-i', archive)
    assert.is.not(await idOf(fresh, '--cache-from', 'localhost/app', ...args, context), id)
  }
})

test('a bind mount is nothing that a history tells', async () => {
  const context = newContext({
    Dockerfile: `FROM localhost/base\nRUN --mount=type=bind,target=/c cp /c/a /a; ${random} > /r\n`,
    a: 'a',
  })
  const id = await idOf(dock, '-t', 'localhost/bind', context)
  const archive = join(newDir('bind'), 'bind.tar')
  dock.must('save', '-o', archive, 'localhost/bind')
  const there = freshDock()
  there.must('load', '-i', archive)
  assert.is.not(await idOf(there, '--cache-from', 'localhost/bind', context), id)
})

test('what there is not', () => {
  assert.match(failure('--cache-from', 'type=gha'), /--cache-from type=gha: there are the types registry, local\n/)
  assert.match(failure('--cache-to', 'type=s3,bucket=x'), /there are the types registry, local, inline\n/)
  assert.match(failure('--cache-from', 'type=local,dest=x'), /type=local knows no dest \(there are: type, src, tag\)/)
  assert.match(failure('--cache-from', 'type=registry'), /ref= is missing/)
  assert.match(failure('--cache-to', 'type=local,dest=x,mode=most'), /the mode is min or max/)
  const bad = dock.run('build', '--cache-from', 'Not/A name', newContext({ Dockerfile: 'FROM scratch\n' }))
  assert.match(bad.stderr, /invalid reference format/)
})

let registry: Registry | undefined

test('a registry brings all steps along', async () => {
  const lacks = needsRegistry()
  if (lacks !== undefined) return void process.stdout.write(`SKIP cache: a registry: ${lacks}\n`)
  registry = await startRegistry()
  const ref = `${registry.host}/me/app`
  const context = newContext(files)
  const id = await idOf(dock, '--cache-to', `type=registry,ref=${ref}:cache,mode=max`, context)
  assert.is(await idOf(freshDock(), '--fail-on-miss', '--cache-from', `type=registry,ref=${ref}:cache`, context), id)
  // An image there is a cache as well, also for several platforms.
  const single = newContext({ Dockerfile: `FROM localhost/base\nRUN ${random} > /r\n` })
  const platform = `linux/${hostPlatform().architecture}`
  const built = await idOf(dock, '--cache-to', 'type=inline', '-t', `${ref}:v1`, single)
  await must(dock, 'push', '-q', `${ref}:v1`)
  const there = freshDock()
  assert.is(await idOf(there, '--fail-on-miss', '--platform', platform, '--cache-from', `${ref}:v1`, single), built)
  // One that is not there, or does not answer, is no reason to fail; to write is.
  const warned = await must(there, 'build', '--cache-from', `${ref}:none`, single)
  assert.match(warned.stderr, /--cache-from .*:none: .*404/)
  const host = registry.host
  await registry.stop()
  registry = undefined
  const lost = await there.runAsync('build', '--cache-to', `type=registry,ref=${host}/me/x`, single)
  assert.is(lost.status, 1)
  assert.match(lost.stderr, /--cache-to type=registry,ref=.*: .*cannot reach/)
  const ignored = await must(there, 'build', '--cache-to', `type=registry,ref=${host}/me/x,ignore-error=true`, single)
  assert.match(ignored.stderr, /--cache-to type=registry,ref=.*: .*cannot reach/)
})

if (process.getuid?.() !== 0) process.stdout.write('SKIP cache of builds: needs root\n')
else {
  test.before(() => {
    buildBase(dock)
    dock.must('save', '-o', base, 'localhost/base')
  })
  test.after(async () => {
    await registry?.stop()
    nothingLeft(dock)
  })
  test.run()
}
