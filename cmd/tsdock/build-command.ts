// SPDX-License-Identifier: Apache-2.0
// `build`: what it is called and what it takes.

import type { Command, CommandFlag } from './command.ts'

const flag = (name: string, value: string, summary: string, more: Partial<CommandFlag> = {}): CommandFlag => ({
  name,
  type: 'string',
  value,
  summary,
  ...more,
})

/** Limits of RUN's containers: no part of what a step depends on, as for BuildKit. */
const limits: readonly CommandFlag[] = [
  flag('memory', 'BYTES', 'limit of memory for each RUN: 512m', { short: 'm' }),
  flag('memory-swap', 'BYTES', 'limit of memory and swap together; -1: none'),
  flag('cpu-shares', 'N', 'relative weight of cpu time', { short: 'c' }),
  flag('cpu-period', 'MICROSECONDS', 'period of the cpu limit'),
  flag('cpu-quota', 'MICROSECONDS', 'cpu time in each period'),
  flag('cpuset-cpus', 'LIST', 'cpus that RUN may use: 0-2,4'),
  flag('cpuset-mems', 'LIST', 'memory nodes that RUN may use'),
  flag('ulimit', 'NAME=SOFT[:HARD]', 'a resource limit of RUN: nofile=1024', { type: 'list' }),
  flag('shm-size', 'BYTES', 'size of /dev/shm (default: 64m)'),
  flag('cgroup-parent', 'PATH', "cgroup that RUN's own is made in"),
  flag('security-opt', 'OPTION', 'no-new-privileges, seccomp=FILE|unconfined, apparmor=PROFILE, ...', { type: 'list' }),
]

/** What docker takes, and BuildKit has no use for. */
const compatible: readonly CommandFlag[] = [
  {
    name: 'rm',
    type: 'boolean',
    summary: 'no container stays after a RUN, with this option and without (as BuildKit)',
  },
  { name: 'force-rm', type: 'boolean', summary: 'nor after one that failed (as BuildKit)' },
  { name: 'compress', type: 'boolean', summary: 'there is no daemon that a context is sent to, compressed or not' },
  flag('isolation', 'default', 'how containers are kept apart: Linux has the default alone'),
  {
    name: 'squash',
    type: 'boolean',
    summary: 'refused, since BuildKit has none: a last stage FROM scratch with COPY --from does it',
  },
  {
    name: 'disable-content-trust',
    type: 'boolean',
    summary: "as docker's default: no signatures are looked at (name a base by its digest to be sure of it)",
  },
]

export const buildCommand: Command = {
  name: 'build',
  aliases: ['image build', 'builder build'],
  summary: 'Make an image from a Dockerfile',
  usage: '[OPTIONS] PATH | URL | -',
  positionals: { min: 1, max: 1 },
  flags: [
    { name: 'tag', short: 't', type: 'list', value: 'NAME', summary: 'name of the image' },
    {
      name: 'file',
      short: 'f',
      type: 'string',
      value: 'FILE',
      summary: 'the Dockerfile (default: Dockerfile in the context)',
    },
    { name: 'target', type: 'string', value: 'STAGE', summary: 'build up to this stage' },
    { name: 'build-arg', type: 'list', value: 'K[=V]', summary: 'value of an ARG' },
    {
      name: 'build-context',
      type: 'list',
      value: 'NAME=WHERE',
      summary: 'another context: a directory, or docker-image://NAME',
    },
    {
      name: 'secret',
      type: 'list',
      value: 'id=ID[,src=FILE|env=NAME]',
      summary: 'a secret for RUN --mount=type=secret',
    },
    { name: 'ssh', type: 'list', value: 'ID[=SOCKET|KEY]', summary: 'an agent, or keys, for RUN --mount=type=ssh' },
    { name: 'label', type: 'list', value: 'K=V', summary: 'a label of the image' },
    { name: 'platform', type: 'string', value: 'OS/ARCH', summary: 'another platform than this one' },
    { name: 'network', type: 'string', value: 'default|none|host', summary: 'network of RUN' },
    { name: 'add-host', type: 'list', value: 'HOST:IP', summary: 'a line of /etc/hosts for RUN' },
    {
      name: 'cdi-spec-dir',
      type: 'list',
      value: 'DIR',
      summary: 'where CDI files for RUN --device are (default: /etc/cdi and /var/run/cdi)',
    },
    flag('cache-from', 'IMAGE|type=...', 'take steps from an image, type=registry,ref=NAME or type=local,src=DIR', {
      type: 'list',
    }),
    flag('cache-to', 'type=...', 'give steps to type=registry,ref=NAME, type=local,dest=DIR or type=inline', {
      type: 'list',
    }),
    { name: 'no-cache', type: 'boolean', summary: 'do every step again' },
    { name: 'no-cache-filter', type: 'list', value: 'STAGE', summary: 'do the steps of these stages again' },
    { name: 'fail-on-miss', type: 'boolean', summary: 'fail where a step is not in the cache' },
    { name: 'pull', type: 'boolean', summary: 'ask the registry for newer base images' },
    {
      name: 'output',
      short: 'o',
      type: 'list',
      value: 'type=TYPE,dest=PATH',
      summary: 'local, tar, oci or docker, in the place of the store; image,push=true or registry',
    },
    { name: 'push', type: 'boolean', summary: 'send the image to the registries of its names' },
    { name: 'load', type: 'boolean', summary: 'keep the image in the store, as always without --output' },
    { name: 'provenance', type: 'string', value: 'false', summary: 'no statement of how it was made: there is none' },
    { name: 'sbom', type: 'string', value: 'false', summary: 'no list of what is in it: there is none' },
    { name: 'iidfile', type: 'string', value: 'FILE', summary: 'write the id of the image there' },
    { name: 'metadata-file', type: 'string', value: 'FILE', summary: 'write what was built there, as JSON' },
    { name: 'progress', type: 'string', value: 'auto|plain|rawjson|quiet', summary: 'how to tell what happens' },
    { name: 'quiet', short: 'q', type: 'boolean', summary: 'print the id of the image alone' },
    { name: 'check', type: 'boolean', summary: 'look for mistakes in the Dockerfile, and build nothing' },
    { name: 'verify', type: 'boolean', summary: 'build twice, and show what differs' },
    { name: 'allow', type: 'list', value: 'security.insecure', summary: 'let RUN --security=insecure have its way' },
    { name: 'on-error', type: 'string', value: 'fail|shell', summary: 'shell: open one where a RUN failed' },
    { name: 'runtime', type: 'string', value: 'PROGRAM', summary: 'another OCI runtime for RUN' },
    ...limits,
    ...compatible,
  ],
  examples: [
    'tsdock build -t helloworld .',
    'tsdock build --target test -f docker/Dockerfile .',
    'tsdock build - < Dockerfile',
    'tsdock build --cache-from localhost:5000/me/app:v1 --memory 2g -t localhost:5000/me/app:v2 .',
  ],
  load: async () => (await import('./build.ts')).runBuild,
}
