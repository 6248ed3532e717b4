// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, makeConfig, merge, sharedRootfs } from '../bundle.ts'
import { type Container, mustSucceed, newContainer } from '../container.ts'
import { callRuntime, type Outcome } from '../runtime.ts'
import { stateRoot } from '../work-dir.ts'
import { type Case, type On, wordsOf } from './case.ts'
import { type Places, reduceOutput, replacePlaces } from './reduce.ts'

/** What came of a command line, without all that differs from call to call. */
export interface Answer {
  readonly status: number | string
  /** Lines; absent when there is no output. */
  readonly stdout?: readonly string[]
  readonly stderr?: readonly string[]
  /** Text of files, or null for one that is not there. */
  readonly files?: Readonly<Record<string, readonly string[] | null>>
  /** Where the container was there, or is there now: its status. */
  readonly after?: string
}

/** Config of the containers; nothing in it that not every host has. */
function configOf(testCase: Case, { id, bundle: dir }: Container): string | undefined {
  const { config } = testCase
  if (config === null) return undefined
  if (typeof config === 'string') return config
  const base = makeConfig({ process: { args: ['sleep', '1000'] }, linux: { cgroupsPath: `/${id}` } })
  return JSON.stringify(merge(base, config ?? {}), null, 2).replaceAll('$DIR', dir)
}

function statusOf(container: Container): string {
  const outcome = container.call('state')
  return outcome.status === 0 ? String((JSON.parse(outcome.stdout) as Json)['status']) : 'gone'
}

/** A container in the state of the case, to be removed by the caller. */
export async function makeContainer(testCase: Case): Promise<Container> {
  const on = testCase.on ?? 'nothing'
  const container = newContainer()
  const config = configOf(testCase, container)
  const path = join(container.bundle, 'config.json')
  if (config === undefined) rmSync(path)
  else writeFileSync(path, config)
  if (on === 'nothing' || on === 'bundle') return container
  mustSucceed(container.create())
  if (on === 'created') return container
  mustSucceed(container.start())
  await container.waitForStatus('running')
  if (on === 'paused') mustSucceed(container.call('pause'))
  if (on === 'stopped') {
    mustSucceed(container.kill('KILL'))
    await container.waitForStatus('stopped')
  }
  return container
}

/** Removes a container whatever its state is. */
export function removeContainer(container: Container): void {
  if (!existsSync(join(stateRoot, container.id))) return
  if (statusOf(container) === 'paused') container.call('resume')
  container.delete(['--force'])
}

function placesOf(container: Container, on: On): Places {
  const pid = on === 'nothing' || on === 'bundle' ? undefined : container.pid()
  return { id: container.id, dir: container.bundle, root: stateRoot, rootfs: sharedRootfs(), pid }
}

function callWith(testCase: Case, places: Places): Outcome {
  const replaced = wordsOf(testCase).map((word) =>
    word
      .replaceAll('$ROOTFS', places.rootfs)
      .replaceAll('$ROOT', places.root)
      .replaceAll('$ID', places.id)
      .replaceAll('$DIR', places.dir),
  )
  const fds = Array.from({ length: testCase.fds ?? 0 }, () => openSync('/dev/null', 'r'))
  try {
    return callRuntime(replaced, {
      cwd: places.dir,
      fds,
      ...(testCase.noRoot && { root: null }),
      ...(testCase.stdin !== undefined && { stdin: testCase.stdin }),
      ...(testCase.env && { env: testCase.env }),
    })
  } finally {
    fds.forEach(closeSync)
  }
}

function readLook(path: string, places: Places): readonly string[] | null {
  if (!existsSync(path)) return null
  if (statSync(path).isDirectory()) return ['(directory)']
  return replacePlaces(readFileSync(path, 'utf8'), places).split('\n')
}

/** Gives the command line to the runtime under test. */
export async function answerOf(testCase: Case, container: Container): Promise<Answer> {
  const on = testCase.on ?? 'nothing'
  for (const [name, text] of Object.entries(testCase.files ?? {})) writeFileSync(join(container.bundle, name), text)
  const before = placesOf(container, on)
  const { status, signal, stdout, stderr } = callWith(testCase, before)
  const known = existsSync(join(stateRoot, container.id))
  if (testCase.becomes !== undefined) await container.waitForStatus(testCase.becomes)
  const after = on === 'nothing' && !known ? undefined : statusOf(container)
  const pid = before.pid ?? pidIn(container)
  const places = { ...before, pid }
  return {
    status: status ?? signal ?? 'unknown',
    ...(stdout !== '' && { stdout: reduceOutput(replacePlaces(stdout, places), testCase) }),
    ...(stderr !== '' && { stderr: reduceOutput(replacePlaces(stderr, places), {}) }),
    ...(testCase.look && {
      files: Object.fromEntries(testCase.look.map((name) => [name, readLook(join(container.bundle, name), places)])),
    }),
    ...(after !== undefined && { after }),
  }
}

function pidIn(container: Container): number | undefined {
  const outcome = container.call('state')
  return outcome.status === 0 ? Number((JSON.parse(outcome.stdout) as Json)['pid']) || undefined : undefined
}
