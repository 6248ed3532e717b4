// SPDX-License-Identifier: Apache-2.0
// Tests that need root of the host, by suite and title, and for what. All others run as a user, too, in a user namespace
// (helpers/rootless.ts).

type Entry = readonly [titles: RegExp, reason: string]

const mounts = 'mounts file systems on the host'
const locked = 'changes how access times of a mount of the host are kept'
const devices = 'makes device nodes, or has rules for them'
const others = 'makes files of other users'
const top = 'makes a cgroup at the top'

const needs: Readonly<Record<string, readonly Entry[]>> = {
  annotations: [[/^run.oci.keep_original_groups/, 'sets supplementary groups']],
  capabilities: [[/^a capability that cannot be granted/, 'has all capabilities in its user namespace']],
  'cgroup v2': [[/^a writable cgroup belongs|^a cgroup that is mounted read-only stays/, others]],
  'cgroups devices': [[/./, devices]],
  'cgroups huge pages': [[/./, 'systemd does not delegate the controller']],
  'cgroups path': [[/^cgroupsPath: the container is where it says/, top]],
  check: [
    [
      /^capabilities that are lacking|^cgroups that are read-only|^a user without root/,
      'becomes another user, or mounts',
    ],
  ],
  'command lines': [[/^flags before|^the life|^create and run|^exec and update/, top]],
  crash: [[/^the state directory (is on|has)|^the pid file is on|^cgroups cannot be written/, mounts]],
  devices: [[/^listed devices|^a listed device|^a device outside/, devices]],
  exec: [[/^--user 4294967294/, 'takes an id that no user is given']],
  explain: [[/^nothing is changed/, 'becomes another user']],
  hooks: [[/^a createRuntime hook that enters the mount/, 'enters a mount namespace from outside its user namespace']],
  'mount idmap': [[/./, 'makes id-mapped mounts']],
  'mount options': [
    // Where the host's mount has noatime, as a user may not take that away.
    [/"(r?nodiratime|relatime|ratime|rrelatime|r(no)?strictatime)"|^strictatime on a bind/, locked],
    [/^access times/, mounts],
    [/^a bind mount without attributes/, 'mounts on the host'],
    [/^tmpfs data "[ug]id=/, 'compares ids as the host has them'],
    [/^a bind mount without attributes/, mounts],
  ],
  mounts: [[/^rbind takes the mounts below/, 'binds a mount of the host without those on top of it']],
  'mounts of user namespaces': [[/./, mounts]],
  namespaces: [
    [/^each listed namespace is new/, 'has no user namespace'],
    [/^without "mount"/, mounts],
  ],
  'network devices': [[/^a device|^a name|^name:/, 'moves network devices of the host']],
  'linux process': [[/^oomScoreAdj 0|^without oomScoreAdj/, 'lowers the oom_score_adj of its caller']],
  'readonly paths': [[/^readonlyPaths: below them/, 'writes to files of the host root']],
  registry: [[/^an image goes|^indexes:|^connections that break|^exchange with skopeo/, others]],
  remains: [[/^a container of another mount namespace/, mounts]],
  seccomp: [[/^a filter is compiled once/, mounts]],
  starved: [[/disk|^no memory file system/, mounts]],
  'tsdock-files': [
    [/^walk: all|^remove: all below/, others],
    [/^read: regular/, devices],
    [/^remove: what is mounted/, mounts],
  ],
  'tsdock-files apply': [
    [/^makes files of all types|^directories without|^a copy into a container/, others],
    [/^whiteouts hide/, 'sets attributes that are for root alone'],
  ],
  'tsdock-files for containers': [[/^binds?[: ]|^walk: marks of overlay/, mounts]],
  'tsdock-files pack': [[/^random trees|^the same tree|^marks of overlay|^links out of/, others]],
  'tsdock-files overlays': [[/./, mounts]],
  update: [[/^device rules stay/, devices]],
  'user namespaces': [
    [/^the maps are as listed/, 'maps ids that no user is given'],
    [/^files that are made|^a source that only|^a rootfs that only/, others],
  ],
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
