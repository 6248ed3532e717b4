// SPDX-License-Identifier: Apache-2.0
// Flags before the verb, logs, and the state root.

import { needsController } from '../../host.ts'
import type { Case } from '../case.ts'

const logs: readonly Case[] = [
  { line: '--log $DIR/log state nobody', look: ['log'], words: 'container does not exist' },
  { line: '--log $DIR/log --log-format json state nobody', look: ['log'], words: 'container does not exist' },
  { line: '--log=$DIR/log --log-format=json delete nobody', look: ['log'], words: 'container does not exist' },
  { line: '--log=$DIR/log --log-format=json delete --force nobody', look: ['log'] },
  { line: '--log-format json state nobody', words: 'container does not exist' },
  { line: '--log-format xml state nobody' },
  { line: '--log-format= state nobody' },
  { line: '--log-format JSON state nobody' },
  { line: '--log $DIR/none/log state nobody', words: 'no such file or directory' },
  { line: '--log $DIR state nobody', words: 'is a directory' },
  { line: '--log relative state nobody', look: ['relative'] },
  { line: '--log $DIR/one --log $DIR/two state nobody', look: ['one', 'two'] },
  { line: '--log $DIR/log --log-format json state', look: ['log'] },
  { line: '--log $DIR/log --log-format json state --nosuchflag nobody', look: ['log'] },
  { line: '--log $DIR/log --log-format json --nosuchflag state nobody', look: ['log'] },
  { line: '--log $DIR/log --log-format json nosuchverb', look: ['log'] },
  { line: '--log $DIR/log --log-format json list', look: ['log'] },
  { line: '--log $DIR/log --log-format json list --format xml', look: ['log'] },
  { line: '--log $DIR/log --log-format json update nobody', look: ['log'], words: 'container does not exist' },
  { line: '--log $DIR/log --log-format json exec nobody true', look: ['log'], words: 'container does not exist' },
  {
    line: '--log $DIR/log --log-format json create --bundle $DIR/none $ID',
    look: ['log'],
    words: 'no such file or directory',
  },
  {
    line: '--log $DIR/log --log-format json start $ID',
    on: 'running',
    look: ['log'],
    words: 'cannot start an already running container',
  },
  {
    line: '--log $DIR/log --log-format json pause $ID',
    on: 'paused',
    look: ['log'],
    words: 'container not running',
    needs: [needsController('freezer')],
  },
  {
    line: '--log $DIR/log --log-format json create $ID',
    title: 'what is in the log stays',
    on: 'bundle',
    config: '{',
    files: { log: '{"level":"info","msg":"mine","time":"2026-01-01T00:00:00Z"}\n' },
    look: ['log'],
  },
]

const roots: readonly Case[] = [
  { line: '--root / state nobody', noRoot: true },
  { line: '--root /. list', noRoot: true },
  { line: '--root= state nobody', noRoot: true },
  { line: ['--root', '', 'state', 'nobody'], noRoot: true },
  { line: '--root $DIR/none list', noRoot: true, look: ['none'] },
  { line: '--root $DIR/none list --format json', noRoot: true },
  { line: '--root $DIR/none state nobody', noRoot: true, look: ['none'], words: 'container does not exist' },
  { line: '--root $DIR/none delete --force nobody', noRoot: true, look: ['none'] },
  { line: '--root $DIR/file state nobody', noRoot: true, files: { file: '' } },
  { line: '--root none/../other state nobody', noRoot: true, look: ['other'] },
  { line: '--root $DIR/one --root $ROOT state $ID', noRoot: true, on: 'running' },
]

const others: readonly Case[] = [
  { line: '--rootless true state nobody' },
  { line: '--rootless=false state nobody' },
  { line: '--rootless auto state nobody' },
  { line: '--rootless AUTO state nobody' },
  { line: '--rootless maybe state nobody' },
  { line: '--rootless maybe list' },
  { line: '--rootless maybe create $ID', on: 'bundle' },
  { line: '--rootless= create $ID', on: 'bundle' },
  { line: '--systemd-cgroup=false create $ID', on: 'bundle' },
  { line: '--systemd-cgroup=x create $ID', on: 'bundle' },
  { line: '--criu /usr/sbin/criu state nobody' },
  { line: '--debug --log $DIR/log --log-format json create --pid-file $DIR/pid $ID', on: 'bundle', look: ['pid'] },
]

export const globals: readonly Case[] = [...logs, ...roots, ...others]
