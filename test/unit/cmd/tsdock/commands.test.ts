// SPDX-License-Identifier: Apache-2.0
// What holds for all commands: names, options, examples, and what docker's users type.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Command, commandHelp, globalFlags, parseCommand, plainWords } from '../../../../cmd/tsdock/command.ts'
import { commandGroups, commands } from '../../../../cmd/tsdock/commands.ts'
import { runFlags } from '../../../../cmd/tsdock/containers/run-flags.ts'

const namesOf = ({ name, aliases = [] }: Command): readonly string[] => [name, ...aliases]

test('no two commands have one name', () => {
  const names = commands.flatMap(namesOf)
  assert.equal(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  )
})

test('no two options of a command have one name or letter', () => {
  for (const { name, flags } of commands) {
    const all = [...flags, ...globalFlags.filter(({ name: global }) => global !== 'help')]
    const names = all.flatMap((flag) => [flag.name, ...(flag.aliases ?? []), ...(flag.short ?? [])])
    assert.equal(
      names.filter((one, i) => names.indexOf(one) !== i),
      [],
      name,
    )
  }
})

test('each command has a summary, an example that calls it, and a place in the help', () => {
  const shown = commandGroups.flatMap((group) => group.commands)
  for (const command of commands) {
    assert.ok(command.summary.length > 5, command.name)
    assert.ok(command.examples.length > 0, `${command.name} has no example`)
    assert.ok(
      command.examples.some((example) => namesOf(command).some((name) => example.includes(`tsdock ${name}`))),
      `no example of ${command.name} calls it`,
    )
    assert.is(shown.filter((one) => one === command).length, 1, `${command.name} in the help`)
    assert.match(commandHelp(command), `usage: tsdock ${command.name}`)
  }
})

test('all that docker users type daily is there', () => {
  const names = new Set(commands.flatMap(namesOf))
  const daily =
    'attach build commit cp create diff events exec export history images import info inspect kill load login logout logs pause port ps pull push rename restart rm rmi run save start stats stop tag top unpause update version wait'
  const grouped =
    'container ls|container inspect|container rm|container prune|image ls|image rm|image prune|image inspect|network create|network ls|network rm|network inspect|network connect|network disconnect|network prune|volume create|volume ls|volume rm|volume inspect|volume prune|system df|system prune|system info'
  for (const name of [...daily.split(' '), ...grouped.split('|')]) assert.ok(names.has(name), `${name} is missing`)
})

test('options of run that people use', () => {
  const names = new Set(runFlags.flatMap(({ name, aliases = [] }) => [name, ...aliases]))
  const wanted =
    'name detach interactive tty rm env env-file volume mount publish publish-all expose net network network-alias ip dns add-host hostname user workdir entrypoint init restart memory cpus cpuset-cpus pids-limit ulimit cap-add cap-drop privileged security-opt read-only tmpfs shm-size device gpus userns pid ipc uts cgroupns sysctl label log-opt log-driver health-cmd health-interval health-retries health-timeout health-start-period no-healthcheck stop-signal stop-timeout pull platform cidfile runtime volumes-from annotation group-add'
  for (const name of wanted.split(' ')) assert.ok(names.has(name), `--${name} is missing`)
})

const run = commands.find(({ name }) => name === 'run') as Command

test('words are read as docker reads them', async () => {
  const words = [
    '-itp4000:80',
    '-m',
    '-1',
    '--net',
    'host',
    '-eA=-b',
    '-e',
    'X=',
    '--entrypoint',
    '',
    '--sig-proxy=false',
  ]
  const read = parseCommand(run, [...words, 'busybox', 'ls', '-la', '--', 'x'])
  assert.equal(read.positionals, ['busybox', 'ls', '-la', '--', 'x'])
  assert.equal(read.list('publish'), ['4000:80'])
  assert.equal(read.list('env'), ['A=-b', 'X='])
  assert.equal(read.list('network'), ['host'])
  assert.is(read.text('memory'), '-1')
  assert.is(read.text('entrypoint'), '')
  assert.ok(read.isSet('interactive') && read.isSet('tty'))
  assert.ok(read.isGiven('sig-proxy') && !read.isSet('sig-proxy'))
  assert.equal(plainWords(run.flags, ['--rm', '-d=false', 'x', '-d'], true), [
    '--rm',
    '--detach=false',
    '--',
    'x',
    '-d',
  ])
})

const small: Command = {
  name: 'x',
  summary: '',
  usage: '',
  flags: [
    { name: 'many', short: 'm', type: 'list', summary: '' },
    { name: 'one', short: 'o', type: 'string', summary: '' },
    { name: 'yes', short: 'y', type: 'boolean', summary: '' },
  ],
  positionals: { min: 0, max: 9 },
  examples: [],
  load: async () => async () => 0,
}

test('a list keeps all that is given, and of others the last one counts', () => {
  const words = ['-m', 'a', '--many', 'b,c', '--many=d', '-o', '1', '--one=2', '-y', '-y', 'p']
  const { list, text, isSet, positionals } = parseCommand(small, words)
  assert.equal(list('many'), ['a', 'b,c', 'd'])
  assert.is(text('one'), '2')
  assert.ok(isSet('yes'))
  assert.equal(positionals, ['p'])
  assert.equal(parseCommand(small, []).list('many'), [])
})

test('options and positionals in any order, up to --', () => {
  const read = parseCommand(small, ['a', '-o=1', '-', '--yes=0', '--', '--one', '2'])
  assert.equal(read.positionals, ['a', '-', '--one', '2'])
  assert.is(read.text('one'), '1')
  assert.ok(read.isGiven('yes') && !read.isSet('yes'))
})

test('wrong words', () => {
  const failure = (...words: readonly string[]): string => {
    try {
      parseCommand(run, words)
      return 'no error'
    } catch (e: unknown) {
      return e instanceof Error ? e.message : String(e)
    }
  }
  assert.is(failure('--nope', 'x'), 'unknown flag: --nope')
  assert.is(failure('--nope=1', 'x'), 'unknown flag: --nope')
  assert.is(failure('--__proto__', 'x'), 'unknown flag: --__proto__')
  assert.is(failure('-Z', 'x'), "unknown shorthand flag: 'Z' in -Z")
  assert.is(failure('-itZ4', 'x'), "unknown shorthand flag: 'Z' in -Z")
  assert.is(failure('-p'), 'flag needs an argument: --publish')
  assert.match(failure('--rm=perhaps', 'x'), 'invalid argument "perhaps" for "--rm" flag')
  assert.match(failure(), /takes at least 1 argument/)
})

test.run()
