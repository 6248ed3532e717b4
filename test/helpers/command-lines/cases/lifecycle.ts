// SPDX-License-Identifier: Apache-2.0
// Every verb on containers in every state, and on none.

import type { Case, On } from '../case.ts'
import { needsCgroup1, needsController } from '../../host.ts'

const gone = 'container does not exist'

const unknown: readonly Case[] = [
  ...['start', 'state', 'delete', 'pause', 'resume', 'ps', 'events', 'update'].map(
    (verb): Case => ({ line: `${verb} nobody`, words: gone }),
  ),
  { line: 'kill nobody', words: gone },
  { line: 'kill nobody KILL', words: gone },
  { line: 'kill --all nobody KILL', words: gone },
  { line: 'exec nobody true', words: gone },
  { line: 'exec --process $DIR/none nobody', words: gone },
  { line: 'events --stats nobody', words: gone },
  { line: 'ps --format json nobody', words: gone },
]

const ids = ['.', '..', 'a/b', '../x', 'a:b', 'a b', 'a@b', '/', 'ä', ''].flatMap((id): readonly Case[] => [
  { line: ['create', id], on: 'bundle' },
  { line: ['state', id], title: 'an id that cannot be' },
  { line: ['delete', '--force', id], title: 'an id that cannot be' },
])

const frozen = { needs: [needsController('freezer')] }

/** Lines about a container in this state, and the words that callers look for in what is said. */
function lines(on: On, list: Readonly<Record<string, string>>): readonly Case[] {
  return Object.entries(list).map(([line, words]) => ({
    line,
    on,
    title: on,
    ...(words !== '' && { words }),
    ...(on === 'paused' && frozen),
  }))
}

const created: readonly Case[] = [
  ...lines('created', {
    'state $ID': '',
    'create $ID': 'container with given ID already exists',
    'run $ID': 'container with given ID already exists',
    'list --quiet': '',
    'ps --format json $ID': '',
    'resume $ID': 'container not paused',
    'kill $ID NOSUCH': 'unknown signal',
    'exec --nosuchflag $ID true': 'flag provided but not defined: -nosuchflag',
    'update $ID': '',
  }),
  ...lines('created', {
    'start $ID': '',
    'delete $ID': '',
    'delete --force $ID': '',
    'exec $ID true': '',
  }),
]

const running: readonly Case[] = [
  ...lines('running', {
    'state $ID': '',
    'start $ID': 'cannot start an already running container',
    'create $ID': 'container with given ID already exists',
    'run $ID': 'container with given ID already exists',
    'delete $ID': 'cannot delete container',
    'resume $ID': 'container not paused',
    'list': '',
    'list --format json': '',
    'list --format table': '',
    'list --format xml': 'invalid format',
    'list -f json -q': '',
    'list --quiet': '',
    'ps $ID -o args': '',
    'ps $ID -o pid,args': '',
    'ps $ID -o ppid': '',
    'ps $ID --nosuchoption': '',
    'ps --format json $ID': '',
    'ps -f json $ID': '',
    'ps --format xml $ID': 'invalid format',
    'kill $ID 0': '',
    'kill $ID WINCH': '',
    'kill $ID SIGWINCH': '',
    'kill $ID sigwinch': '',
    'kill $ID winch': '',
    'kill $ID Winch': '',
    'kill $ID 28': '',
    'kill $ID 028': '',
    'kill $ID 0x1c': '',
    'kill $ID +28': '',
    'kill --all $ID 28': '',
    'kill -a $ID 28': '',
    'kill $ID --all KILL': '',
    'kill $ID 65': '',
    'kill $ID 99999': '',
    'kill $ID -1': '',
    'kill $ID NOSUCH': 'unknown signal',
    'kill $ID SIG': '',
    'kill $ID 9x': '',
    'kill $ID RTMIN': '',
    'kill $ID RTMIN+1': '',
    'kill $ID SIGRTMAX': '',
    'kill $ID CLD': '',
    'kill $ID SIGSTKFLT': '',
    'pause': '',
  }),
  { line: ['kill', '$ID', ''], on: 'running' },
  ...lines('running', {
    'delete --force $ID': '',
    'pause $ID': '',
    'events --stats $ID --nosuchflag': '',
  }),
  { line: 'events --stats $ID', on: 'running', keys: 2, needs: [needsCgroup1] },
]

const killed = (['created', 'running'] as const).flatMap((on) =>
  ['kill $ID KILL', 'kill $ID 9', 'kill --all $ID SIGKILL'].map(
    (line): Case => ({ line, on, title: on, becomes: 'stopped' }),
  ),
)

const stopped: readonly Case[] = lines('stopped', {
  'state $ID': '',
  'start $ID': 'cannot start a container that has stopped',
  'create $ID': 'container with given ID already exists',
  'kill $ID': 'container not running',
  'kill $ID KILL': 'container not running',
  'kill $ID 0': 'container not running',
  'kill --all $ID KILL': '',
  'exec $ID true': '',
  'exec --process $DIR/none $ID': '',
  'pause $ID': 'container not running',
  'resume $ID': 'container not paused',
  'ps $ID': '',
  'ps --format json $ID': '',
  'events --stats $ID': '',
  'events $ID': '',
  'update --pids-limit 10 $ID': '',
  'list': '',
})

const paused: readonly Case[] = [
  ...lines('paused', {
    'state $ID': '',
    'start $ID': '',
    'pause $ID': 'container not running',
    'exec $ID true': 'cannot exec in a paused container (use --ignore-paused to override)',
    'delete $ID': 'cannot delete container',
    'list --format json': '',
    'ps --format json $ID': '',
    'kill $ID 0': '',
  }),
  ...lines('paused', { 'resume $ID': '', 'delete --force $ID': '' }),
]

export const lifecycle: readonly Case[] = [
  ...unknown,
  ...ids,
  ...created,
  ...running,
  ...killed,
  ...stopped,
  ...lines('stopped', { 'delete $ID': '', 'delete --force $ID': '' }),
  ...paused,
]
