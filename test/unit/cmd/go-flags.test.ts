// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkPositionals, parseGoFlags, UsageError } from '../../../cmd/tsrun/go-flags.ts'

const test = suite('go-flags')

function parse(line: string): { readonly verb: string | undefined; readonly words: string } {
  const { verbName, flags, positionals } = parseGoFlags(line.split(' '))
  return { verb: verbName, words: [...flags, '|', ...positionals].join(' ') }
}

for (const [line, verb, words] of [
  ['list', 'list', '|'],
  ['--root /r list -q', 'list', '--root=/r --quiet=true |'],
  ['-root=/r list -quiet', 'list', '--root=/r --quiet=true |'],
  ['--root=a=b list', 'list', '--root=a=b |'],
  ['--systemd-cgroup=false list', 'list', '--systemd-cgroup=false |'],
  ['--systemd-cgroup=T list', 'list', '--systemd-cgroup=true |'],
  [
    '--debug --log f --log-format json create -b /x c',
    'create',
    '--debug=true --log=f --log-format=json --bundle=/x | c',
  ],
  ['create -no-pivot c', 'create', '--no-pivot=true | c'],
  ['run -no-subreaper -d c', 'run', '--no-subreaper=true --detach=true | c'],
  ['create --preserve-fds 0x10 c', 'create', '--preserve-fds=0x10 | c'],
  ['exec -e A=1 -e B=2,3 --cap CAP_KILL c ls -la', 'exec', '--env=A=1 --env=B=2,3 --cap=CAP_KILL | c ls -la'],
  ['exec -- -t x', 'exec', '| -t x'],
  ['kill c -9', 'kill', '| c -9'],
  ['kill --all c KILL', 'kill', '--all=true | c KILL'],
  ['ps -f json c -o pid', 'ps', '--format=json | c -o pid'],
  ['state 0x10', 'state', '| 0x10'],
  ['state -', 'state', '| -'],
  ['delete c --force', 'delete', '--force=true | c'],
  ['create c --bundle /b', 'create', '--bundle=/b | c'],
  ['create c -b=/b --no-pivot', 'create', '--bundle=/b --no-pivot=true | c'],
  ['delete -- c --force', 'delete', '| c --force'],
  ['delete c -- --force', 'delete', '| c --force'],
  ['state c --nosuch', 'state', '| c --nosuch'],
  ['kill c --all KILL', 'kill', '--all=true | KILL c'],
  ['exec c --tty', 'exec', '| c --tty'],
  ['ps c --format json', 'ps', '| c --format json'],
  ['exec -g 5 --additional-gids 6 c x', 'exec', '--additional-gids=5 --additional-gids=6 | c x'],
] as const) {
  test(line, () => assert.equal(parse(line), { verb, words }))
}

for (const [line, message] of [
  ['--nosuch list', 'flag provided but not defined: -nosuch'],
  ['list --nosuch', 'flag provided but not defined: -nosuch'],
  ['list -qf json', 'flag provided but not defined: -qf'],
  ['create --bundle', 'flag needs an argument: -bundle'],
  ['list --quiet=yes', 'invalid boolean value "yes" for -quiet: parse error'],
  ['create --preserve-fds x c', 'invalid value "x" for flag -preserve-fds: parse error'],
  [
    'create --preserve-fds 9223372036854775808 c',
    'invalid value "9223372036854775808" for flag -preserve-fds: value out of range',
  ],
  ['exec -g x c true', 'invalid value "x" for flag -additional-gids: strconv.ParseInt: parsing "x": invalid syntax'],
  [
    'exec -g 1,2 c true',
    'invalid value "1,2" for flag -additional-gids: strconv.ParseInt: parsing "1,2": invalid syntax',
  ],
  ['state --help=x c', 'invalid boolean value "x" for -help: parse error'],
  ['list ---quiet', 'bad flag syntax: ---quiet'],
  ['list -=x', 'bad flag syntax: -=x'],
] as const) {
  test(`${line} is refused`, () => {
    assert.throws(
      () => parse(line),
      (e: unknown) => e instanceof UsageError && e.message === message,
    )
  })
}

test('help and version are found where they stand', () => {
  assert.is(parseGoFlags(['-h']).help, true)
  assert.is(parseGoFlags(['--version']).version, true)
  assert.is(parseGoFlags(['create', '--help']).help, true)
  assert.is(parseGoFlags(['exec', 'c', '--help']).help, false)
  assert.is(parseGoFlags(['create', 'c', '--help']).help, true)
  assert.is(parseGoFlags(['create', '--help=false', 'c']).help, false)
  assert.is(parseGoFlags(['--version=F', 'list']).version, false)
  assert.throws(() => parseGoFlags(['create', '-v']), /not defined: -v/)
})

test('an unknown verb is told, with what follows it untouched', () => {
  const line = parseGoFlags(['frob', '--any', 'x'])
  assert.equal([line.verb, line.verbName, line.positionals], [undefined, 'frob', ['--any', 'x']])
  assert.is(parseGoFlags([]).verbName, undefined)
})

test('the number of arguments is checked in the words of peers', () => {
  const check = (line: string): void => {
    const { verb, positionals } = parseGoFlags(line.split(' '))
    if (verb !== undefined) checkPositionals(verb, positionals)
  }
  assert.throws(() => check('state'), /"state" requires exactly 1 argument\(s\)/)
  assert.throws(() => check('state a b'), /"state" requires exactly 1 argument\(s\)/)
  assert.throws(() => check('kill'), /"kill" requires a minimum of 1 argument\(s\)/)
  assert.throws(() => check('kill a b c'), /"kill" requires a maximum of 2 argument\(s\)/)
  check('exec c a b c d')
})

test.run()
