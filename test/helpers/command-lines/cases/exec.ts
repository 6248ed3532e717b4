// SPDX-License-Identifier: Apache-2.0
// exec and update, on a running container.

import { needsCgroup1 } from '../../host.ts'
import type { Case } from '../case.ts'

function on(line: Case['line'], more: Partial<Case> = {}): Case {
  return { line, on: 'running', ...more }
}

const notFound = 'executable file not found in $PATH'

const commands: readonly Case[] = [
  on('exec $ID true'),
  on('exec $ID false'),
  on(['exec', '$ID', 'sh', '-c', 'echo out; echo err >&2; exit 7']),
  on(['exec', '$ID', 'sh', '-c', 'kill -KILL $$']),
  on('exec $ID echo --help -x --user 5'),
  on('exec $ID -- echo x'),
  on('exec -- $ID echo x'),
  on('exec $ID'),
  on(['exec', '$ID', ''], { words: notFound }),
  on('exec $ID no-such-program', { words: `exec: "no-such-program": ${notFound}` }),
  on('exec $ID /no/such/program', {
    words: 'exec: "/no/such/program": stat /no/such/program: no such file or directory',
  }),
  on('exec $ID ./no-such-program', { words: 'no such file or directory' }),
  on('exec $ID /etc/passwd', { words: 'exec: "/etc/passwd": permission denied' }),
  on('exec $ID /etc', { words: 'exec: "/etc": is a directory' }),
  on('exec $ID /etc/passwd/x', { words: 'not a directory' }),
]

const flags: readonly Case[] = [
  on('exec --cwd /tmp $ID pwd'),
  on('exec --cwd tmp $ID pwd'),
  on('exec --cwd /no/such $ID pwd', { words: 'no such file or directory' }),
  on(['exec', '--cwd', '', '$ID', 'pwd']),
  on('exec --cwd /etc/passwd $ID pwd', { words: 'not a directory' }),
  on(['exec', '--env', 'A=1,B=2', '-e', 'C=3', '-env=D=4', '$ID', 'sh', '-c', 'echo $A $C $D']),
  on(['exec', '--env', 'A=1', '--env', 'A=2', '$ID', 'sh', '-c', 'echo $A']),
  on(['exec', '--env', 'NOVALUE', '$ID', 'env']),
  on('exec --env PATH=/none $ID true'),
  on(['exec', '--env', '', '$ID', 'env']),
  on('exec --env HOME=/x $ID env'),
  on('exec --user 1000 $ID id'),
  on('exec --user 1000:2000 $ID id'),
  on('exec -u 1000:2000 -g 5 -g 6 $ID id'),
  on('exec --user user $ID id'),
  on('exec --user 1000:users $ID id'),
  on('exec --user 1000: $ID id'),
  on('exec --user -1 $ID id'),
  on(['exec', '--user', '', '$ID', 'id', '-u']),
  on('exec --user 1:2:3 $ID id'),
  on('exec --cap CAP_NOSUCH $ID true'),
  on(['exec', '--cap', 'CAP_SYS_CHROOT', '$ID', 'sh', '-c', 'grep CapEff /proc/self/status']),
  on('exec --cap chown $ID true'),
  on('exec --no-new-privs $ID grep NoNewPrivs /proc/self/status'),
  on('exec --no-new-privs=false $ID grep NoNewPrivs /proc/self/status'),
  on('exec --tty=false $ID true'),
  on('exec --console-socket $DIR/socket $ID true'),
  on('exec --detach --console-socket $DIR/socket $ID true'),
  on('exec --detach --tty $ID true'),
  on('exec --detach --tty --console-socket $DIR/socket $ID true', { words: 'no such file or directory' }),
  on('exec --detach --pid-file $DIR/none/pid $ID true', { words: 'no such file or directory' }),
  on('exec --preserve-fds 1 $ID true'),
  on('exec --cgroup no/such $ID true', { needs: [needsCgroup1] }),
  on('exec --cgroup nosuch:/ $ID true', { needs: [needsCgroup1] }),
  on('exec --cgroup :/ $ID true'),
  on('exec --ignore-paused $ID true'),
  on('exec --detach $ID no-such-program', { words: notFound }),
]

function processFile(title: string, process: object | string, more: Partial<Case> = {}): Case {
  const text = typeof process === 'string' ? process : JSON.stringify(process)
  return on('exec --process $DIR/process $ID', { title, files: { process: text }, ...more })
}

const user = { uid: 0, gid: 0 }
const processes: readonly Case[] = [
  processFile('a program', { user, args: ['/bin/echo', 'x'], cwd: '/' }),
  processFile('no cwd', { user, args: ['/bin/echo', 'x'] }),
  processFile('a relative cwd', { user, args: ['/bin/echo', 'x'], cwd: 'tmp' }),
  processFile('no args', { user, cwd: '/' }),
  processFile('empty args', { user, args: [], cwd: '/' }),
  processFile('no user', { args: ['/bin/echo', 'x'], cwd: '/' }),
  processFile('no PATH', { user, args: ['echo', 'x'], cwd: '/' }),
  processFile(
    'program not found',
    { user, args: ['no-such-program'], env: ['PATH=/bin'], cwd: '/' },
    { words: notFound },
  ),
  processFile('another type', { user, args: 'echo', cwd: '/' }),
  processFile('no JSON', '{'),
  processFile('empty', ''),
  processFile('null', 'null'),
  on('exec --process $DIR/process $ID', { title: 'no such file', words: 'no such file or directory' }),
  on('exec --process $DIR/process --user 1000 $ID echo other', {
    title: 'and a command',
    files: { process: JSON.stringify({ user, args: ['/bin/id', '-u'], cwd: '/' }) },
  }),
  on('exec -p process $ID', { files: { process: JSON.stringify({ user, args: ['/bin/true'], cwd: '/' }) } }),
  on('exec --process - $ID', { stdin: JSON.stringify({ user, args: ['/bin/true'], cwd: '/' }) }),
]

const limits: readonly Case[] = [
  on('update $ID'),
  on('update --memory x $ID'),
  on('update --memory 1q $ID'),
  on('update --memory -2 $ID'),
  on('update --memory 1.5x $ID'),
  on(['update', '--memory', '1 g', '$ID']),
  on(['update', '--memory', '', '$ID']),
  on('update --cpu-quota x $ID'),
  on('update --cpu-period -5 $ID'),
  on('update --cpu-share 1.5 $ID'),
  on('update --cpu-share 99999999999999999999 $ID'),
  on('update --cpu-idle yes $ID'),
  on('update --cpuset-cpus nosuch $ID'),
  on('update --kernel-memory 5m $ID'),
  on('update --kernel-memory-tcp 5m $ID', { needs: [needsCgroup1] }),
  on('update --resources $DIR/none $ID', { words: 'no such file or directory' }),
  on('update --resources $DIR/r $ID', { files: { r: '{' } }),
  on('update --resources $DIR/r $ID', { title: 'empty', files: { r: '' } }),
  on('update --resources $DIR/r $ID', { title: 'a list', files: { r: '[]' } }),
  on('update --resources $DIR/r $ID', { title: 'another type', files: { r: '{"memory": {"limit": "5"}}' } }),
  on('update --resources $DIR/r $ID', { title: 'nothing', files: { r: '{}' } }),
  on('update --resources $DIR/r $ID', { title: 'unknown members', files: { r: '{"nosuch": 5}' } }),
  on('update --resources - $ID', { stdin: '{"pids": {"limit": 100}}' }),
  on('update -r - $ID', { title: 'no JSON', stdin: 'x' }),
  on('update --pids-limit 100 $ID'),
  on('update --pids-limit=-1 $ID'),
  on('update --l3-cache-schema L3:0=f $ID'),
]

export const exec: readonly Case[] = [...commands, ...flags, ...processes, ...limits]
