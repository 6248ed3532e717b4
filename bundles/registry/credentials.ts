// SPDX-License-Identifier: Apache-2.0
// Who one is to a registry: ~/.docker/config.json, as docker, podman and skopeo keep it, and credential helpers.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { DockError, messageOf } from '../error.ts'

/** A name with a password, or a token that stands for both. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly identityToken: string }

interface DockerConfig {
  auths?: Record<string, { auth?: string; username?: string; password?: string; identitytoken?: string }>
  credsStore?: string
  credHelpers?: Record<string, string>
}

/** Docker Hub goes by the address of its first index there. */
const HUB_KEY = 'https://index.docker.io/v1/'

const keysOf = (registry: string): readonly string[] =>
  registry === 'docker.io'
    ? [HUB_KEY, 'docker.io', 'index.docker.io', 'registry-1.docker.io']
    : [registry, `https://${registry}`, `https://${registry}/v1/`, `https://${registry}/v2/`, `http://${registry}`]

export const configPath = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json')

async function readConfig(path: string): Promise<DockerConfig> {
  let config: unknown
  try {
    config = JSON.parse(await readFile(path, 'utf8'))
  } catch (e: unknown) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new DockError(`${path}: ${messageOf(e)}`)
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new DockError(`${path}: an object was expected`)
  return config as DockerConfig
}

/** Whole or not at all, and never readable to others; a symlink stays one. */
async function writeConfig(path: string, config: DockerConfig): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const target = await realpath(path).catch(() => path)
  const fresh = `${target}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(fresh, `${JSON.stringify(config, undefined, '\t')}\n`, { mode: 0o600, flag: 'wx' })
    await rename(fresh, target)
  } catch (e: unknown) {
    await rm(fresh, { force: true })
    throw e
  }
}

/** Runs docker-credential-NAME. Errors: DockError with what it says. */
async function callHelper(name: string, verb: 'get' | 'store' | 'erase', input: string): Promise<string> {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) throw new DockError(`the credential helper ${JSON.stringify(name)}`)
  const program = `docker-credential-${name}`
  const child = spawn(program, [verb], { stdio: ['pipe', 'pipe', 'inherit'] })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (e) => reject(new DockError(`${program}: ${e.message}; it is named in ${configPath()}`)))
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = (await Promise.race([once(child, 'close'), failed])) as [number | null]
  if (code !== 0) throw new DockError(`${program} ${verb}: ${said.trim() || `exit status ${code}`}`)
  return said
}

function fromHelper(text: string): Credentials | undefined {
  let answer: { Username?: string; Secret?: string } | null
  try {
    answer = JSON.parse(text) as typeof answer
  } catch {
    throw new DockError('a credential helper answered with something that is not JSON')
  }
  const { Username: username = '', Secret: secret = '' } = answer ?? {}
  if (secret === '') return undefined
  return username === '<token>' ? { identityToken: secret } : { username, password: secret }
}

/** What keeps the credentials of a key; undefined: the file itself. */
function helperFor(config: DockerConfig, key: string): string | undefined {
  const name = config.credHelpers?.[key] ?? config.credsStore
  return name === '' ? undefined : name
}

/** Errors: DockError; that a helper knows nothing is none. */
async function askHelper(name: string, key: string): Promise<Credentials | undefined> {
  try {
    return fromHelper(await callHelper(name, 'get', key))
  } catch (e: unknown) {
    if (/credentials not found/i.test(messageOf(e))) return undefined
    throw e
  }
}

function fromEntry(entry: NonNullable<DockerConfig['auths']>[string]): Credentials | undefined {
  if (entry.identitytoken) return { identityToken: entry.identitytoken }
  if (entry.auth) {
    const decoded = Buffer.from(entry.auth, 'base64').toString('utf8')
    const colon = decoded.indexOf(':')
    if (colon > 0) return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') }
  }
  if (entry.username === undefined || entry.password === undefined) return undefined
  return { username: entry.username, password: entry.password }
}

/** What is known about a registry; undefined: nobody has logged in. Errors: DockError. */
export async function findCredentials(registry: string, path = configPath()): Promise<Credentials | undefined> {
  const config = await readConfig(path)
  for (const key of keysOf(registry)) {
    const helper = helperFor(config, key)
    const found = helper === undefined ? undefined : await askHelper(helper, key)
    if (found !== undefined) return found
    const entry = config.auths?.[key]
    const kept = entry === undefined || entry === null ? undefined : fromEntry(entry)
    if (kept !== undefined) return kept
  }
  return undefined
}

/** Keeps what was entered at `login`: in the helper that the file names, else in the file. */
export async function storeCredentials(
  registry: string,
  { username, password }: { readonly username: string; readonly password: string },
  path = configPath(),
): Promise<'helper' | 'file'> {
  const config = await readConfig(path)
  const keys = keysOf(registry)
  // Where a helper is named for one of the ways to write the registry, it keeps it under that one.
  const key = keys.find((one) => config.credHelpers?.[one] !== undefined) ?? keys[0] ?? registry
  const helper = helperFor(config, key)
  if (helper !== undefined) {
    await callHelper(helper, 'store', JSON.stringify({ ServerURL: key, Username: username, Secret: password }))
    await writeConfig(path, { ...config, auths: { ...config.auths, [key]: {} } })
    return 'helper'
  }
  const auth = Buffer.from(`${username}:${password}`).toString('base64')
  await writeConfig(path, { ...config, auths: { ...config.auths, [key]: { auth } } })
  return 'file'
}

/** Forgets a registry. Returns whether anything was known about it. */
export async function eraseCredentials(registry: string, path = configPath()): Promise<boolean> {
  const config = await readConfig(path)
  let known = false
  for (const key of keysOf(registry)) {
    const helper = helperFor(config, key)
    if (helper === undefined || (await askHelper(helper, key)) === undefined) continue
    await callHelper(helper, 'erase', key)
    known = true
  }
  const listed = keysOf(registry).filter((key) => config.auths?.[key] !== undefined)
  if (listed.length === 0) return known
  const auths = Object.fromEntries(Object.entries(config.auths ?? {}).filter(([key]) => !listed.includes(key)))
  await writeConfig(path, { ...config, auths })
  return true
}
