// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline/promises'
import { text as readText } from 'node:stream/consumers'
import { DockError } from '../../bundles/error.ts'
import { configPath, eraseCredentials, storeCredentials } from '../../bundles/registry/credentials.ts'
import { checkLogin, readRegistrySettings } from '../../bundles/registry/registry.ts'
import type { CommandInvocation } from './command.ts'

/** `tsdock login` */
export async function runLogin({ positionals, text, isSet }: CommandInvocation): Promise<number> {
  const registry = positionals[0] ?? 'docker.io'
  const username = text('username') ?? (await ask('Username: '))
  let password = text('password')
  if (isSet('password-stdin')) {
    if (password !== undefined) throw new DockError('--password and --password-stdin are mutually exclusive')
    password = (await readText(process.stdin)).replace(/\r?\n$/, '')
  }
  password ??= await askHidden('Password: ')
  if (username === '' || password === '') throw new DockError('name and password must not be empty')
  await checkLogin(registry, { username, password }, await readRegistrySettings())
  const kept = await storeCredentials(registry, { username, password })
  if (kept === 'file') {
    process.stderr.write(
      `WARNING: the password is stored unencrypted in ${configPath()}; a credential helper (credsStore) keeps it better\n`,
    )
  }
  process.stdout.write('Login Succeeded\n')
  return 0
}

async function ask(question: string): Promise<string> {
  if (process.stdin.isTTY !== true)
    throw new DockError('there is no terminal to ask on: use --username and --password-stdin')
  const lines = createInterface({ input: process.stdin, terminal: false })
  try {
    process.stderr.write(question)
    return await lines.question('')
  } finally {
    lines.close()
  }
}

/** What is typed stays off the screen, also when the question is interrupted. */
async function askHidden(question: string): Promise<string> {
  const echo = (state: '-echo' | 'echo'): void => {
    spawnSync('stty', [state], { stdio: ['inherit', 'ignore', 'ignore'] })
  }
  const restore = (): never => {
    echo('echo')
    process.exit(130)
  }
  process.once('SIGINT', restore)
  echo('-echo')
  try {
    return await ask(question)
  } finally {
    echo('echo')
    process.stderr.write('\n')
    process.off('SIGINT', restore)
  }
}

/** `tsdock logout` */
export async function runLogout({ positionals }: CommandInvocation): Promise<number> {
  const registry = positionals[0] ?? 'docker.io'
  const known = await eraseCredentials(registry)
  process.stdout.write(known ? `Removing login credentials for ${registry}\n` : `Not logged in to ${registry}\n`)
  return 0
}
