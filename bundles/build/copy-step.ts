// SPDX-License-Identifier: Apache-2.0
// COPY and ADD.

import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { optionalFile, resolveOwner } from '../containers/users.ts'
import type { ExpandedAdd } from '../dockerfile/instructions/add.ts'
import type { ExpandedCopy } from '../dockerfile/instructions/copy.ts'
import { DockError, messageOf } from '../error.ts'
import { apply, read, remove, walk } from '../host/files.ts'
import { decodeEntries, type Entry, encodeEnd, encodeEntry } from '../layers/frame.ts'
import { isArchive, unpackArchive } from './archive.ts'
import type { InputFile } from './cache.ts'
import { copyEntries, inImage, type Owner, planCopy, rootOwner } from './copy-plan.ts'
import { ContextTree, type FileTree, fromBytes, type ListedFile, toBytes } from './file-tree.ts'
import type { BuiltLayer, ImageState } from './image-state.ts'
import { fetchGit, fetchUrl } from './remote-files.ts'
import { commitStep, lowerOf, openStep, type Step, type Stores, stepOverlay } from './snapshot.ts'

export interface CopyContext {
  readonly stores: Stores
  readonly tree: FileTree
  /** Scratch for what is fetched; the caller removes it. */
  readonly scratch: () => Promise<string>
}

/** One thing that is put somewhere. */
interface Part {
  readonly tree: FileTree
  readonly files: readonly ListedFile[]
  readonly fixedTime: boolean
  readonly owner: Owner | undefined
  /** Directory (bytes) that an archive is unpacked to. */
  readonly unpackTo?: string
  readonly archive?: string
}

export interface PreparedCopy {
  readonly parts: readonly Part[]
  /** For the cache, by source. */
  readonly inputs: Readonly<Record<string, readonly InputFile[]>>
}

type Instruction = ExpandedCopy | ExpandedAdd

/** Whether the destination is a directory in the image, so that files go into it. */
async function isDirectory(state: ImageState, stores: Stores, path: string): Promise<boolean> {
  if (path === '') return true
  const lower = await lowerOf(stores, state)
  const step = await openStep(stores)
  try {
    const options = { ...stores.files, overlays: [stepOverlay(step, lower)], follow: true, only: true }
    return decodeEntries(await walk(step.merged, path, options))[0]?.type === 'directory'
  } catch (e: unknown) {
    if (/\((ENOENT|ENOTDIR)\)/.test(messageOf(e))) return false
    throw e
  } finally {
    await remove(step.directory)
  }
}

function absoluteDestination(instruction: Instruction, state: ImageState): string {
  const { destination } = instruction
  return destination.startsWith('/') ? destination : `${state.run.WorkingDir ?? ''}/${destination}`
}

async function inlinePart(
  sources: readonly { readonly name: string; readonly text: string }[],
  destination: string,
  intoDirectory: boolean,
  context: CopyContext,
): Promise<Part> {
  const directory = join(await context.scratch(), 'inline')
  await mkdir(directory, { recursive: true })
  for (const { name, text } of sources) await writeFile(join(directory, name), text, { mode: 0o644 })
  const tree = new ContextTree(directory, { label: 'the Dockerfile', files: context.stores.files })
  const request = {
    sources: sources.map(({ name }) => name.replace(/[*?[\\]/g, '\\$&')),
    destination,
    intoDirectory,
    parents: false,
    exclude: [],
  }
  return { tree, files: await planCopy(tree, request), fixedTime: true, owner: rootOwner }
}

async function remotePart(
  instruction: ExpandedAdd,
  source: Extract<ExpandedAdd['sources'][number], { kind: 'url' | 'git' }>,
  destination: string,
  intoDirectory: boolean,
  context: CopyContext,
): Promise<{ readonly part: Part; readonly input: InputFile }> {
  const name = createHash('sha256').update(JSON.stringify(source)).digest('hex').slice(0, 16)
  const directory = join(await context.scratch(), name)
  await mkdir(directory, { recursive: true })
  const tree = new ContextTree(directory, {
    label: source.kind === 'url' ? source.url : source.remote,
    files: context.stores.files,
  })
  const input = { type: source.kind, mode: 0, owner: '' }
  if (source.kind === 'url') {
    const digest = await fetchUrl(source, join(directory, source.fileName), instruction.checksum)
    const base = { tree, fixedTime: false, owner: rootOwner }
    if (instruction.unpack === true && (await isArchive(join(directory, source.fileName)))) {
      const part = {
        ...base,
        files: [],
        archive: join(directory, source.fileName),
        unpackTo: toBytes(inImage(destination)),
      }
      return { part, input: { ...input, path: source.url, content: digest } }
    }
    const files = await planCopy(tree, {
      sources: [source.fileName.replace(/[*?[\\]/g, '\\$&')],
      destination,
      intoDirectory,
      parents: false,
      exclude: [],
    })
    return { part: { ...base, files }, input: { ...input, path: source.url, content: digest } }
  }
  const commit = await fetchGit(
    { ...source, checksum: source.checksum ?? instruction.checksum },
    directory,
    instruction.keepGitDir ?? source.keepGitDir ?? false,
  )
  const files = await planCopy(tree, {
    sources: [source.subdir ?? '.'],
    destination,
    intoDirectory: true,
    parents: false,
    exclude: instruction.exclude,
  })
  return {
    part: { tree, files, fixedTime: true, owner: rootOwner },
    input: { ...input, path: source.remote, content: commit },
  }
}

/** Local archives that ADD unpacks are taken out of the plan. */
async function splitArchives(part: Part, instruction: ExpandedAdd, destination: string): Promise<readonly Part[]> {
  if (instruction.unpack === false) return [part]
  const archives: Part[] = []
  const files: ListedFile[] = []
  for (const file of part.files) {
    const archive = join(part.tree.root, fromBytes(file.path))
    if (file.entry.path === '' && file.entry.type === 'file' && (await isArchive(archive))) {
      archives.push({ ...part, files: [], archive, unpackTo: toBytes(inImage(destination)), owner: undefined })
    } else files.push(file)
  }
  return archives.length === 0 ? [part] : [{ ...part, files }, ...archives]
}

/** Finds the files of an instruction, fetching what is elsewhere. Errors: DockError. */
export async function prepareCopy(
  state: ImageState,
  instruction: Instruction,
  context: CopyContext,
): Promise<PreparedCopy> {
  const destination = absoluteDestination(instruction, state)
  const paths = instruction.sources.flatMap((source) => (source.kind === 'path' ? [source.path] : []))
  const inline = instruction.sources.flatMap((source) => (source.kind === 'inline' ? [source] : []))
  const many = instruction.sources.length > 1
  const says = destination.endsWith('/') || destination.endsWith('/.')
  if (many && !says && !(await isDirectory(state, context.stores, inImage(destination)))) {
    throw new DockError(
      `with more than one source, the destination must be a directory and end with a /: "${instruction.destination}"`,
    )
  }
  // Only a single file can mean two things, and --link must not look at what is below.
  const intoDirectory =
    many || says || (!instruction.link && (await isDirectory(state, context.stores, inImage(destination))))
  const fromContext = instruction.kind === 'add' || instruction.from === undefined
  const parts: Part[] = []
  const inputs: Record<string, readonly InputFile[]> = {}
  if (paths.length > 0) {
    const parents = instruction.kind === 'copy' && instruction.parents
    const files = await planCopy(context.tree, {
      sources: paths,
      destination,
      intoDirectory,
      parents,
      exclude: instruction.exclude,
    })
    const part: Part = { tree: context.tree, files, fixedTime: fromContext, owner: fromContext ? rootOwner : undefined }
    inputs[`COPY ${paths.join(' ')}`.replace(/^COPY/, instruction.kind.toUpperCase())] =
      await context.tree.inputs(files)
    parts.push(...(instruction.kind === 'add' ? await splitArchives(part, instruction, destination) : [part]))
  }
  if (inline.length > 0) parts.push(await inlinePart(inline, destination, intoDirectory, context))
  for (const source of instruction.sources) {
    if (source.kind !== 'url' && source.kind !== 'git') continue
    const { part, input } = await remotePart(instruction as ExpandedAdd, source, destination, intoDirectory, context)
    parts.push(part)
    inputs[input.path] = [input]
  }
  return { parts, inputs }
}

async function ownerOf(
  instruction: Instruction,
  step: Step,
  lower: readonly string[],
  stores: Stores,
): Promise<Owner | undefined> {
  if (instruction.chown === undefined) return undefined
  const options = { ...stores.files, overlays: [stepOverlay(step, lower)] }
  return resolveOwner(
    instruction.chown,
    optionalFile((path) => read(step.merged, path, options)),
  )
}

/** Directories above the destination that the copy makes. */
function parentsOf(entries: readonly Entry[], owner: Owner, seconds: number): readonly Entry[] {
  const made = new Set<string>()
  for (const { path } of entries) {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) made.add(path.slice(0, at))
  }
  const own = new Set(entries.map(({ path }) => path))
  return [...made]
    .filter((path) => !own.has(path))
    .sort()
    .map((path) => ({ type: 'directory', path, mode: 0o755, ...owner, seconds, ifAbsent: true }))
}

/** Makes a layer of what was prepared. Errors: DockError; nothing of the step stays. */
export async function copyStep(
  state: ImageState,
  instruction: Instruction,
  prepared: PreparedCopy,
  stores: Stores,
): Promise<BuiltLayer | undefined> {
  // A linked layer knows nothing of those below it.
  const lower = instruction.link ? await lowerOf(stores, { ...state, layers: [] }) : await lowerOf(stores, state)
  const step = await openStep(stores)
  try {
    const owner = await ownerOf(instruction, step, await lowerOf(stores, state), stores)
    const overlay = stepOverlay(step, lower)
    for (const part of prepared.parts) {
      const overlays = [...part.tree.overlays, overlay]
      const partOwner = owner ?? part.owner
      if (part.archive !== undefined) {
        await unpackArchive(part.archive, step.merged, part.unpackTo ?? '', owner, {
          ...stores.files,
          overlays: [overlay],
        })
        continue
      }
      const seconds = part.fixedTime ? state.epoch : undefined
      const mode = instruction.mode ?? undefined
      const entries = copyEntries(part.files, { owner: partOwner, mode, seconds })
      const all = [...parentsOf(entries, owner ?? rootOwner, state.epoch), ...entries]
      await apply(
        step.merged,
        async (write) => {
          for (const entry of all) {
            const waiting = write(encodeEntry(entry))
            if (waiting !== undefined) await waiting
          }
          await write(encodeEnd())
        },
        { ...stores.files, merge: true, source: part.tree.root, overlays },
      )
    }
    return await commitStep(stores, state, step)
  } finally {
    await remove(step.directory)
  }
}

/** WORKDIR: the directory is made when it is missing. */
export async function workdirStep(state: ImageState, path: string, stores: Stores): Promise<BuiltLayer | undefined> {
  const lower = await lowerOf(stores, state)
  const step = await openStep(stores)
  try {
    const target = toBytes(inImage(path))
    const directory: Entry = {
      type: 'directory',
      path: target,
      mode: 0o755,
      uid: 0,
      gid: 0,
      seconds: state.epoch,
      ifAbsent: true,
    }
    await apply(
      step.merged,
      async (write) => {
        if (target !== '') await write(encodeEntry(directory))
        await write(encodeEnd())
      },
      { ...stores.files, merge: true, overlays: [stepOverlay(step, lower)] },
    )
    return await commitStep(stores, state, step)
  } finally {
    await remove(step.directory)
  }
}
