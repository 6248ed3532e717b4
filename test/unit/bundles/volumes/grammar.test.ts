// SPDX-License-Identifier: Apache-2.0
// What is written behind -v, --mount, --tmpfs and --volumes-from: Docker's documented cases, and its words for wrong ones.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DockError } from '../../../../bundles/error.ts'
import { parseCsvLine } from '../../../../bundles/volumes/csv.ts'
import { parseMountFlag } from '../../../../bundles/volumes/mount-flag.ts'
import { checkDuplicates, type MountRequest } from '../../../../bundles/volumes/mount-request.ts'
import { mergeTmpfsOptions, parseTmpfsFlag, tmpfsSize } from '../../../../bundles/volumes/tmpfs-options.ts'
import { parseVolumeFlag, parseVolumesFrom } from '../../../../bundles/volumes/volume-flag.ts'

const volume = (text: string): MountRequest => parseVolumeFlag(text, '/here/now')
const mount = (text: string): MountRequest => parseMountFlag(text, '/here/now')

function fails(job: () => unknown, words: string): void {
  try {
    job()
  } catch (e: unknown) {
    assert.ok(e instanceof DockError, String(e))
    assert.is(e.exitCode, 125)
    assert.ok(e.message.includes(words), `${e.message} does not say ${words}`)
    return
  }
  assert.unreachable(`no error: ${words}`)
}

test('-v: what Docker takes', () => {
  for (const text of [
    '/home',
    '/home:/home',
    '/home:/something/else',
    '/with space',
    '/home:/with space',
    'relative:/absolute-path',
    'hostPath:/containerPath:ro',
    '/hostPath:/containerPath:rw',
    '/rw:/ro',
    ...['shared', 'rshared', 'slave', 'rslave', 'private', 'rprivate'].map((mode) => `/a:/b:${mode}`),
    ...['ro,shared', 'ro,z,shared', 'Z,ro,slave', 'slave,Z,ro', 'ro,rshared,Z'].map((mode) => `/a:/b:${mode}`),
    ...['cached', 'delegated', 'consistent', 'ro,cached'].map((mode) => `/a:/b:${mode}`),
  ])
    assert.not.throws(() => volume(text), text)
})

test('-v: what Docker refuses', () => {
  const invalid = 'invalid volume specification'
  for (const text of ['', ':', '/tmp:', ':test', ':/test', 'tmp:', ':test:', '::', ':::', '/tmp:::', ':/tmp::'])
    fails(() => volume(text), invalid)
  for (const text of ['/path:rw', '/path:ro', '/rw:rw', 'path:ro', '/path:shared', '/path:slave', '/path:private'])
    fails(() => volume(text), invalid)
  for (const mode of ['shared', 'rshared', 'slave', 'rslave', 'private', 'rprivate'])
    fails(() => volume(`name:/absolute-path:${mode}`), invalid)
  for (const text of ['./', '../', '/:../', '/:path', '/tmp:tmp'])
    fails(() => volume(text), 'mount path must be absolute')
  for (const mode of ['sw', 'rwz', 'ro,rshared,rslave', 'ro,z,rshared,rslave', 'ro,rw', 'z,Z'])
    fails(() => volume(`/path:/path:${mode}`), `invalid mode: ${mode}`)
  for (const text of ['/', '/a:/', 'a:/..']) fails(() => volume(text), "destination can't be '/'")
  fails(() => volume('/a:/b:nocopy'), invalid)
})

test('-v: what it means', () => {
  const bind = volume('/tmp:/tmp2/:ro')
  assert.equal(
    [bind.type, bind.source, bind.target, bind.readonly, bind.mode, bind.details],
    ['bind', '/tmp', '/tmp2', true, 'ro', { CreateSource: true }],
  )
  const named = volume('name:/named:nocopy')
  assert.equal([named.type, named.source, named.readonly, named.details], ['volume', 'name', false, { NoCopy: true }])
  const anonymous = volume('/data')
  assert.equal([anonymous.type, anonymous.source, anonymous.weak], ['volume', '', true])
  assert.is(volume('/a:/b:rslave').propagation, 'rslave')
})

test('-v: paths that begin with a dot are those of the caller', () => {
  assert.is(volume('./x:/y').source, '/here/now/x')
  assert.is(volume('../x:/y').source, '/here/x')
  assert.is(volume('.:/y').source, '/here/now')
  assert.is(volume('..:/y').source, '/here')
  assert.is(volume('x/y:/y').type, 'volume')
})

test('--mount: what it means', () => {
  for (const text of [
    'type=bind,src=/source,dst=/target',
    'type=bind,source=/source,target=/target',
    'type=bind,source=/source,destination=/target',
    'type=BIND,source=/source,destination=/target,bind-recursive=enabled',
  ]) {
    const { type, source, target, details } = mount(text)
    assert.equal([type, source, target, details], ['bind', '/source', '/target', {}])
  }
  assert.is(mount('target=/target,source=foo').type, 'volume')
  for (const [written, path] of [
    ['.', '/here/now'],
    ['./', '/here/now'],
    ['..', '/here'],
    ['../', '/here'],
  ])
    assert.is(mount(`type=bind,source=${written},target=/t`).source, path)
  assert.equal(mount('type=volume,target=/foo,volume-label=foo=foo-value,volume-label=bar').labels, {
    foo: 'foo-value',
    bar: '',
  })
  const local = mount('type=volume,"volume-opt=o=addr=1.2.3.4,rw",volume-opt=type=nfs,volume-driver=local,src=v,dst=/v')
  assert.equal([local.driver, local.driverOptions], ['local', { o: 'addr=1.2.3.4,rw', type: 'nfs' }])
  assert.is(mount('type=volume,src=v,dst=/v,volume-subpath=a/b').details.Subpath, 'a/b')
  for (const text of [
    'type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=0700',
    'type=tmpfs,dst=/t,tmpfs-size=1MB,tmpfs-mode=700',
  ])
    assert.is(mount(text).details.Tmpfs, 'size=1m,mode=700')
  assert.is(mount('type=tmpfs,dst=/t,ro').details.Tmpfs, 'ro')
})

test('--mount: yes and no', () => {
  for (const word of ['readonly', 'readonly=1', 'readonly=true', 'ro', 'ro=1', 'ro=true'])
    assert.is(mount(`type=bind,target=/foo,source=/foo,${word}`).readonly, true, word)
  for (const word of ['readonly=0', 'readonly=false', 'ro=0', 'ro=false'])
    assert.is(mount(`type=bind,target=/foo,source=/foo,${word}`).readonly, false, word)
  for (const value of ['', ' true', 'no'])
    fails(() => mount(`type=bind,target=/f,source=/f,readonly=${value}`), `invalid value for readonly: ${value}`)
  assert.is(mount('type=volume,target=/foo,source=foo,volume-nocopy').details.NoCopy, true)
  assert.is(mount('type=volume,target=/foo,source=foo,volume-nocopy=0').details.NoCopy, false)
  fails(() => mount('type=volume,target=/foo,source=foo,volume-nocopy=no'), 'invalid value for volume-nocopy: no')
})

test('--mount: what Docker refuses', () => {
  for (const [text, words] of [
    ['type=tmpfs', 'target is required'],
    ['type=volume,source=/foo', 'target is required'],
    ['type=volume,target=/foo,bogus=foo', "unexpected key 'bogus' in 'bogus=foo'"],
    ['type=volume, src=/foo,target=/foo', "unexpected key ' src' in ' src=/foo'"],
    ['type=volume,src =/foo,target=/foo', "unexpected key 'src ' in 'src =/foo'"],
    ['type=volume,target=/foo,bogus', "invalid field 'bogus' must be a key=value pair"],
    ['type=tmpfs,target=/foo,tmpfs-size=foo', 'invalid value for tmpfs-size: foo'],
    ['type=tmpfs,target=/foo,tmpfs-mode=foo', 'invalid value for tmpfs-mode: foo'],
    [
      'type=volume,target=/f,source=/f,bind-propagation=rprivate',
      "cannot mix 'bind-*' options with mount type 'volume'",
    ],
    ['type=bind,target=/f,source=/f,volume-nocopy=true', "cannot mix 'volume-*' options with mount type 'bind'"],
    ['type=bind,target=/f,source=/f,tmpfs-size=1', "cannot mix 'tmpfs-*' options with mount type 'bind'"],
    ['type=bind,target=/f', 'invalid mount config for type "bind": field Source must not be empty'],
    ['type=bind,target=/f,source=f', "invalid mount path: 'f' mount path must be absolute"],
    ['type=bind,target=f,source=/f', "invalid mount path: 'f' mount path must be absolute"],
    ['type=bind,target=/f,source=/f,bind-propagation=x', 'invalid propagation mode: x'],
    ['type=tmpfs,target=/f,source=/f', 'field Source must not be specified'],
    ['type=volume,target=/f,ro', 'must not set ReadOnly mode when using anonymous volumes'],
    ['type=volume,target=/f,source=v,volume-subpath=../x', 'subpath must be a relative path within the volume'],
    ['type=volume,target=/f,source=v,volume-subpath=/x', 'subpath must be a relative path within the volume'],
    ['type=volume,target=/f,volume-subpath=x', 'must not set Subpath when using anonymous volumes'],
    ['type=npipe,target=/f', 'mount type unknown'],
    ['type=bind,source=/f,target=/b,bind-recursive=writable', "requires 'readonly' to be specified in conjunction"],
    ['type=bind,source=/f,target=/b,bind-recursive=readonly,ro', "requires 'bind-propagation=rprivate'"],
    ['type=bind,source=/f,target=/b,bind-recursive=x', 'must be "enabled", "disabled", "writable", or "readonly"'],
    ['type=bind,source="/f",target=/b', 'bare " in non-quoted field'],
  ] as const)
    fails(() => mount(text), words)
})

test('--mount is comma-separated values', () => {
  assert.equal(parseCsvLine('a,"b,""c""",,d'), ['a', 'b,"c"', '', 'd'])
  assert.equal(parseCsvLine('"a"'), ['a'])
  assert.equal(parseCsvLine('a,'), ['a', ''])
  for (const text of ['"a', '"a"b', '"a"b,c'])
    fails(() => parseCsvLine(text), 'extraneous or missing " in quoted-field')
  fails(() => parseCsvLine('a"b'), 'bare " in non-quoted field')
})

test('--tmpfs', () => {
  assert.equal(
    [parseTmpfsFlag('/run').target, parseTmpfsFlag('/run:rw,size=1g,mode=1777').details.Tmpfs],
    ['/run', 'rw,size=1g,mode=1777'],
  )
  fails(() => parseTmpfsFlag('run'), "invalid mount path: 'run' mount path must be absolute")
  fails(() => parseTmpfsFlag('/run:foo'), 'invalid tmpfs option ["foo"]')
  fails(() => parseTmpfsFlag('/run:foo=1'), 'invalid tmpfs option ["foo=1"]')
  assert.equal(mergeTmpfsOptions(['noexec', 'nosuid', 'nodev', 'rw', 'exec', 'size=1k', 'ro', 'size=2k']), [
    'nosuid',
    'nodev',
    'exec',
    'ro',
    'size=2k',
  ])
  assert.equal([2 ** 30, 3 * 2 ** 20, 1024, 1000].map(tmpfsSize), ['1g', '3m', '1k', '1000'])
})

test('--volumes-from', () => {
  assert.equal(parseVolumesFrom('c'), { container: 'c', readonly: false })
  assert.equal(parseVolumesFrom('c:ro'), { container: 'c', readonly: true })
  assert.equal(parseVolumesFrom('c:z'), { container: 'c', readonly: false })
  for (const mode of ['x', 'shared', 'nocopy']) fails(() => parseVolumesFrom(`c:${mode}`), `invalid mode: ${mode}`)
  fails(() => parseVolumesFrom(''), 'volumes-from specification cannot be an empty string')
})

test('a place is taken once', () => {
  fails(() => checkDuplicates([volume('/a:/x'), mount('type=tmpfs,dst=/x/')]), 'Duplicate mount point: /x')
  assert.not.throws(() => checkDuplicates([volume('/x'), volume('/x'), volume('/a:/x'), volume('/a:/y')]))
})

test.run()
