// SPDX-License-Identifier: Apache-2.0
// What create and run make of bundles, configs and flags.

import { defaultMounts } from '../../bundle.ts'
import type { Case } from '../case.ts'

const noFile = 'no such file or directory'

const bundles: readonly Case[] = [
  { line: 'create $ID', on: 'bundle', config: null, words: 'JSON specification file config.json not found' },
  { line: 'run $ID', on: 'bundle', config: null, words: 'JSON specification file config.json not found' },
  { line: 'create --bundle $DIR/none $ID', on: 'bundle', words: noFile },
  { line: 'create --bundle none $ID', on: 'bundle', words: noFile },
  { line: 'create --bundle $DIR/file $ID', on: 'bundle', files: { file: '' }, words: 'not a directory' },
  { line: ['create', '--bundle', '', '$ID'], on: 'bundle' },
  { line: 'create --bundle . $ID', on: 'bundle' },
  { line: 'create -b $DIR $ID', on: 'bundle' },
  { line: 'create -bundle=$DIR $ID', on: 'bundle' },
  { line: 'create --bundle $DIR/none --bundle $DIR $ID', on: 'bundle' },
]

function wrong(title: string, config: Case['config'], words?: string, verb = 'create'): Case {
  return { line: `${verb} $ID`, on: 'bundle', title, config: config ?? {}, ...(words !== undefined && { words }) }
}

const process = (patch: object): Case['config'] => ({ process: patch as never })
const mount = (patch: object): Case['config'] => ({ mounts: [...defaultMounts, patch] as never })

const configs: readonly Case[] = [
  wrong('config.json is empty', ''),
  wrong('config.json is no JSON', '{'),
  wrong('config.json is a list', '[]'),
  wrong('config.json is null', 'null'),
  wrong('config.json is an empty object', '{}'),
  wrong('config.json has something behind it', '{"ociVersion": "1.0.2"} x'),
  wrong('a field has another type', { ociVersion: 1 }),
  wrong('args is text', process({ args: 'sleep' })),
  wrong('no process', { process: undefined }),
  wrong('no args', process({ args: [] })),
  wrong('no root', { root: undefined }),
  wrong('no cwd', process({ cwd: '' })),
  wrong('a relative cwd', process({ cwd: 'tmp' })),
  wrong('a cwd that is not there and cannot be made', process({ cwd: '/proc/none' })),
  wrong('no such rootfs', { root: { path: '/no/such/rootfs' } }, noFile),
  wrong('the rootfs is a file', { root: { path: '$DIR/config.json' } }),
  wrong('no linux', { linux: undefined }),
  wrong('an unknown namespace', { linux: { namespaces: [{ type: 'nosuch' }] } }),
  wrong('the same namespace twice', { linux: { namespaces: [{ type: 'mount' }, { type: 'mount' }, { type: 'pid' }] } }),
  wrong(
    'no such namespace',
    { linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }, { type: 'pid', path: '/no/such/ns' }] } },
    noFile,
  ),
  wrong('hostname without uts', { linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] } }),
  wrong(
    'no mount source',
    mount({ destination: '/tmp', type: 'bind', source: '/no/such/source', options: ['bind'] }),
    noFile,
  ),
  wrong('an unknown file system', mount({ destination: '/tmp', type: 'nosuchfs', source: 'x' }), 'no such device'),
  wrong('a mount over /proc', mount({ destination: '/proc', type: 'bind', source: '/tmp', options: ['bind'] })),
  wrong('options of a tmpfs on a bind', mount({ destination: '/tmp', source: '/tmp', options: ['bind', 'size=1k'] })),
  wrong('an unknown option of a bind', mount({ destination: '/tmp', source: '/tmp', options: ['bind', 'noexce'] })),
  wrong('an unknown rlimit', process({ rlimits: [{ type: 'RLIMIT_NOSUCH', soft: 1, hard: 1 }] })),
  wrong('an unknown sysctl', { linux: { sysctl: { 'kernel.nosuch': '1' } } }),
  wrong('a sysctl of the host', { linux: { sysctl: { 'vm.swappiness': '1' } } }),
  wrong('a seccomp action that there is not', { linux: { seccomp: { defaultAction: 'SCMP_ACT_NOSUCH' } } }),
  wrong('a hook that is not there', { hooks: { createRuntime: [{ path: '/no/such/hook' }] } }, noFile),
  wrong('a hook that fails', { hooks: { createRuntime: [{ path: '/bin/false' }] } }, 'exit status 1'),
  wrong('a hook that takes too long', {
    hooks: { prestart: [{ path: '/bin/sleep', args: ['sleep', '5'], timeout: 1 }] },
  }),
  wrong('a cgroup path with ..', { linux: { cgroupsPath: '../x' } }),
  wrong(
    'program not found',
    process({ args: ['no-such-program'] }),
    'exec: "no-such-program": executable file not found in $PATH',
  ),
  wrong(
    'program not found by path',
    process({ args: ['/no/such/program'] }),
    'exec: "/no/such/program": stat /no/such/program: no such file or directory',
  ),
  wrong('program not executable', process({ args: ['/etc/passwd'] }), 'exec: "/etc/passwd": permission denied'),
  wrong('program is a directory', process({ args: ['/etc'] }), 'exec: "/etc": is a directory'),
  wrong(
    'run: program not found',
    process({ args: ['no-such-program'] }),
    'exec: "no-such-program": executable file not found in $PATH',
    'run',
  ),
  wrong('run: no such rootfs', { root: { path: '/no/such/rootfs' } }, noFile, 'run'),
  wrong('run: a hook that fails', { hooks: { createRuntime: [{ path: '/bin/false' }] } }, 'exit status 1', 'run'),
]

const runs: readonly Case[] = [
  wrong('status 0', process({ args: ['true'] }), undefined, 'run'),
  wrong('status 7', process({ args: ['sh', '-c', 'echo out; echo err >&2; exit 7'] }), undefined, 'run'),
  wrong('status 255', process({ args: ['sh', '-c', 'exit 255'] }), undefined, 'run'),
  wrong('killed', process({ args: ['sh', '-c', 'kill -KILL $$'] }), undefined, 'run'),
  wrong(
    'terminated',
    process({ args: ['sh', '-c', 'kill -TERM $$; kill -USR1 $$; true'] }),
    undefined,
    'run --no-subreaper',
  ),
  { line: 'run --keep $ID', on: 'bundle', config: process({ args: ['true'] }) ?? {} },
  { line: 'run --detach --pid-file $DIR/pid $ID', on: 'bundle', look: ['pid'] },
  { line: 'run -d -pid-file=$DIR/pid $ID', on: 'bundle', look: ['pid'] },
  { line: 'run --detach=false $ID', on: 'bundle', config: process({ args: ['true'] }) ?? {} },
  { line: 'run --keep=false $ID', on: 'bundle', config: process({ args: ['true'] }) ?? {} },
]

const terminal: Case['config'] = { process: { terminal: true } }
const files: readonly Case[] = [
  { line: 'create --pid-file $DIR/pid $ID', on: 'bundle', look: ['pid', '.pid'] },
  { line: 'create --pid-file pid $ID', on: 'bundle', look: ['pid'] },
  {
    line: 'create --pid-file pid --bundle $DIR $ID',
    on: 'bundle',
    files: { pid: 'something longer than a pid' },
    look: ['pid'],
  },
  { line: 'create --pid-file $DIR/none/pid $ID', on: 'bundle', words: noFile },
  { line: 'create --pid-file $DIR $ID', on: 'bundle' },
  { line: ['create', '--pid-file', '', '$ID'], on: 'bundle' },
  {
    line: 'create $ID',
    title: 'terminal',
    on: 'bundle',
    config: terminal,
    words: 'cannot allocate tty if runc will detach without setting console socket',
  },
  {
    line: 'create --console-socket $DIR/socket $ID',
    on: 'bundle',
    words: 'cannot use console socket if runc will not detach or allocate tty',
  },
  { line: 'create --console-socket $DIR/socket $ID', title: 'terminal', on: 'bundle', config: terminal, words: noFile },
  {
    line: 'create --console-socket $DIR/file $ID',
    title: 'terminal',
    on: 'bundle',
    config: terminal,
    files: { file: '' },
    words: 'connection refused',
  },
  {
    line: 'run --detach $ID',
    title: 'terminal',
    on: 'bundle',
    config: terminal,
    words: 'cannot allocate tty if runc will detach without setting console socket',
  },
  { line: 'run --console-socket $DIR/socket $ID', on: 'bundle', config: process({ args: ['true'] }) ?? {} },
  {
    line: 'run --console-socket $DIR/socket $ID',
    title: 'terminal',
    on: 'bundle',
    config: { process: { terminal: true, args: ['true'] } },
  },
  { line: 'create --pidfd-socket $DIR/socket $ID', on: 'bundle', words: noFile },
  { line: 'create --preserve-fds 1 $ID', title: 'a descriptor that is there', on: 'bundle', fds: 1 },
  {
    line: 'create --preserve-fds 2 $ID',
    title: 'one is missing',
    on: 'bundle',
    fds: 1,
  },
  { line: 'create --preserve-fds=-1 $ID', on: 'bundle' },
  { line: 'create --preserve-fds=0x1 $ID', on: 'bundle', fds: 1 },
  {
    line: 'create $ID',
    title: 'LISTEN_FDS of another process',
    on: 'bundle',
    env: { LISTEN_FDS: '3', LISTEN_PID: '1' },
  },
  { line: 'create --no-pivot --no-new-keyring $ID', on: 'bundle' },
  { line: 'create -no-pivot=true -no-new-keyring=T $ID', on: 'bundle' },
]

export const create: readonly Case[] = [...bundles, ...configs, ...runs, ...files]
