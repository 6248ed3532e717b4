// SPDX-License-Identifier: Apache-2.0
// Several platforms in one build; programs of another platform; keys for RUN --mount=type=ssh.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { findOnPath } from '../helpers/tools.ts'
import { buildBase, Dock, newContext, nothingLeft, runProgram, tsdockPath } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const other = hostPlatform().architecture === 's390x' ? 'ppc64le' : 's390x'
const own = hostPlatform().architecture

interface Index {
  readonly manifests: readonly { readonly digest: string; readonly platform: { readonly architecture: string } }[]
}

const context = newContext({
  Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /arch\n',
  [own]: own,
  [other]: other,
})

test('an index with an image for each platform', () => {
  dock.must('build', '-q', '--platform', `linux/${own},linux/${other}`, '-t', 'several:v1', context)
  const [{ Descriptor: descriptor }] = JSON.parse(dock.must('inspect', 'several:v1').stdout) as [
    { Descriptor: { digest: string; mediaType: string } },
  ]
  assert.is(descriptor.mediaType, 'application/vnd.oci.image.index.v1+json')
  const blob = join(dock.storage, 'images/blobs/sha256', descriptor.digest.slice(7))
  const index = JSON.parse(readFileSync(blob, 'utf8')) as Index
  assert.equal(
    index.manifests.map(({ platform }) => platform.architecture),
    [own, other],
  )
  // The same inputs give the same digest.
  dock.must('build', '-q', '--no-cache', '--platform', `linux/${own},linux/${other}`, '-t', 'several:v2', context)
  assert.match(dock.must('inspect', '-f', '{{.Descriptor.digest}}', 'several:v2').stdout, descriptor.digest)
})

test('files of each platform in a directory of its own', () => {
  const out = newDir('out')
  dock.must('build', '-q', '--platform', `linux/${own},linux/${other}`, '-o', out, context)
  assert.equal(
    readdirSync(out)
      .sort()
      .map((name) => readFileSync(join(out, name, 'arch'), 'utf8')),
    [own, other].sort(),
  )
  const refused = dock.run(
    'build',
    '-q',
    '--platform',
    `linux/${own},linux/${other}`,
    '-o',
    `type=tar,dest=${out}/x`,
    context,
  )
  assert.match(refused.stderr, /type=tar: it takes one platform/)
})

test('RUN needs an emulator for another platform', () => {
  const run = newContext({ Dockerfile: 'FROM scratch\nCOPY x /x\nRUN ["/x"]\n', x: 'x' })
  const { status, stderr } = dock.run('build', '--platform', `linux/${other}`, run)
  assert.is(status, 1)
  if (existsSync(`/proc/sys/fs/binfmt_misc/qemu-${other}`)) return
  assert.match(stderr, new RegExp(`programs of linux/${other} do not run on .*qemu-user-static`))
  assert.match(dock.run('build', '--platform', 'linux/nope/x/y', run).stderr, /platform/)
})

/** Says what it is to run, and writes a file. */
const emulator = `#include <stdio.h>
int main(int argc, char **argv)
{
	FILE *f = fopen("/ran", "w");

	return argc < 3 || !f || fprintf(f, "%s\\n", argv[2]) < 0 || fclose(f);
}
`

/** Kernels since 6.7 have a binfmt_misc for each user namespace: this one registers nothing on the host. */
const registered = `set -e
mount -t binfmt_misc binfmt /proc/sys/fs/binfmt_misc
printf '%s' ':qemu-s390x:M::\\x7fELF\\x02\\x02\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x16:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff:'"$1:F" \
  > /proc/sys/fs/binfmt_misc/register
shift
exec "$@"
`

/** Why nothing can be registered here; undefined: it can. */
function emulationLacks(namespace: readonly string[]): string | undefined {
  if (own === 's390x') return 'this machine runs s390x itself'
  if (findOnPath('gcc') === undefined) return 'gcc is missing'
  const mount = ['sh', '-c', 'mount -t binfmt_misc b /proc/sys/fs/binfmt_misc']
  const tried = spawnSync('unshare', [...namespace, ...mount])
  return tried.status === 0 ? undefined : 'a user namespace has no binfmt_misc of its own (Linux 6.7 or later)'
}

const namespace = ['-Um', '--map-root-user', '--propagation', 'private']
const lacks = emulationLacks(namespace)
if (lacks !== undefined) process.stdout.write(`SKIP RUN of another platform, emulated: ${lacks}\n`)
else {
  test('RUN of another platform, emulated', () => {
    const directory = newDir('emulator')
    const program = join(directory, 'emulator')
    writeFileSync(`${program}.c`, emulator)
    assert.is(spawnSync('gcc', ['-static', '-o', program, `${program}.c`]).status, 0)
    const run = newContext({
      Dockerfile: 'FROM scratch\nCOPY x /x\nRUN ["/x", "argument"]\nFROM scratch\nCOPY --from=0 /ran /\n',
    })
    const header = Buffer.alloc(64)
    Buffer.from('7f454c46020201', 'hex').copy(header)
    Buffer.from('00020016', 'hex').copy(header, 16)
    writeFileSync(join(run, 'x'), header, { mode: 0o755 })
    const out = newDir('out')
    const build = [tsdockPath, '--storage', newDir('storage'), 'build', '--platform', 'linux/s390x', '-o', out, run]
    const made = runProgram('unshare', [...namespace, 'sh', '-c', registered, 'sh', program, ...build])
    assert.is(made.status, 0, made.stderr)
    assert.is(readFileSync(join(out, 'ran'), 'utf8'), 'argument\n')
  })
}

if (findOnPath('ssh-agent') === undefined) process.stdout.write('SKIP keys: ssh-agent is missing\n')
else {
  const key = join(newDir('key'), 'id')
  const agentsOf = ({ storage }: Dock): string =>
    spawnSync('pgrep', ['-fa', `^ssh-agent -D -a ${storage}`]).stdout.toString()
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  const ssh = newContext({
    Dockerfile: 'FROM localhost/base\nRUN --mount=type=ssh,required test -S "$SSH_AUTH_SOCK"\n',
  })

  test('an agent is made of key files, and ends with the build', () => {
    dock.must('build', '--no-cache', '--ssh', `default=${key}`, ssh)
    assert.is(agentsOf(dock), '')
  })

  test('the key that was meant is in the agent', () => {
    const program = newContext({
      Dockerfile: 'FROM scratch\nCOPY root /\nRUN --mount=type=ssh,id=k ["/usr/bin/ssh-add", "-l"]\n',
    })
    const libraries = spawnSync('ldd', ['/usr/bin/ssh-add']).stdout.toString().match(/\/\S+/g) ?? []
    const root = join(program, 'root')
    mkdirSync(root)
    assert.is(spawnSync('cp', ['--parents', '-L', '/usr/bin/ssh-add', ...libraries, root]).status, 0)
    const made = dock.must('build', '--no-cache', '--ssh', `k=${key}`, program)
    const [, print = '?'] = /(SHA256:\S+)/.exec(spawnSync('ssh-keygen', ['-lf', key]).stdout.toString()) ?? []
    assert.ok(made.stderr.includes(print), made.stderr)
  })

  test('an agent does not outlive a build that is killed', async () => {
    const slow = newContext({ Dockerfile: 'FROM localhost/base\nRUN --mount=type=ssh echo beg""un; sleep 60\n' })
    const args = ['build', '--no-cache', '--progress', 'plain', '--ssh', `default=${key}`, slow]
    const env = { ...process.env, TSDOCK_ROOT: dock.storage }
    const child = spawn(tsdockPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    // The step itself is told before its agent is there.
    for await (const text of child.stderr) if (/ begun/.test(String(text))) break
    assert.not.equal(agentsOf(dock), '')
    child.kill('SIGKILL')
    for (let i = 0; i < 100 && agentsOf(dock) !== ''; i++) await new Promise((resolve) => setTimeout(resolve, 50))
    assert.is(agentsOf(dock), '')
    dock.must('fsck')
  })

  test('what is no key', () => {
    assert.match(dock.run('build', '--no-cache', ssh).stderr, /the ssh agent "default" is required/)
    assert.match(dock.run('build', '--ssh', 'default=/nowhere', ssh).stderr, /\/nowhere: no such file or directory/)
    const bad = join(newDir('bad'), 'key')
    writeFileSync(bad, 'no key\n', { mode: 0o600 })
    assert.match(dock.run('build', '--ssh', `default=${bad}`, ssh).stderr, /--ssh: the key .*bad.*key/)
    const locked = join(newDir('locked'), 'id')
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', locked])
    assert.match(
      dock.run('build', '--ssh', `default=${locked}`, ssh).stderr,
      /a key with a passphrase needs an agent of yours/,
    )
    nothingLeft(dock)
  })
}

if (process.getuid?.() !== 0) process.stdout.write('SKIP platforms: needs root\n')
else {
  buildBase(dock)
  test.run()
}
