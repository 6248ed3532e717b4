// SPDX-License-Identifier: Apache-2.0
// `pull` and `push` of all tags, and of one platform, in a registry of one's own.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { needsRegistry, type Registry, startRegistry } from '../helpers/registry.ts'
import { Dock, newContext } from '../helpers/tsdock.ts'

const dock = new Dock()
const own = hostPlatform().architecture
const other = own === 's390x' ? 'ppc64le' : 's390x'
const context = newContext({ Dockerfile: 'FROM scratch\nARG X\nLABEL x=$X\nCOPY a /a\n', a: 'a' })

let registry: Registry
let app = ''

async function must(of: Dock, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await of.runAsync(...args)
  assert.is(status, 0, `${args.join(' ')}: ${stderr}`)
  return stdout
}

async function failure(of: Dock, ...args: readonly string[]): Promise<string> {
  const { status, stderr } = await of.runAsync(...args)
  assert.ok(status !== 0, args.join(' '))
  return stderr
}

test('build --push sends the image, whose digest there inspect and images know', async () => {
  const name = `${app}-one:pushed`
  await must(dock, 'build', '-q', '--push', '--provenance=false', '-t', name, '-t', `${app}-two:pushed`, context)
  const there = new Dock()
  const digest = /Digest: (sha256:[0-9a-f]{64})/.exec(await must(there, 'pull', name))?.[1]
  const digests = (of: Dock): string => of.must('inspect', '-f', '{{json .RepoDigests}}', name).stdout.trim()
  assert.is(digests(there), `["${app}-one@${digest}"]`)
  assert.is(digests(dock), `["${app}-one@${digest}","${app}-two@${digest}"]`)
  assert.match(dock.must('images', '--digests', name).stdout, digest ?? '')
  await must(there, 'pull', `${app}-two@${digest}`)
  // Another image has the name now, which no registry has got.
  dock.must('build', '-q', '--build-arg', 'X=later', '-t', name, context)
  assert.is(digests(dock), '[]')
  assert.match(dock.must('images', '--digests', name).stdout, /pushed +<none>/)
  await must(dock, 'build', '-q', '-o', 'type=registry', '-t', name, context)
  await must(there, 'pull', name)
  assert.is(digests(there), digests(dock))
})

test('pushes that cannot be', async () => {
  assert.match(await failure(dock, 'build', '--push', context), 'a push needs a name')
  assert.match(await failure(dock, 'build', '--push', '-t', app, '-o', 'type=tar,dest=x', context), 'asks for tar')
  assert.match(await failure(dock, 'build', '--load', '-o', 'type=tar,dest=x', context), 'asks for tar')
  assert.match(await failure(dock, 'build', '-o', 'type=tar,dest=x,push=true', context), 'goes with type=image')
  assert.match(await failure(dock, 'build', '--sbom=true', context), '--sbom true: none are made here')
})

test('all tags are sent, and fetched', async () => {
  for (const tag of ['v1', 'v2', 'latest'])
    dock.must('build', '-q', '--build-arg', `X=${tag}`, '-t', `${app}:${tag}`, context)
  dock.must('tag', `${app}:v1`, `${app}-other:v9`)
  const sent = await must(dock, 'push', '-a', app)
  assert.equal(
    sent.split('\n').map((line) => line.replace(/ sha256:.*/, '')),
    ['v1: digest:', 'v2: digest:', 'latest: digest:', ''],
  )
  const there = new Dock()
  const names = ['latest', 'v1', 'v2'].map((tag) => `${app}:${tag}\n`)
  assert.is(await must(there, 'image', 'pull', '-q', '--all-tags', app), names.join(''))
  assert.equal(there.must('images', '--format', '{{.Tag}}', app).stdout.split('\n').sort(), ['', 'latest', 'v1', 'v2'])
  assert.match(await must(there, 'pull', '-a', app), /up to date for .*:v1\n/)
})

test('one tag and all of them do not go together', async () => {
  for (const command of ['pull', 'push']) {
    assert.match(await failure(dock, command, '-a', `${app}:v1`), /tag can't be used with --all-tags\/-a/)
  }
  assert.match(
    await failure(dock, 'push', '-a', `${app}-none`),
    /an image does not exist locally with the tag: .*-none/,
  )
  assert.match(await failure(dock, 'pull', '-a', `${app}-none`), /me\/app-none/)
})

test('one platform is sent alone', async () => {
  dock.must('build', '-q', '--platform', `linux/${own},linux/${other}`, '-t', `${app}:all`, context)
  const index = (await must(dock, 'push', '-q', `${app}:all`)).trim()
  dock.must('tag', `${app}:all`, `${app}:one`)
  const one = (
    await must(dock, 'image', 'push', '-q', '--platform', other, '--disable-content-trust', `${app}:one`)
  ).trim()
  assert.ok(one !== index)
  const there = new Dock()
  assert.match(await failure(there, 'pull', '--platform', 'linux/riscv64', `${app}:all`), /no image for linux\/riscv64/)
  await must(there, 'pull', '--disable-content-trust', `${app}:one`)
  assert.is(
    there.must('inspect', '-f', '{{.Architecture}} {{.Descriptor.digest}}', `${app}:one`).stdout,
    `${other} ${one}\n`,
  )
  assert.match(
    await failure(dock, 'push', '--platform', 'linux/riscv64', `${app}:all`),
    /does not provide the specified platform \(linux\/riscv64\)/,
  )
})

const lacks = process.getuid?.() === 0 ? needsRegistry() : 'needs root'
if (lacks === undefined) {
  test.before(async () => {
    registry = await startRegistry()
    app = `${registry.host}/me/app`
  })
  test.after(() => registry.stop())
  test.run()
} else process.stdout.write(`SKIP transfer: ${lacks}\n`)
