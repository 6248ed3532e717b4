// SPDX-License-Identifier: Apache-2.0
// The walk of docs/walk.md (walk.sh), with a registry of its own. Its base image, a Debian with Flask, comes from
// TSDOCK_WALK_BASE (a tar of a root file system), or is made with mmdebstrap, which takes root. With TSRUN_TEST_LONG=1 alone
// (npm run test:walk). As root, or as an ordinary user, whose network pasta carries.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runtimeDirectoryOf } from '../../bundles/storage.ts'
import { freePort, startRegistry } from '../helpers/registry.ts'
import { scaled } from '../helpers/slow.ts'
import { Dock, tsdockPath, writeFiles } from '../helpers/tsdock.ts'
import { dockProcesses, userNetworksNeed, userTestsNeed } from '../helpers/user-dock.ts'
import { newDir, projectDir, removeTree } from '../helpers/work-dir.ts'

const isRoot = process.getuid?.() === 0
const base = process.env['TSDOCK_WALK_BASE']
const tools = ['docker-registry', 'curl', 'script', 'make', 'gcc', ...(base === undefined ? ['mmdebstrap'] : [])]

const skip = (): string | undefined => {
  if (process.env['TSRUN_TEST_LONG'] !== '1') return 'only in npm run test:walk'
  if (!isRoot && base === undefined) return 'TSDOCK_WALK_BASE names no base image, and mmdebstrap needs root'
  const missing = tools.find((name) => spawnSync('which', [name]).status !== 0)
  if (missing !== undefined) return `${missing} is missing`
  if (!existsSync('/bin/busybox')) return 'busybox is missing'
  if (!isRoot) return userTestsNeed() ?? userNetworksNeed()
  return existsSync('/usr/lib/cni/bridge') ? undefined : 'the plugins of CNI are missing'
}

function rootTar(target: string): void {
  if (base !== undefined) {
    copyFileSync(base, target)
    return
  }
  const made = spawnSync('mmdebstrap', ['--variant=minbase', '--include=python3-flask,python3-pip', 'trixie', target], {
    encoding: 'utf8',
    timeout: 600_000,
  })
  assert.is(made.status, 0, made.stderr)
}

/** The images that the walk begins with. */
function prepare(dock: Dock, scratch: string): void {
  const python = writeFiles(join(scratch, 'python'), {
    // pip of Debian has to be told that nothing else manages this image.
    Dockerfile: 'FROM scratch\nADD root.tar /\nENV PIP_BREAK_SYSTEM_PACKAGES=1\nCMD ["python3"]\n',
  })
  rootTar(join(python, 'root.tar'))
  dock.must('build', '-q', '-t', 'python:3-slim', python)
  const busybox = writeFiles(join(scratch, 'busybox'), {
    Dockerfile: `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p -m 1777 /tmp && mkdir -p /root /etc
CMD ["sh"]
`,
  })
  copyFileSync('/bin/busybox', join(busybox, 'busybox'))
  dock.must('build', '-q', '-t', 'busybox', busybox)
}

/** What is mounted where the containers' file systems are. */
const mounts = (dock: Dock): string =>
  isRoot
    ? readFileSync('/proc/self/mountinfo', 'utf8')
    : dock.must('unshare', 'sed', 's/^[0-9]* [0-9]* //', '/proc/self/mountinfo').stdout

const processes = (): readonly string[] => dockProcesses(process.getuid?.() ?? 0)

/** A user's namespaces are kept until their file is removed. */
async function endNamespaces(dock: Dock, others: number): Promise<void> {
  const directory = runtimeDirectoryOf(dock.storage)
  rmSync(join(directory, 'holder'), { force: true })
  for (let i = 0; i < 100 && processes().length > others; i++) await sleep(scaled(20))
  rmSync(directory, { recursive: true, force: true })
}

/** Returns what it prints. Errors: a line is not as it should be. */
async function walk(dock: Dock, env: NodeJS.ProcessEnv): Promise<string> {
  const bin = newDir('bin')
  symlinkSync(tsdockPath, join(bin, 'tsdock'))
  const child = spawn('bash', [join(projectDir, 'test/walk/walk.sh')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}`, TSDOCK_ROOT: dock.storage, ...env },
  })
  const [out, [status]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>])
  process.stdout.write(out)
  assert.is(status, 0, 'a line of the walk failed')
  return out
}

const reason = skip()
if (reason !== undefined) process.stdout.write(`SKIP the walk: ${reason}\n`)
else {
  test('every line of the walk does what it says', async () => {
    const others = processes().length
    const scratch = mkdtempSync('/var/tmp/tsdock-walk-')
    const registry = await startRegistry()
    const dock = new Dock(join(scratch, 'storage'))
    try {
      const before = mounts(dock)
      prepare(dock, scratch)
      const ports = { REGISTRY_PORT: registry.host.split(':')[1], WALK_PORT: String(await freePort()) }
      assert.match(await walk(dock, ports), /\n\d+ passed, 0 failed\n$/)
      assert.is(dock.must('ps', '-aq').stdout, '')
      assert.is(mounts(dock), before, 'mounts are left')
    } finally {
      // Of the network, the bridge and its rules are kept until then.
      dock.run('system', 'prune', '-f')
      if (!isRoot) await endNamespaces(dock, others)
      await registry.stop()
      removeTree(scratch)
    }
    assert.is(processes().length, others, processes().join('\n'))
  })
}

test.run()
