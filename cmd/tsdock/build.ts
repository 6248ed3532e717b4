// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { build, type BuildRequest, type BuiltImage, contextDigests, epochOf } from '../../bundles/build/build.ts'
import { openContext } from '../../bundles/build/context.ts'
import { ContextTree, type FileTree } from '../../bundles/build/file-tree.ts'
import { type Output, parseOutput, writeOutput } from '../../bundles/build/output.ts'
import { StepError } from '../../bundles/build/solve.ts'
import type { BuildEvent } from '../../bundles/build/progress.ts'
import { parseDockerfile } from '../../bundles/dockerfile/parse.ts'
import { lintDockerfile } from '../../bundles/dockerfile/lint/lint.ts'
import { parsePlatform } from '../../bundles/dockerfile/platform.ts'
import { DockError } from '../../bundles/error.ts'
import { remove } from '../../bundles/host/files.ts'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { familiarText, parseReference, referenceText, withDefaultTag } from '../../bundles/images/reference.ts'
import { makeScratch } from '../../bundles/layers/unpacked.ts'
import { readRegistrySettings } from '../../bundles/registry/registry.ts'
import { openStorage, storageDirectory, type Storage } from '../../bundles/storage.ts'
import { type CommandInvocation, CommandUsageError } from './command.ts'
import { openView, type ProgressMode } from './progress-view.ts'
import { explainDifference } from './verify-build.ts'

/** `K=V` pairs; a K alone takes its value from the environment, and is left out when it has none there. */
function pairs(words: readonly string[], env: NodeJS.ProcessEnv): ReadonlyMap<string, string> {
  return new Map(
    words.flatMap((word): [string, string][] => {
      const equals = word.indexOf('=')
      if (equals > 0) return [[word.slice(0, equals), word.slice(equals + 1)]]
      const value = env[word]
      return value === undefined ? [] : [[word, value]]
    }),
  )
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(',').map((field): [string, string] => {
      const equals = field.indexOf('=')
      return equals < 0 ? [field, ''] : [field.slice(0, equals), field.slice(equals + 1)]
    }),
  )
}

/** --secret id=x,src=file | id=x,env=NAME. Errors: DockError. */
function secretReader(words: readonly string[]): BuildRequest['secret'] {
  const secrets = new Map(
    words.map((word): [string, ReadonlyMap<string, string>] => {
      const fields = fieldsOf(word)
      const id = fields.get('id') ?? ''
      if (id === '') throw new DockError(`--secret ${word}: id=NAME is missing`)
      const unknown = [...fields.keys()].find((key) => !['id', 'src', 'source', 'env', 'type'].includes(key))
      if (unknown !== undefined)
        throw new DockError(`--secret ${word}: ${unknown} is unknown; there are id, src and env`)
      return [id, fields]
    }),
  )
  return async (id) => {
    const fields = secrets.get(id)
    if (fields === undefined) return undefined
    const file = fields.get('src') ?? fields.get('source')
    if (file !== undefined) {
      return readFile(file).catch((e: NodeJS.ErrnoException) => {
        throw new DockError(`--secret id=${id}: open ${file}: ${e.code}`)
      })
    }
    const name = fields.get('env') ?? id
    const value = process.env[name]
    if (value === undefined) throw new DockError(`--secret id=${id}: the variable ${name} is not set`)
    return Buffer.from(value)
  }
}

/** --ssh default | ID=SOCKET */
function agents(words: readonly string[]): BuildRequest['ssh'] {
  const known = new Map(
    words.map((word): [string, string | undefined] => {
      const equals = word.indexOf('=')
      return equals < 0 ? [word, process.env['SSH_AUTH_SOCK']] : [word.slice(0, equals), word.slice(equals + 1)]
    }),
  )
  return (id) => known.get(id)
}

async function namedContexts(
  words: readonly string[],
  storage: Storage,
): Promise<ReadonlyMap<string, FileTree | { readonly image: string }>> {
  return new Map(
    words.map((word): [string, FileTree | { readonly image: string }] => {
      const equals = word.indexOf('=')
      if (equals < 1) throw new DockError(`--build-context ${word}: it is NAME=DIR or NAME=docker-image://IMAGE`)
      const [name, where] = [word.slice(0, equals), word.slice(equals + 1)]
      if (where.startsWith('docker-image://')) return [name, { image: where.slice(15) }]
      return [
        name,
        new ContextTree(resolve(where), {
          label: `the context ${name}`,
          files: storage.stores.files,
          digestFile: contextDigests(storage, resolve(where)),
        }),
      ]
    }),
  )
}

const networks = ['default', 'none', 'host'] as const
const modes: readonly ProgressMode[] = ['auto', 'plain', 'rawjson', 'quiet']

function oneOf<T extends string>(flag: string, value: string | undefined, known: readonly T[], usual: T): T {
  if (value === undefined) return usual
  const found = known.find((one) => one === value)
  if (found === undefined)
    throw new CommandUsageError(`--${flag} ${value}: it is one of ${known.join(', ')}`, undefined)
  return found
}

/** The last lines that a failed step printed: they are shown again below all else. */
class Tails {
  readonly #tails = new Map<number, string>()
  failed: string | undefined

  onEvent(event: BuildEvent): void {
    if (event.kind === 'output')
      this.#tails.set(event.step, ((this.#tails.get(event.step) ?? '') + event.text).slice(-4000))
    if (event.kind === 'failed' && this.failed === undefined) this.failed = this.#tails.get(event.step)
  }
}

function showFailure(e: StepError, text: string, tail: string | undefined): void {
  const lines = text.split('\n')
  const from = Math.max(1, e.range.start - 2)
  const shown = lines.slice(from - 1, e.range.end + 2).map((line, i) => {
    const number = from + i
    const mark = number >= e.range.start && number <= e.range.end ? '>>>' : '   '
    return `${String(number).padStart(4)} | ${mark} ${line}`
  })
  const said =
    tail === undefined || tail.trim() === '' ? '' : `------\n${tail.trimEnd().split('\n').slice(-20).join('\n')}\n`
  process.stderr.write(`${said}------\n${shown.join('\n')}\n------\n`)
}

async function runCheck(text: string, file: string, buildArgs: ReadonlyMap<string, string>): Promise<number> {
  const { findings, failed } = checkFile(text, file, buildArgs)
  for (const { rule, message, range } of findings)
    process.stdout.write(`WARNING: ${rule} (${file}:${range.start}): ${message}\n`)
  process.stdout.write(
    findings.length === 0
      ? 'Check complete, no warnings found.\n'
      : `Check complete, ${findings.length} warning${findings.length === 1 ? ' has' : 's have'} been found!\n`,
  )
  return failed || findings.length > 0 ? 1 : 0
}

function checkFile(text: string, file: string, buildArgs: ReadonlyMap<string, string>) {
  const dockerfile = parseDockerfile(text, { file })
  const buildPlatform = hostPlatform()
  const result = lintDockerfile(dockerfile, { buildArgs, buildPlatform, targetPlatform: buildPlatform })
  return { findings: result.findings, failed: result.error !== undefined || result.failed.length > 0 }
}

async function finish(
  storage: Storage,
  image: BuiltImage,
  invocation: CommandInvocation,
  outputs: readonly Output[],
  names: readonly string[],
): Promise<void> {
  for (const output of outputs) await writeOutput(storage, image, output, names)
  if (outputs.every(({ type }) => type === 'image')) {
    for (const name of names.length === 0 ? [undefined] : names)
      await storage.images.tag(name, image.descriptor, Date.now())
  }
  const iidfile = invocation.text('iidfile')
  if (iidfile !== undefined) await writeFile(iidfile, image.id)
  const metadata = invocation.text('metadata-file')
  if (metadata !== undefined) {
    const document = {
      'containerimage.config.digest': image.id,
      'containerimage.descriptor': image.descriptor,
      'containerimage.digest': image.descriptor.digest,
      ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
    }
    await writeFile(metadata, `${JSON.stringify(document, undefined, 2)}\n`)
  }
}

/** `tsdock build` */
export async function runBuild(invocation: CommandInvocation): Promise<number> {
  const { positionals, text, list, isSet } = invocation
  const names = list('tag').map((name) => referenceText(withDefaultTag(parseReference(name))))
  const outputs = list('output').map(parseOutput)
  const buildArgs = pairs(list('build-arg'), process.env)
  const platformText = text('platform')
  const platform = platformText === undefined ? undefined : parsePlatform(platformText, hostPlatform())
  const quiet = isSet('quiet')
  const toStdout = outputs.some(
    ({ type, dest }) => type !== 'local' && type !== 'image' && (dest === undefined || dest === '-'),
  )
  const storage = await openStorage(storageDirectory(invocation.storage))
  const scratch = await makeScratch(storage.stores.scratch)
  const abort = new AbortController()
  const stop = (): void => abort.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const view = openView(quiet ? 'quiet' : oneOf('progress', text('progress'), modes, 'auto'), process.stderr)
  const tails = new Tails()
  try {
    const context = await openContext({
      where: positionals[0] ?? '.',
      file: text('file'),
      stdin: process.stdin,
      scratch,
      stores: storage.stores,
      digests: (directory) => contextDigests(storage, directory),
    })
    if (isSet('check')) {
      view.close()
      return await runCheck(context.dockerfile.text, context.dockerfile.file, buildArgs)
    }
    const filter = list('no-cache-filter').flatMap((one) => one.split(','))
    const request: BuildRequest = {
      dockerfile: context.dockerfile,
      context: context.tree,
      namedContexts: await namedContexts(list('build-context'), storage),
      buildArgs,
      target: text('target'),
      platform,
      labels: Object.fromEntries(pairs(list('label'), {})),
      pull: isSet('pull'),
      epoch: epochOf(buildArgs.get('SOURCE_DATE_EPOCH') ?? process.env['SOURCE_DATE_EPOCH']),
      runtime: text('runtime'),
      allowInsecure: list('allow').includes('security.insecure'),
      hosts: list('add-host').map(hostLine),
      network: oneOf('network', text('network'), networks, 'default'),
      noCache: isSet('no-cache') ? true : filter,
      failOnMiss: isSet('fail-on-miss'),
      secret: secretReader(list('secret')),
      ssh: agents(list('ssh')),
      access: { settings: await readRegistrySettings() },
      now: () => performance.now(),
      onEvent: (event) => {
        tails.onEvent(event)
        view.onEvent(event)
      },
      signal: abort.signal,
      onFailure:
        text('on-error') === 'shell'
          ? (await import('./failed-step.ts')).shellInStep(storage, text('runtime'), view)
          : undefined,
    }
    if (!quiet) {
      const { findings } = checkFile(context.dockerfile.text, context.dockerfile.file, buildArgs)
      for (const { rule, message, range } of findings)
        view.onEvent({ kind: 'warning', message: `${rule} (line ${range.start}): ${message}` })
    }
    let image: BuiltImage
    try {
      image = await build(storage, request)
      if (isSet('verify')) {
        const again = await build(storage, { ...request, noCache: true })
        if (again.descriptor.digest !== image.descriptor.digest) {
          view.close()
          process.stderr.write(await explainDifference(storage, image, again))
          return 1
        }
      }
    } catch (e: unknown) {
      view.close()
      if (e instanceof StepError) showFailure(e, context.dockerfile.text, tails.failed)
      throw e
    }
    await context.tree.save(Date.now())
    await finish(storage, image, invocation, outputs, names)
    view.close()
    if (!toStdout) {
      if (quiet) process.stdout.write(`${image.id}\n`)
      else
        process.stderr.write(
          `${[`image ${image.id}`, ...names.map((name) => `named ${familiarText(parseReference(name))}`)].join('\n')}\n`,
        )
    }
    return 0
  } finally {
    view.close()
    process.off('SIGINT', stop).off('SIGTERM', stop)
    await remove(scratch)
    await storage.release()
  }
}

/** --add-host NAME:IP -> a line of /etc/hosts. Errors: DockError. */
function hostLine(word: string): string {
  const colon = word.search(/[:=]/)
  const [name, address] = [word.slice(0, colon), word.slice(colon + 1).replace(/^\[|\]$/g, '')]
  if (colon < 1 || !/^[A-Za-z0-9._-]+$/.test(name) || !/^[0-9a-fA-F:.]+$/.test(address))
    throw new DockError(`--add-host ${word}: it is HOST:IP`)
  return `${address}\t${name}`
}
