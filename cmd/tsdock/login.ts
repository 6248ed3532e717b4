// SPDX-License-Identifier: Apache-2.0
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
  password ??= await ask('Password: ')
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
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(question)
  } finally {
    lines.close()
  }
}

/** `tsdock logout` */
export async function runLogout({ positionals }: CommandInvocation): Promise<number> {
  const registry = positionals[0] ?? 'docker.io'
  const known = await eraseCredentials(registry)
  process.stdout.write(known ? `Removing login credentials for ${registry}\n` : `Not logged in to ${registry}\n`)
  return 0
}
