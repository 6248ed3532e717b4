// SPDX-License-Identifier: Apache-2.0
// Commands on volumes, and on the files of containers: what they are called and what they take.

import type { Command, CommandFlag } from '../command.ts'

const any = Number.POSITIVE_INFINITY
const json: CommandFlag = { name: 'format', type: 'string', value: 'TEMPLATE', summary: 'json, or a Go template' }
const filter: CommandFlag = { name: 'filter', type: 'list', value: 'K=V', summary: 'only those that match' }
const force: CommandFlag = { name: 'force', short: 'f', type: 'boolean', summary: 'do not ask' }

const volumes: readonly Command[] = [
  {
    name: 'volume create',
    summary: 'Make a volume',
    usage: '[OPTIONS] [VOLUME]',
    positionals: { min: 0, max: 1 },
    flags: [
      { name: 'driver', short: 'd', type: 'string', value: 'local', summary: 'the driver: local is the only one' },
      { name: 'label', type: 'list', value: 'K[=V]', summary: 'a label' },
      { name: 'name', type: 'string', value: 'NAME', summary: 'the name, as long ago' },
      { name: 'opt', short: 'o', type: 'list', value: 'K=V', summary: 'type, o and device of what is mounted for it' },
    ],
    examples: ['tsdock volume create data', 'tsdock volume create -o type=tmpfs -o device=tmpfs -o o=size=100m fast'],
    load: async () => (await import('./volume.ts')).runVolumeCreate,
  },
  {
    name: 'volume ls',
    aliases: ['volume list'],
    summary: 'List volumes',
    usage: '[OPTIONS]',
    positionals: { min: 0, max: 0 },
    flags: [{ ...filter, short: 'f' }, { name: 'quiet', short: 'q', type: 'boolean', summary: 'names alone' }, json],
    examples: ['tsdock volume ls -f dangling=true'],
    load: async () => (await import('./volume.ts')).runVolumeList,
  },
  {
    name: 'volume inspect',
    summary: 'Show all that is known of volumes',
    usage: '[OPTIONS] VOLUME [VOLUME...]',
    positionals: { min: 1, max: any },
    flags: [{ ...json, short: 'f' }],
    examples: ['tsdock volume inspect data'],
    load: async () => (await import('./volume.ts')).runVolumeInspect,
  },
  {
    name: 'volume rm',
    aliases: ['volume remove'],
    summary: 'Remove volumes that no container has',
    usage: '[OPTIONS] VOLUME [VOLUME...]',
    positionals: { min: 1, max: any },
    flags: [{ ...force, summary: 'no error when there is no such volume' }],
    examples: ['tsdock volume rm data'],
    load: async () => (await import('./volume.ts')).runVolumeRemove,
  },
  {
    name: 'volume prune',
    summary: 'Remove volumes without a name of their own that no container has',
    usage: '[OPTIONS]',
    positionals: { min: 0, max: 0 },
    flags: [{ name: 'all', short: 'a', type: 'boolean', summary: 'those with a name, too' }, filter, force],
    examples: ['tsdock volume prune -a -f'],
    load: async () => (await import('./volume.ts')).runVolumePrune,
  },
]

const files: readonly Command[] = [
  {
    name: 'cp',
    aliases: ['container cp'],
    summary: 'Copy files between a container and this host',
    usage: '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH',
    positionals: { min: 2, max: 2 },
    flags: [
      { name: 'archive', short: 'a', type: 'boolean', summary: 'keep user and group ids' },
      { name: 'follow-link', short: 'L', type: 'boolean', summary: 'the source may be a link to what is meant' },
      { name: 'quiet', short: 'q', type: 'boolean', summary: 'say nothing' },
    ],
    examples: ['tsdock cp web:/var/log .', 'tar c src | tsdock cp - web:/usr'],
    load: async () => (await import('./cp.ts')).runCopy,
  },
  {
    name: 'diff',
    aliases: ['container diff'],
    summary: 'Show which files a container added (A), changed (C) and removed (D)',
    usage: 'CONTAINER',
    positionals: { min: 1, max: 1 },
    flags: [],
    examples: ['tsdock diff web'],
    load: async () => (await import('./container-files.ts')).runDiff,
  },
  {
    name: 'export',
    aliases: ['container export'],
    summary: 'Write the files of a container to a tar archive',
    usage: '[OPTIONS] CONTAINER',
    positionals: { min: 1, max: 1 },
    flags: [
      { name: 'output', short: 'o', type: 'string', value: 'FILE', summary: 'the file (default: standard output)' },
    ],
    examples: ['tsdock export -o web.tar web'],
    load: async () => (await import('./container-files.ts')).runExport,
  },
  {
    name: 'commit',
    aliases: ['container commit'],
    summary: 'Make an image of what a container changed',
    usage: '[OPTIONS] CONTAINER [NAME[:TAG]]',
    positionals: { min: 1, max: 2 },
    flags: [
      { name: 'author', short: 'a', type: 'string', value: 'NAME', summary: 'who made it' },
      { name: 'change', short: 'c', type: 'list', value: 'INSTRUCTION', summary: 'an instruction of a Dockerfile' },
      { name: 'message', short: 'm', type: 'string', value: 'TEXT', summary: 'what for' },
      { name: 'pause', short: 'p', type: 'boolean', summary: 'let the container stand still meanwhile (default)' },
      { name: 'no-pause', type: 'boolean', summary: 'let it go on meanwhile' },
    ],
    examples: ['tsdock commit -c \'CMD ["serve"]\' web web:configured'],
    load: async () => (await import('./container-files.ts')).runCommit,
  },
]

const all: CommandFlag = { name: 'all', short: 'a', type: 'boolean', summary: 'all images that no container has' }

const space: readonly Command[] = [
  {
    name: 'system df',
    summary: 'Show what takes space on disk',
    usage: '[OPTIONS]',
    positionals: { min: 0, max: 0 },
    flags: [{ name: 'verbose', short: 'v', type: 'boolean', summary: 'each image, container and volume' }, json],
    examples: ['tsdock system df -v'],
    load: async () => (await import('./system-df.ts')).runSystemDf,
  },
  {
    name: 'system prune',
    summary: 'Remove containers that have ended, and networks, images and build cache that nobody needs',
    usage: '[OPTIONS]',
    positionals: { min: 0, max: 0 },
    flags: [
      { ...all, summary: 'all images that no container has, and the whole build cache' },
      { name: 'volumes', type: 'boolean', summary: 'volumes without a name of their own, too' },
      filter,
      force,
    ],
    examples: ['tsdock system prune -a -f'],
    load: async () => (await import('./prune.ts')).runSystemPrune,
  },
  {
    name: 'container prune',
    summary: 'Remove containers that have ended',
    usage: '[OPTIONS]',
    positionals: { min: 0, max: 0 },
    flags: [filter, force],
    examples: ['tsdock container prune -f --filter until=24h'],
    load: async () => (await import('./prune.ts')).runContainerPrune,
  },
  {
    name: 'image prune',
    summary: 'Remove images without a name',
    usage: '[OPTIONS]',
    positionals: { min: 0, max: 0 },
    flags: [all, filter, force],
    examples: ['tsdock image prune -a -f'],
    load: async () => (await import('./prune.ts')).runImagePrune,
  },
]

export const volumeCommands: readonly Command[] = [...volumes, ...files, ...space]
