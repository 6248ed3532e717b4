// SPDX-License-Identifier: Apache-2.0
import { readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { defaultMounts, type Json, makeRootfs, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, newContainer, newSource } from '../helpers/container.ts'
import { callRuntime } from '../helpers/runtime.ts'
import { assertFailure, type Failure, hostSuite, type TestOptions } from '../helpers/suite.ts'
import { newDir, newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('failures')

/** A broken bundle: `create` fails with one message, and nothing is left in the bundle either. */
function broken(
  title: string,
  patch: Json | (() => Json),
  failure: Failure,
  options: TestOptions & { flags?: readonly string[] } = {},
): void {
  test(
    title,
    () => {
      const container = newContainer(typeof patch === 'function' ? patch() : patch)
      const before = readdirSync(container.bundle).sort()
      const outcome = container.create(options.flags ?? [])
      if (outcome.status === 0) {
        mustSucceed(container.delete(['--force']))
      }
      assertFailure(outcome, failure)
      assert.equal(readdirSync(container.bundle).sort(), before)
      assert.equal(readdirSync(join(container.pidFile, '..')), [])
      assertFailure(container.call('state'), { text: /does not exist/ })
    },
    options,
  )
}

function mount(more: Json): Json {
  return { mounts: [...defaultMounts, { destination: '/home', type: 'tmpfs', source: 'tmpfs', ...more }] }
}

broken(
  'root.path is absent',
  { root: { path: '/no/such/rootfs' } },
  {
    text: /no such file or directory/,
    tsrun: /root\.path.*"?\/no\/such\/rootfs.*ENOENT/,
  },
)
broken('root.path is a file', () => ({ root: { path: join(newSource({ file: '' }), 'file') } }), {
  text: /not a directory/i,
  tsrun: /root\.path.*ENOTDIR/,
})
broken(
  'root.path is a symbolic link',
  () => {
    const link = newPath('link')
    symlinkSync(makeRootfs(), link)
    return { root: { path: link } }
  },
  { tsrun: /root\.path.*(ELOOP|ENOTDIR|symbolic link)/ },
)
broken('root is missing', { root: undefined }, { tsrun: /root/ })
broken(
  'ociVersion is missing',
  { ociVersion: undefined },
  { tsrun: /ociVersion/ },
  { differsFrom: { runc: 'does not look at it' } },
)
broken(
  'ociVersion is of another major version',
  { ociVersion: '2.0.0' },
  { tsrun: /ociVersion.*2\.0\.0/ },
  { differsFrom: { runc: 'does not look at it' } },
)
broken('a field has the wrong type', { process: { args: 'true' } }, { tsrun: /process\.args/ })
broken('the mount source is absent', mount({ type: 'bind', source: '/no/such/source', options: ['bind'] }), {
  text: /no such file or directory/,
  tsrun: /mounts\[6\] \(\/home\): open_tree \\?"\/no\/such\/source\\?": no such file or directory \(ENOENT\)/,
})
broken(
  'a directory is mounted over a file',
  () => ({
    mounts: [...defaultMounts, { destination: '/etc/passwd', source: newDir('source'), options: ['bind'] }],
  }),
  { text: /not a directory/, tsrun: /mounts\[6\] \(\/etc\/passwd\).*ENOTDIR/ },
)
broken(
  'a file is mounted over a directory',
  () => ({
    mounts: [
      ...defaultMounts,
      { destination: '/home', source: join(newSource({ file: '' }), 'file'), options: ['bind'] },
    ],
  }),
  { text: /not a directory/, tsrun: /mounts\[6\] \(\/home\).*ENOTDIR/ },
  { differsFrom: { 'runc<1.3': 'says "are you trying to mount..." on start only' } },
)
broken(
  'a mount has no destination',
  { mounts: [...defaultMounts, { type: 'tmpfs', source: 'tmpfs' }] },
  { tsrun: /mounts\[6\].*destination/ },
  {
    differsFrom: { 'runc<1.3': 'mounts it over the root' },
  },
)
broken(
  '/proc in the rootfs is a symbolic link',
  () => {
    const rootfs = makeRootfs()
    rmSync(join(rootfs, 'proc'), { recursive: true })
    symlinkSync('/tmp', join(rootfs, 'proc'))
    return { root: { path: rootfs } }
  },
  { tsrun: /mounts\[0\] \(\/proc\).*(ENOTDIR|ELOOP|symbolic link|symlink)/ },
)
broken('an unknown mount option', mount({ options: ['nosuchoption=1'] }), {
  tsrun: /mounts\[6\] \(\/home\).*nosuchoption.*EINVAL/,
})
broken(
  'data for a bind mount',
  mount({ type: 'bind', source: '/tmp', options: ['bind', 'hidepid=2'] }),
  { tsrun: /mounts\[6\].*hidepid=2/ },
  {
    differsFrom: { 'runc<1.3': 'passes it on and the kernel ignores it' },
  },
)
broken(
  'the mount destination lies below a file',
  () => ({
    mounts: [...defaultMounts, { destination: '/etc/passwd/below', type: 'tmpfs', source: 'tmpfs' }],
  }),
  { text: /not a directory/, tsrun: /mounts\[6\].*ENOTDIR/ },
)
broken('the program is absent', withArgs(['no-such-program']), {
  text: /executable file not found in \$PATH/,
  tsrun: /process\.args.*no-such-program/,
})
broken('the program is absent, by path', withArgs(['/no/such/program']), {
  text: /no such file or directory/,
  tsrun: /process\.args.*\/no\/such\/program.*ENOENT/,
})
broken('the program is a directory', withArgs(['/bin']), {
  text: /is a directory|permission denied/,
  tsrun: /process\.args.*\/bin.*(EISDIR|EACCES)/,
})
broken('the program is not executable', withArgs(['/etc/passwd']), {
  text: /permission denied/,
  tsrun: /process\.args.*\/etc\/passwd.*EACCES/,
})
broken(
  'cwd is a file',
  { process: { cwd: '/etc/passwd' } },
  { text: /not a directory/, tsrun: /process\.cwd.*ENOTDIR/ },
)
broken(
  'a sysctl that does not exist',
  { linux: { sysctl: { 'net.no.such': '1' } } },
  { text: /no such file/, tsrun: /sysctl.*net\.no\.such.*ENOENT/ },
)
broken(
  'a hook fails',
  { hooks: { createRuntime: [{ path: '/bin/false' }] } },
  { tsrun: /createRuntime hook #0.*exit(ed)?.*1/ },
)
broken(
  'a hook is a directory',
  { hooks: { createRuntime: [{ path: '/tmp' }] } },
  { tsrun: /createRuntime hook #0.*(EACCES|EISDIR)/ },
)
broken(
  'a hook takes longer than its timeout',
  { hooks: { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '60'], timeout: 1 }] } },
  { text: /timeout of 1(\.0)?s|hook/, tsrun: /createRuntime hook #0.*timeout/ },
)
broken(
  'a device number is not free for use',
  { linux: { devices: [{ path: '/dev/x', type: 'z' }] } },
  { tsrun: /linux\.devices\[0\]/ },
)
broken(
  'a device path is taken by a directory',
  { linux: { devices: [{ path: '/dev/shm', type: 'c', major: 1, minor: 3 }] } },
  {
    tsrun: /linux\.devices\[0\].*\/dev\/shm/,
  },
  { differsFrom: { runc: 'takes whatever is there for the device' } },
)
broken(
  'cgroupsPath of a controller that refuses',
  { linux: { resources: { cpu: { cpus: '999' } } } },
  { tsrun: /cpuset|cpus/ },
)
broken(
  'a cgroupsPath that leaves the hierarchy',
  { linux: { cgroupsPath: '/../../x' } },
  { tsrun: /cgroupsPath/ },
  {
    differsFrom: { runc: 'takes the cleaned path' },
  },
)
broken(
  'a console socket that is absent',
  { process: { terminal: true, args: ['true'] } },
  {
    text: /no such file or directory/,
    tsrun: /console-socket.*\/no\/such\/socket.*ENOENT/,
  },
  { flags: ['--console-socket', '/no/such/socket'] },
)
broken(
  'a console socket that is a file',
  { process: { terminal: true, args: ['true'] } },
  {
    tsrun: /console-socket.*(ECONNREFUSED|ENOTSOCK|EACCES)/,
  },
  { flags: ['--console-socket', '/etc/passwd'] },
)
broken(
  'a pid file that cannot be written',
  withArgs(['true']),
  {
    text: /no such file or directory/,
    tsrun: /pid-file.*ENOENT/,
  },
  { flags: ['--pid-file', '/no/such/dir/pid'] },
)
broken(
  'a seccomp listener that is absent',
  {
    linux: {
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: '/no/such/socket',
        syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
      },
    },
  },
  { tsrun: /listenerPath.*ENOENT/ },
)
broken(
  'a namespace path that is absent',
  {
    linux: {
      namespaces: [
        { type: 'mount' },
        { type: 'uts' },
        { type: 'ipc' },
        { type: 'network' },
        { type: 'pid', path: '/no/such/ns' },
      ],
    },
  },
  {
    text: /no such file or directory/,
    tsrun: /namespaces.*pid.*\/no\/such\/ns.*ENOENT/,
  },
)

test('config.json is absent', () => {
  const container = newContainer()
  rmSync(join(container.bundle, 'config.json'))
  assertFailure(container.create(), { text: /config\.json/, tsrun: /config\.json.*ENOENT/ })
})

for (const [title, text] of [
  ['empty', ''],
  ['cut off', '{ "ociVersion": "1.0.2", "process": {'],
  ['not JSON', 'hello'],
  ['not an object', '[1]'],
  ['null', 'null'],
  ['deeply nested', '['.repeat(100_000)],
] as const) {
  test(
    `config.json is ${title}`,
    () => {
      const container = newContainer()
      writeFileSync(join(container.bundle, 'config.json'), text)
      assertFailure(container.create(), { tsrun: /config\.json/ })
    },
    text === 'null' ? { differsFrom: { 'runc<1.3': 'panics' } } : {},
  )
}

test('the bundle is absent, a file, or has no config', () => {
  const container = newContainer()
  assertFailure(callRuntime(['create', '--bundle', '/no/such/bundle', container.id]), {
    text: /no such file or directory/,
  })
  assertFailure(callRuntime(['create', '--bundle', '/etc/passwd', container.id]), { text: /not a directory/ })
})

test(
  'all problems of a config are told at once, with pointer and section',
  () => {
    const container = newContainer({ process: { cwd: 'relative', args: [] }, linux: { rootfsPropagation: 'sideways' } })
    const outcome = container.create()
    assertFailure(outcome, { tsrun: /cwd/ })
    assert.match(outcome.stderr, /process\.args|\/process\/args/)
    assert.match(outcome.stderr, /rootfsPropagation/)
  },
  { differsFrom: { runc: 'tells the first one' } },
)

test(
  'start of a file that has the wrong architecture',
  () => {
    const rootfs = makeRootfs()
    // ELF, 64 bit, machine 0xF00D.
    const header = Buffer.alloc(64)
    header.write('\x7fELF\x02\x01\x01', 'latin1')
    header.writeUInt16LE(2, 16)
    header.writeUInt16LE(0xf00d, 18)
    writeFileSync(join(rootfs, 'bin/alien'), header, { mode: 0o755 })
    expectExecFailure(rootfs, ['alien'], /exec format error|architecture/, /(alien).*(ENOEXEC|exec format error)/)
  },
  { differsFrom: { runc: 'run ends with 255 then, and start does not wait for execve' } },
)

for (const [title, script, text] of [
  ['whose interpreter is missing', '#!/no/such/interpreter\n', /\/no\/such\/interpreter/],
  ['with carriage returns', '#!/bin/sh\r\necho hello\r\n', /CRLF|carriage return|\\r/],
] as const) {
  test(
    `start of a script ${title}`,
    () => {
      const rootfs = makeRootfs()
      writeFileSync(join(rootfs, 'bin/script'), script, { mode: 0o755 })
      expectExecFailure(rootfs, ['script'], /no such file or directory/, text)
    },
    { differsFrom: { runc: 'run ends with 255 then, and start does not wait for execve' } },
  )
}

test(
  'start of an empty executable file',
  () => {
    const rootfs = makeRootfs()
    writeFileSync(join(rootfs, 'bin/empty'), '', { mode: 0o755 })
    expectExecFailure(rootfs, ['empty'], /exec format error/, /ENOEXEC|exec format error/)
  },
  { differsFrom: { runc: 'run ends with 255 then, and start does not wait for execve' } },
)

/** execve itself fails: `run` says so, and so does `start`. */
function expectExecFailure(rootfs: string, args: readonly string[], text: RegExp, tsrun: RegExp): void {
  assertFailure(newContainer(withArgs(args, { root: { path: rootfs } })).run(), { text, tsrun })
  const container = newContainer(withArgs(args, { root: { path: rootfs } }))
  mustSucceed(container.create())
  try {
    assertFailure(container.start(), { text, tsrun })
    assert.is(container.status(), 'stopped')
  } finally {
    mustSucceed(container.delete(['--force']))
  }
}

test('--root that is a file, or /', () => {
  const container = newContainer(withArgs(['true']))
  const file = newPath('file')
  writeFileSync(file, '')
  assertFailure(callRuntime(['create', '--bundle', container.bundle, container.id], { root: join(file, 'below') }), {
    text: /not a directory/,
  })
})

test('an id that is a path', () => {
  const container = newContainer(withArgs(['true']))
  assertFailure(callRuntime(['create', '--bundle', container.bundle, '../up']), { text: /invalid container ID/i })
})

test('an id that is taken is free again after delete', () => {
  const container = newContainer(withArgs(['true']))
  mustSucceed(container.create())
  assertFailure(container.create(), { text: /already exists/ })
  mustSucceed(container.delete(['--force']))
  mustSucceed(container.create())
  mustSucceed(container.delete(['--force']))
})

run()
