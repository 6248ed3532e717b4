// SPDX-License-Identifier: Apache-2.0
// The machine that the clients see: private, with tsrun installed, and an image. See private.sh.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { arch } from 'node:os'
import { dirname, join } from 'node:path'
import * as assert from 'uvu/assert'
import { makeRootfs } from '../helpers/bundle.ts'
import { newDir, projectDir } from '../helpers/work-dir.ts'
import type { Snippet } from './snippets.ts'

const program = '/usr/local/bin/tsrun'
const calls = '/run/tsrun-calls'
const imageName = 'docker.io/library/busybox:latest'

/** Runs a command of a shell. Its output goes to files: daemons of it may keep a pipe open. */
export function shell(
  command: string,
  input = '',
): { readonly status: number | null; readonly stdout: string; readonly all: string } {
  const out = join(newDir('shell'), 'out')
  const err = `${out}.err`
  const { status } = spawnSync('sh', ['-euc', command], {
    stdio: ['pipe', openSync(out, 'a'), openSync(err, 'a')],
    input,
    timeout: 90_000,
    killSignal: 'SIGKILL',
  })
  const stdout = readFileSync(out, 'utf8')
  return { status, stdout, all: `${stdout}${readFileSync(err, 'utf8')}` }
}

/** Runs a command that has to succeed. Returns its output. */
export function must(command: string): string {
  const { status, stdout, all } = shell(command)
  if (status !== 0) throw new Error(`status ${status} of: ${command}\n${all}`)
  return stdout
}

export function hasProgram(name: string): boolean {
  return shell(`command -v ${name}`).status === 0
}

/** Writes a file at its real place, which is private. */
export function place(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** Installs tsrun as the README says. A script notes calls in its place, so that it is known who ran a container. */
export function installTsrun(): void {
  must(`sh ${projectDir}/cmd/dev/install-system.sh`)
  const hidden = join(dirname(program), 'tsrun-itself')
  renameSync(program, hidden)
  writeFileSync(program, `#!/bin/sh\necho "$*" >>${calls}\nexec ${hidden} "$@"\n`)
  chmodSync(program, 0o755)
  writeFileSync(calls, '')
}

function countCalls(): number {
  return readFileSync(calls, 'utf8').split('\n').length - 1
}

/** Runs `use` and makes sure that it was tsrun that made a container. */
export async function withTsrun(use: () => void | Promise<void>): Promise<void> {
  const before = countCalls()
  await use()
  assert.ok(countCalls() > before, `${program} was never called`)
}

/** Runs the commands of a page and compares what they print. */
export function runSnippet({ text, output }: Snippet): Promise<void> {
  return withTsrun(() => {
    const { status, stdout, all } = shell(text)
    assert.is(status, 0, `${text}${all}`)
    assert.is(stdout, output, `${text}${all}`)
  })
}

let archive: string | undefined

/** An image of busybox in the format of `docker save`, by the name that the page uses. */
export function imageArchive(): string {
  archive ??= makeImage([imageName])
  return archive
}

/** The same image by other names. */
export function makeImage(names: readonly string[], command: readonly string[] = ['sh']): string {
  const dir = newDir('image')
  const rootfs = makeRootfs(dir)
  must(`tar -C ${rootfs} --numeric-owner -cf ${dir}/layer.tar .`)
  const digest = createHash('sha256')
    .update(readFileSync(join(dir, 'layer.tar')))
    .digest('hex')
  const config = {
    architecture: arch() === 'x64' ? 'amd64' : arch(),
    os: 'linux',
    created: '2026-01-01T00:00:00Z',
    config: { Cmd: command, Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    history: [{ created: '2026-01-01T00:00:00Z' }],
  }
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config))
  const manifest = [{ Config: 'config.json', RepoTags: names, Layers: ['layer.tar'] }]
  writeFileSync(join(dir, 'manifest.json'), JSON.stringify(manifest))
  must(`tar -C ${dir} -cf ${dir}/image.tar manifest.json config.json layer.tar`)
  return join(dir, 'image.tar')
}

/** Starts a daemon and waits until it answers. Returns how to end it. */
export async function startDaemon(
  command: readonly string[],
  socket: string,
  ready: string,
): Promise<() => Promise<void>> {
  const log = join(newDir('daemon'), 'log')
  const fd = openSync(log, 'a')
  const [name = '', ...args] = command
  const child = spawn(name, args, { stdio: ['ignore', fd, fd] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const end = performance.now() + 60_000
  while (!existsSync(socket) || shell(ready).status !== 0) {
    if (child.exitCode !== null || performance.now() > end) {
      child.kill('SIGKILL')
      throw new Error(`${name} does not start:\n${readFileSync(log, 'utf8').slice(-3000)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return async () => {
    child.kill('SIGTERM')
    await ended
  }
}
