// SPDX-License-Identifier: Apache-2.0
// Tests that need root of the host, by suite and title, and for what. All others run as a user, too, in a user namespace
// (helpers/rootless.ts).

type Entry = readonly [titles: RegExp, reason: string]

const mounts = 'mounts file systems on the host'
const waiting = 'looks at the namespaces of an init that waits for start, which is not dumpable'

const needs: Readonly<Record<string, readonly Entry[]>> = {
  'cgroup v2': [
    [/^a writable cgroup belongs|^a cgroup that is mounted read-only stays/, 'gives files to another user'],
    [/^hugepageLimits/, 'systemd does not delegate the controller'],
  ],
  crash: [[/^the state directory (is on|has)|^the pid file is on|^cgroups cannot be written/, mounts]],
  exec: [
    [/^works in a created container/, waiting],
    [/^--user 4294967294/, 'takes an id that no user is given'],
  ],
  explain: [[/^nothing is changed/, 'becomes another user']],
  'file systems': [[/^an id-mapped bind mount/, 'makes an id-mapped mount']],
  hooks: [[/^prestart and createRuntime see|^the network namespace of the pid/, waiting]],
  lifecycle: [[/^kill --all KILL ends every/, 'mounts a procfs without a pid namespace']],
}

/** The reason why a test is not run without root, or undefined. */
export function rootNeed(suite: string, title: string): string | undefined {
  return needs[suite]?.find(([titles]) => titles.test(title))?.[1]
}

/** Entries of a suite that match none of its tests. */
export function staleRootNeeds(suite: string, titles: readonly string[]): readonly string[] {
  return (needs[suite] ?? [])
    .filter(([pattern]) => !titles.some((title) => pattern.test(title)))
    .map(([pattern]) => `${suite}: ${pattern}`)
}
