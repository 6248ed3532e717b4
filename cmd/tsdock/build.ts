// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildRequest, type BuiltImage, build, contextDigests, epochOf } from '../../bundles/build/build.ts'
import { type OpenContext, openContext } from '../../bundles/build/context.ts'
import { type Output, parseOutput, writeOutput } from '../../bundles/build/output.ts'
import { writeIndex } from '../../bundles/build/platforms.ts'
import type { BuildEvent } from '../../bundles/build/progress.ts'
import { StepError } from '../../bundles/build/solve.ts'
import { openAgents, type SshAgents } from '../../bundles/build/ssh-agents.ts'
import { lintDockerfile } from '../../bundles/dockerfile/lint/lint.ts'
import { parseDockerfile } from '../../bundles/dockerfile/parse.ts'
import { chosenDirectories } from '../../bundles/containers/cdi.ts'
import { DockError } from '../../bundles/error.ts'
import { remove } from '../../bundles/host/files.ts'
import type { Steps } from '../../bundles/build/cache-export.ts'
import { hostPlatform, platformText } from '../../bundles/images/platform.ts'
import { familiarText, parseReference, referenceText, withDefaultTag } from '../../bundles/images/reference.ts'
import { makeScratch } from '../../bundles/layers/unpacked.ts'
import { readRegistrySettings } from '../../bundles/registry/registry.ts'
import { openStorage, type Storage, storageDirectory } from '../../bundles/storage.ts'
import { type CacheFrom, type CacheTo, cacheFrom, cacheTo, openSources, writeCaches } from './build-cache.ts'
import {
  checkCompatible,
  hostLine,
  limitsOf,
  modes,
  namedContexts,
  networks,
  oneOf,
  pairs,
  platformsOf,
  secretReader,
} from './build-options.ts'
import type { CommandInvocation } from './command.ts'
import { openView, type ProgressView } from './progress-view.ts'
import { pushImage } from './transfer.ts'
import { explainDifference } from './verify-build.ts'

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
  const { findings, error } = checkFile(text, file, buildArgs)
  if (error !== undefined) throw error
  for (const { rule, message, range } of findings)
    process.stdout.write(`WARNING: ${rule} (${file}:${range.start}): ${message}\n`)
  process.stdout.write(
    findings.length === 0
      ? 'Check complete, no warnings found.\n'
      : `Check complete, ${findings.length} warning${findings.length === 1 ? ' has' : 's have'} been found!\n`,
  )
  return findings.length > 0 ? 1 : 0
}

function checkFile(text: string, file: string, buildArgs: ReadonlyMap<string, string>) {
  const dockerfile = parseDockerfile(text, { file })
  const buildPlatform = hostPlatform()
  const result = lintDockerfile(dockerfile, { buildArgs, buildPlatform, targetPlatform: buildPlatform })
  return { findings: result.findings, error: result.error, failed: result.failed }
}

/** Where the files of one of several platforms go: below its name, as BuildKit has it. */
function outputOf(output: Output, image: BuiltImage, several: boolean): Output {
  if (!several) return output
  if (output.type !== 'local')
    throw new DockError(`-o type=${output.type}: it takes one platform (type=oci takes several)`)
  return { ...output, dest: join(output.dest ?? '.', platformText(image.state.platform).replaceAll('/', '_')) }
}

/** Writes what was built where it is wanted. Returns the image, or the index of all. */
async function finish(
  storage: Storage,
  images: readonly BuiltImage[],
  invocation: CommandInvocation,
  outputs: readonly Output[],
  names: readonly string[],
): Promise<BuiltImage> {
  const several = images.length > 1
  const image = several ? await writeIndex(storage, images) : (images[0] as BuiltImage)
  for (const output of outputs) {
    if (output.type === 'oci' || output.type === 'image') await writeOutput(storage, image, output, names)
    else for (const one of images) await writeOutput(storage, one, outputOf(output, one, several), names)
  }
  if (outputs.every(({ type }) => type === 'image')) {
    for (const name of names.length === 0 ? [undefined] : names)
      await storage.images.tag(name, image.descriptor, Date.now())
  }
  if (invocation.isSet('push') || outputs.some(({ push }) => push === true)) {
    for (const name of names) {
      await pushImage(storage, parseReference(name), image.descriptor, { quiet: invocation.isSet('quiet') })
    }
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
  return image
}

async function requestOf(
  invocation: CommandInvocation,
  context: OpenContext,
  storage: Storage,
  running: {
    readonly signal: AbortSignal
    readonly onEvent: (event: BuildEvent) => void
    readonly view: ProgressView
    readonly agents: SshAgents
  },
): Promise<BuildRequest> {
  const { text, list, isSet } = invocation
  const buildArgs = pairs(list('build-arg'), process.env)
  const shell = oneOf('on-error', text('on-error'), ['fail', 'shell'], 'fail') === 'shell'
  return {
    dockerfile: context.dockerfile,
    context: context.tree,
    namedContexts: namedContexts(list('build-context'), storage),
    buildArgs,
    target: text('target'),
    labels: Object.fromEntries(pairs(list('label'), {})),
    pull: isSet('pull'),
    epoch: epochOf(buildArgs.get('SOURCE_DATE_EPOCH') ?? process.env['SOURCE_DATE_EPOCH']),
    runtime: text('runtime'),
    allowInsecure: list('allow').includes('security.insecure'),
    hosts: list('add-host').map(hostLine),
    cdiDirectories: chosenDirectories(list('cdi-spec-dir')),
    limits: await limitsOf(invocation),
    network: oneOf('network', text('network'), networks, 'default'),
    noCache: isSet('no-cache') ? true : list('no-cache-filter').flatMap((one) => one.split(',')),
    failOnMiss: isSet('fail-on-miss'),
    secret: secretReader(list('secret')),
    ssh: running.agents.socket,
    access: { settings: await readRegistrySettings() },
    cacheSources: [],
    now: () => performance.now(),
    onEvent: running.onEvent,
    signal: running.signal,
    onFailure: shell
      ? (await import('./failed-step.ts')).shellInStep(storage, text('runtime'), running.view)
      : undefined,
  }
}

type Built = BuiltImage & { readonly steps: Steps }

/** Builds, and builds again when that is wanted. Undefined: the two differ, and it has been told how. */
async function buildVerified(
  storage: Storage,
  request: BuildRequest,
  verify: boolean,
  view: ProgressView,
): Promise<Built | undefined> {
  const image = await build(storage, request)
  if (!verify) return image
  const again = await build(storage, { ...request, noCache: true })
  if (again.descriptor.digest === image.descriptor.digest) return image
  view.close()
  process.stderr.write(await explainDifference(storage, image, again))
  return undefined
}

/** Builds for all platforms, with the caches of others. Undefined: it was built twice, and the two differ. */
async function buildAll(
  storage: Storage,
  request: BuildRequest,
  wanted: {
    readonly platforms: ReturnType<typeof platformsOf>
    readonly caches: { readonly from: readonly CacheFrom[]; readonly to: readonly CacheTo[] }
    readonly verify: boolean
    readonly view: ProgressView
  },
): Promise<readonly Built[] | undefined> {
  const { access, onEvent } = request
  const warn = (message: string): void => onEvent({ kind: 'warning', message })
  const images: Built[] = []
  for (const platform of wanted.platforms) {
    const from = { access, platform: platform ?? hostPlatform(), warn }
    const cacheSources = request.noCache === true ? [] : await openSources(wanted.caches.from, storage, from)
    const one = await buildVerified(storage, { ...request, platform, cacheSources }, wanted.verify, wanted.view)
    if (one === undefined) return undefined
    images.push(one)
  }
  await writeCaches(storage, wanted.caches.to, images, { access, warn })
  return images
}

function tellResult(image: BuiltImage, names: readonly string[], outputs: readonly Output[], quiet: boolean): void {
  const toStdout = outputs.some(
    ({ type, dest }) => type !== 'local' && type !== 'image' && (dest === undefined || dest === '-'),
  )
  if (toStdout) return
  const lines = [`image ${image.id}`, ...names.map((name) => `named ${familiarText(parseReference(name))}`)]
  if (quiet) process.stdout.write(`${image.id}\n`)
  else process.stderr.write(`${lines.join('\n')}\n`)
}

async function buildIn(
  storage: Storage,
  scratch: string,
  invocation: CommandInvocation,
  view: ProgressView,
  signal: AbortSignal,
): Promise<number> {
  const { positionals, text, list, isSet } = invocation
  const names = list('tag').map((name) => referenceText(withDefaultTag(parseReference(name))))
  const outputs = list('output').map(parseOutput)
  checkDestination(invocation, outputs, names)
  const caches = { from: cacheFrom(list('cache-from')), to: cacheTo(list('cache-to')) }
  const digests = (directory: string): string => contextDigests(storage, directory)
  const where = positionals[0] ?? '.'
  const context = await openContext({
    where,
    file: text('file'),
    stdin: process.stdin,
    scratch,
    stores: storage.stores,
    digests,
  })
  const { text: source, file } = context.dockerfile
  const buildArgs = pairs(list('build-arg'), process.env)
  if (isSet('check')) {
    view.close()
    return runCheck(source, file, buildArgs)
  }
  const { findings, failed } = checkFile(source, file, buildArgs)
  for (const { rule, message, range } of findings) {
    view.onEvent({ kind: 'warning', message: `${rule} (line ${range.start}): ${message}` })
  }
  if (failed.length > 0)
    throw new DockError(`${file}: its \`# check=error=true\` fails the build: ${failed.join(', ')}`)
  const platforms = platformsOf(text('platform'))
  const agents = await openAgents(list('ssh'), scratch, process.env['SSH_AUTH_SOCK'])
  const tails = new Tails()
  const onEvent = (event: BuildEvent): void => {
    tails.onEvent(event)
    view.onEvent(event)
  }
  try {
    const request = await requestOf(invocation, context, storage, { signal, onEvent, view, agents })
    const images = await buildAll(storage, request, { platforms, caches, verify: isSet('verify'), view })
    if (images === undefined) return 1
    await context.tree.save(Date.now())
    const image = await finish(storage, images, invocation, outputs, names)
    view.close()
    tellResult(image, names, outputs, isSet('quiet'))
    return 0
  } catch (e: unknown) {
    view.close()
    if (e instanceof StepError) showFailure(e, source, tails.failed)
    throw e
  } finally {
    await agents.release()
  }
}

/** Where the image goes, before anything is built. Errors: DockError. */
function checkDestination({ isSet }: CommandInvocation, outputs: readonly Output[], names: readonly string[]): void {
  const other = outputs.find(({ type }) => type !== 'image')
  if (isSet('load') && other !== undefined) {
    throw new DockError(`--load keeps an image in the store, and --output asks for ${other.type} in its place`)
  }
  if (!isSet('push') && !outputs.some(({ push }) => push === true)) return
  if (other !== undefined) throw new DockError(`a push sends an image, and --output asks for ${other.type}`)
  if (names.length === 0) throw new DockError('a push needs a name: --tag REGISTRY/NAME')
}

/** `tsdock build` */
export async function runBuild(invocation: CommandInvocation): Promise<number> {
  checkCompatible(invocation)
  const mode = oneOf('progress', invocation.text('progress'), modes, 'auto')
  const storage = await openStorage(storageDirectory(invocation.storage))
  const scratch = await makeScratch(storage.stores.scratch)
  const abort = new AbortController()
  const stop = (): void => abort.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const view = openView(invocation.isSet('quiet') ? 'quiet' : mode, process.stderr)
  try {
    return await buildIn(storage, scratch, invocation, view, abort.signal)
  } finally {
    view.close()
    process.off('SIGINT', stop).off('SIGTERM', stop)
    await remove(scratch)
    await storage.release()
  }
}
