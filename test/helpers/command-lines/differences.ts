// SPDX-License-Identifier: Apache-2.0
// In what tsrun deliberately differs from runc, and why. What is not here has to be the same.

import type { Answer } from './answer.ts'
import { type Case, nameOf } from './case.ts'

/** A difference, and the command lines that show it. */
export interface Difference {
  readonly title: string
  readonly reason: string
  /** Matches the names of its cases. */
  readonly cases: RegExp
}

/** Those that are more than other words for the same. The first that matches counts. */
export const differences: readonly Difference[] = [
  {
    title: 'It implements version 1.3.0 of the specification',
    reason: 'The runc that was recorded implements 1.2.1, and says so in `--version`, `state` and `list`.',
    cases: /^(--version|-v)( |$)|^(--root \S+ --root \S+ )?state \$ID|^list (--format|-f) json \(/,
  },
  {
    title: '`features` says more',
    reason:
      'Members that the specification has added since: `intelRdt.schemata`, `memoryPolicy`, `netDevices`. Version and commit ' +
      'stand in annotations of its own.',
    cases: /^features$/,
  },
  {
    title: '`spec` names this runtime',
    reason: 'The host name in what it writes is `tsrun`, and the version is 1.3.0.',
    cases: /^spec( --rootless| --bundle \$DIR)?$/,
  },
  {
    title: '`kill` knows more names of signals',
    reason: 'Real-time signals (`RTMIN+1`) and `CLD`, as kill(1) does: images ask for them with STOPSIGNAL.',
    cases: /^kill \$ID (RTMIN|SIGRTM|CLD)/,
  },
  {
    title: '`--preserve-fds` is taken at its word',
    reason:
      'A descriptor that is not open, and a number below 0, are refused. runc looks for descriptors after it has opened ' +
      'some of its own, and so hands those on, or nothing.',
    cases: /--preserve-fds[ =](1 \$ID true|2 \$ID|-1)/,
  },
  {
    title: 'An empty `--user` is refused',
    reason:
      'For runc it is the user of config.json. A variable without a value must not decide who runs (CVE-2026-30892).',
    cases: /^exec --user '' /,
  },
  {
    title: 'A `cgroupsPath` with `..` is refused',
    reason: 'runc takes the dots away and so makes another cgroup than the one that is written there.',
    cases: /a cgroup path with \.\./,
  },
  {
    title: 'Options of a tmpfs on a bind mount are only warned of',
    reason:
      'The kernel passes over them, as do runc before 1.2 and crun. Whatever else is not known is refused, as it may be a ' +
      'misspelled attribute.',
    cases: /options of a tmpfs on a bind/,
  },
  {
    title: 'A flag may be given by its long and its short name in one line',
    reason: 'A limit of the library that runc 1.5 and older use.',
    cases: /--env A=1,B=2 -e C=3/,
  },
  {
    title: 'There is no `--criu`',
    reason: 'runc 1.5 and older warn and ignore it; nothing is ignored here.',
    cases: /^--criu /,
  },
  {
    title: '`exec --process` finds programs without PATH',
    reason:
      'Where the environment has no PATH, the default one of execvp(3) is used, as for the process of the container.',
    cases: /\(no PATH\)$/,
  },
  {
    title: 'Messages do not carry the line of source that wrote them',
    reason: 'With `--debug`, runc adds `func` and `file` of its own source.',
    cases: /^-{1,2}debug /,
  },
  {
    title: '`update` checks values before it writes any',
    reason: 'So there is nothing to be set back, and no warning that it could not be.',
    cases: /^update --cpuset-cpus nosuch/,
  },
  {
    title: '`update --kernel-memory-tcp` is in force on cgroup v1',
    reason: 'Kernels still have that limit there, and crun sets it, too. On cgroup v2 it is ignored with a warning.',
    cases: /^update --kernel-memory-tcp /,
  },
]

export const wording: Difference = {
  title: 'Messages say more',
  reason:
    'They name the field of config.json or the flag, the object, the system call and the errno, and of a config all that is ' +
    'wrong with it. Unless called `runc`, they do not begin with the steps that runc was in (`runc create failed: unable to start container ' +
    'process: error during container init: `). The words that callers look for are the same; exit status, stream and format are, too.',
  cases: /./,
}

/** The difference that a case belongs to. */
export function differenceOf(testCase: Case): Difference {
  const name = nameOf(testCase)
  return differences.find(({ cases }) => cases.test(name)) ?? wording
}

/** A line of a log or of standard error without the message in it. */
function shapeOf(line: string): string {
  const shape = line.replace(/msg=("(?:[^"\\]|\\.)*"|\S+)/, 'msg=*').replace(/"msg":"(?:[^"\\]|\\.)*"/, '"msg":*')
  return shape === line && line !== '' ? '*' : shape
}

/** All of an answer but the words of its messages. Of usage errors and of runc's own messages, not even the number of lines counts. */
function withoutWords(answer: Answer): unknown {
  const logs = Object.entries(answer.files ?? {}).map(([name, lines]) => [name, lines?.map(shapeOf) ?? null])
  const stderr = (answer.stderr ?? []).map(shapeOf)
  return { ...answer, stderr: [...new Set(stderr)], files: Object.fromEntries(logs) }
}

/** Why tsrun may not answer so, or undefined. */
export function faultOf(testCase: Case, runc: Answer, tsrun: Answer): string | undefined {
  const said = (answer: Answer): string => JSON.stringify(answer).replaceAll('\\\\\\"', '"').replaceAll('\\"', '"')
  const { words } = testCase
  if (words !== undefined && !said(runc).includes(words)) return `runc does not say "${words}"`
  if (words !== undefined && !said(tsrun).includes(words)) return `tsrun does not say "${words}"`
  if (differenceOf(testCase) !== wording) return undefined
  const [ours, theirs] = [withoutWords(tsrun), withoutWords(runc)].map((answer) => JSON.stringify(answer))
  return ours === theirs ? undefined : 'more than the words of a message differs, and no reason is given'
}
