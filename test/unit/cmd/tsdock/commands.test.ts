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
  const read = await parseCommand(run, [...words, 'busybox', 'ls', '-la', '--', 'x'])
  assert.equal(read.positionals, ['busybox', 'ls', '-la', '--', 'x'])
  assert.equal(read.list('publish'), ['4000:80'])
  assert.equal(read.list('env'), ['A=-b', 'X='])
  assert.equal(read.list('network'), ['host'])
  assert.is(read.text('memory'), '-1')
  assert.is(read.text('entrypoint'), '')
  assert.ok(read.isSet('interactive') && read.isSet('tty'))
  assert.ok(read.isGiven('sig-proxy') && !read.isSet('sig-proxy'))
  assert.equal(plainWords(run.flags, ['--rm', '-d=false', 'x', '-d'], true), ['--rm', '--detach=false', 'x', '-d'])
})

test('wrong words', async () => {
  const failure = async (...words: readonly string[]): Promise<string> =>
    parseCommand(run, words).then(
      () => 'no error',
      (e: unknown) => (e instanceof Error ? e.message : String(e)),
    )
  assert.is(await failure('--nope', 'x'), 'unknown flag: --nope')
  assert.is(await failure('-Z', 'x'), "unknown shorthand flag: 'Z' in -Z")
  assert.is(await failure('-p'), 'flag needs an argument: --publish')
  assert.match(await failure(), /takes at least 1 argument/)
})

test.run()
