// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  configPath,
  eraseCredentials,
  findCredentials,
  storeCredentials,
} from '../../../../bundles/registry/credentials.ts'
import { newDir } from '../../../helpers/work-dir.ts'

const newConfig = (config?: object | string): string => {
  const path = join(newDir('docker'), 'config.json')
  if (config !== undefined)
    writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config), { mode: 0o600 })
  return path
}

const readConfig = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const message = (promise: Promise<unknown>): Promise<string> => promise.then(String, (e: Error) => e.message)

/** A helper that keeps what it is told in a file. Its name is `docker-credential-fake`. */
function installHelper(): string {
  const directory = newDir('helper')
  const state = join(directory, 'state')
  mkdirSync(state)
  const path = join(directory, 'docker-credential-fake')
  writeFileSync(
    path,
    `#!/bin/sh
cd ${state} && echo "$1" >> calls
case $1 in
store) cat > new && name=$(sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/; s,/,_,g' new) && mv new "$name.json" ;;
get) read -r url; name=$(echo "$url" | sed 's,/,_,g').json
	if [ "$url" = broken.example ]; then echo 'the keyring is locked'; exit 1; fi
	if [ "$url" = odd.example ]; then echo 'not json'; exit 0; fi
	[ -f "$name" ] || { echo 'credentials not found in native keychain'; exit 1; }; cat "$name" ;;
erase) read -r url; rm "$(echo "$url" | sed 's,/,_,g').json" ;;
esac
`,
    { mode: 0o755 },
  )
  process.env['PATH'] = `${directory}${delimiter}${process.env['PATH']}`
  return state
}

const state = installHelper()

test('the file is where docker has it', () => {
  assert.is(configPath({ DOCKER_CONFIG: '/x' }), '/x/config.json')
  assert.match(configPath({}), /\/\.docker\/config\.json$/)
})

test('nobody has logged in', async () => {
  assert.is(await findCredentials('a.example', newConfig()), undefined)
  assert.is(await findCredentials('a.example', newConfig({})), undefined)
  assert.is(await findCredentials('a.example', newConfig({ auths: { 'a.example': {} } })), undefined)
  assert.is(await eraseCredentials('a.example', newConfig()), false)
})

test('login keeps, logout forgets, and neither touches what else is in the file', async () => {
  const path = newConfig({ auths: { 'b.example': { auth: base64('x:y') } }, HttpHeaders: { a: 'b' } })
  assert.is(await storeCredentials('a.example', { username: 'me', password: 'se:cret ü' }, path), 'file')
  assert.equal(await findCredentials('a.example', path), { username: 'me', password: 'se:cret ü' })
  assert.equal(await findCredentials('b.example', path), { username: 'x', password: 'y' })
  assert.is(await eraseCredentials('a.example', path), true)
  assert.is(await findCredentials('a.example', path), undefined)
  assert.is(await eraseCredentials('a.example', path), false)
  assert.equal(readConfig(path), { auths: { 'b.example': { auth: base64('x:y') } }, HttpHeaders: { a: 'b' } })
})

test('the file is for its owner alone, whatever the umask and its mode before', async () => {
  const before = process.umask(0)
  try {
    const path = join(newDir('home'), '.docker/config.json')
    await storeCredentials('a.example', { username: 'me', password: 'x' }, path)
    assert.is(statSync(path).mode & 0o777, 0o600)
    assert.is(statSync(join(path, '..')).mode & 0o777, 0o700)
    chmodSync(path, 0o644)
    await eraseCredentials('a.example', path)
    assert.is(statSync(path).mode & 0o777, 0o600)
    assert.equal(readdirSync(join(path, '..')), ['config.json'])
  } finally {
    process.umask(before)
  }
})

test('a file that is a symlink stays one', async () => {
  const target = newConfig({})
  const path = join(newDir('docker'), 'config.json')
  symlinkSync(target, path)
  await storeCredentials('a.example', { username: 'me', password: 'x' }, path)
  assert.ok(lstatSync(path).isSymbolicLink())
  assert.equal(await findCredentials('a.example', target), { username: 'me', password: 'x' })
})

test('names of Docker Hub, and of registries as others write them', async () => {
  const path = newConfig({
    auths: { 'https://index.docker.io/v1/': { auth: base64('hub:x') }, 'https://q.example': { auth: base64('q:y') } },
  })
  assert.equal(await findCredentials('docker.io', path), { username: 'hub', password: 'x' })
  assert.equal(await findCredentials('q.example', path), { username: 'q', password: 'y' })
  await storeCredentials('docker.io', { username: 'new', password: 'z' }, path)
  assert.equal(Object.keys(readConfig(path)['auths'] as object), ['https://index.docker.io/v1/', 'https://q.example'])
  assert.ok(await eraseCredentials('q.example', path))
})

test('other forms of an entry', async () => {
  const path = newConfig({
    auths: {
      'token.example': { auth: base64('me:x'), identitytoken: 'refresh' },
      'plain.example': { username: 'me', password: 'x' },
      'padded.example': { auth: base64('me:x\0\0') },
      'bad.example': { auth: base64('no colon') },
      'null.example': null,
    },
  })
  assert.equal(await findCredentials('token.example', path), { identityToken: 'refresh' })
  assert.equal(await findCredentials('plain.example', path), { username: 'me', password: 'x' })
  assert.equal(await findCredentials('padded.example', path), { username: 'me', password: 'x' })
  assert.is(await findCredentials('bad.example', path), undefined)
  assert.is(await findCredentials('null.example', path), undefined)
})

test('a damaged file is told, and not overwritten', async () => {
  for (const text of ['{', '[]', 'null', '5']) {
    const path = newConfig(text)
    assert.match(await message(findCredentials('a', path)), new RegExp(`^${path}: `))
    assert.match(await message(storeCredentials('a', { username: 'x', password: 'y' }, path)), new RegExp(`^${path}: `))
    assert.is(readFileSync(path, 'utf8'), text)
  }
})

test('a helper for all registries', async () => {
  const path = newConfig({ credsStore: 'fake', auths: { 'old.example': { auth: base64('old:x') } } })
  assert.is(await storeCredentials('a.example', { username: 'me', password: 'secret' }, path), 'helper')
  assert.not.match(readFileSync(path, 'utf8'), /secret|c2VjcmV0/)
  assert.equal(readConfig(path)['auths'], { 'old.example': { auth: base64('old:x') }, 'a.example': {} })
  assert.equal(await findCredentials('a.example', path), { username: 'me', password: 'secret' })
  assert.equal(await findCredentials('old.example', path), { username: 'old', password: 'x' })
  assert.ok(await eraseCredentials('a.example', path))
  assert.is(await findCredentials('a.example', path), undefined)
  assert.equal(Object.keys(readConfig(path)['auths'] as object), ['old.example'])
})

test('a helper for one registry, and a token in it', async () => {
  const path = newConfig({ credHelpers: { 'h.example': 'fake', 'docker.io': 'fake' } })
  assert.is(await storeCredentials('other.example', { username: 'me', password: 'x' }, path), 'file')
  assert.is(await storeCredentials('h.example', { username: '<token>', password: 'refresh' }, path), 'helper')
  assert.equal(await findCredentials('h.example', path), { identityToken: 'refresh' })
  assert.is(await storeCredentials('docker.io', { username: 'me', password: 'x' }, path), 'helper')
  assert.equal(await findCredentials('docker.io', path), { username: 'me', password: 'x' })
  assert.ok(await eraseCredentials('docker.io', path))
  assert.is(await findCredentials('docker.io', path), undefined)
  assert.match(readFileSync(join(state, 'calls'), 'utf8'), /erase/)
})

test('helpers that fail, are missing or have no name of a program are told', async () => {
  const helpers = {
    'broken.example': 'fake',
    'odd.example': 'fake',
    'missing.example': 'is-not-here',
    'bad.example': '../../bin/sh',
  }
  const path = newConfig({ credHelpers: helpers })
  assert.match(
    await message(findCredentials('broken.example', path)),
    /docker-credential-fake get: the keyring is locked/,
  )
  assert.match(await message(findCredentials('odd.example', path)), /not JSON/)
  assert.match(
    await message(findCredentials('missing.example', path)),
    /docker-credential-is-not-here: .*(ENOENT|not found)/,
  )
  assert.match(await message(findCredentials('bad.example', path)), /the credential helper "\.\.\/\.\.\/bin\/sh"/)
})

test.run()
