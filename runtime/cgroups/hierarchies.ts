// SPDX-License-Identifier: Apache-2.0

/** A mounted cgroup hierarchy and where the caller itself stands in it. */
export interface Hierarchy {
  readonly version: 1 | 2
  /** `['memory']`, `['cpu', 'cpuacct']`, `['name=systemd']`; empty for the unified hierarchy. */
  readonly controllers: readonly string[]
  readonly mountPoint: string
  /** Cgroup of the caller as a path below the mount point: '' or '/a/b'. */
  readonly own: string
  /** Cgroup that the mount point shows: '/', or another one in a container without a cgroup namespace. */
  readonly root: string
}

/** How control groups are set up on this host. */
export interface CgroupLayout {
  readonly mode: 'v1' | 'hybrid' | 'v2' | 'none'
  readonly hierarchies: readonly Hierarchy[]
}

interface CgroupMount {
  /** Controllers or name of a v1 hierarchy; '' for the unified one. */
  readonly key: string
  readonly root: string
  readonly mountPoint: string
}

const usualPlace = '/sys/fs/cgroup'

/** Controllers that a v1 mount can carry; other words among its options are flags. */
const v1Controllers = new Set([
  'blkio',
  'cpu',
  'cpuacct',
  'cpuset',
  'debug',
  'devices',
  'freezer',
  'hugetlb',
  'memory',
  'misc',
  'net_cls',
  'net_prio',
  'perf_event',
  'pids',
  'rdma',
])

/**
 * Finds the cgroup hierarchies in the contents of /proc/self/mountinfo and /proc/self/cgroup.
 * A hierarchy can be mounted more than once: the mount in the usual place that shows it whole wins.
 */
export function parseCgroupLayout(mountinfo: string, selfCgroup: string): CgroupLayout {
  const own = parseOwnCgroups(selfCgroup)
  const best = new Map<string, CgroupMount>()
  for (const mount of parseCgroupMounts(mountinfo)) {
    const known = best.get(mount.key)
    if (known === undefined || rank(mount) > rank(known)) best.set(mount.key, mount)
  }
  const hierarchies: Hierarchy[] = []
  for (const { key, root, mountPoint } of best.values()) {
    const controllers = key === '' ? [] : key.split(',')
    const place = own.get(controllers[0] ?? '')
    hierarchies.push({
      version: key === '' ? 2 : 1,
      controllers,
      mountPoint,
      own: place === undefined ? '' : pathInMount(place, root),
      root,
    })
  }
  return { mode: layoutMode(hierarchies), hierarchies }
}

function layoutMode(hierarchies: readonly Hierarchy[]): CgroupLayout['mode'] {
  let unified = false
  let legacy = false
  for (const { version } of hierarchies) {
    if (version === 2) unified = true
    else legacy = true
  }
  if (unified && legacy) return 'hybrid'
  if (unified) return 'v2'
  return legacy ? 'v1' : 'none'
}

function v1Key(superOptions: string): string {
  const controllers: string[] = []
  let name = ''
  for (const option of superOptions.split(',')) {
    if (v1Controllers.has(option)) controllers.push(option)
    else if (name === '' && option.startsWith('name=')) name = option
  }
  return controllers.join(',') || name
}

function rank(mount: CgroupMount): number {
  const usual = mount.mountPoint === usualPlace || mount.mountPoint.startsWith(`${usualPlace}/`)
  return (usual ? 2 : 0) + (mount.root === '/' ? 1 : 0)
}

function parseCgroupMounts(mountinfo: string): CgroupMount[] {
  const mounts: CgroupMount[] = []
  // Hosts with many containers have thousands of lines, few of them cgroups: search, do not split.
  const mark = ' - cgroup'
  for (let at = mountinfo.indexOf(mark); at >= 0; at = mountinfo.indexOf(mark, at + 1)) {
    const start = mountinfo.lastIndexOf('\n', at) + 1
    const end = mountinfo.indexOf('\n', at)
    const head = mountinfo.slice(start, at).split(' ')
    const tail = mountinfo.slice(at + 3, end < 0 ? undefined : end).split(' ')
    const root = head[3]
    const mountPoint = head[4]
    const type = tail[0]
    const options = tail[2]
    if (root === undefined || mountPoint === undefined || options === undefined) continue
    if (type !== 'cgroup' && type !== 'cgroup2') continue
    const key = type === 'cgroup2' ? '' : v1Key(options)
    if (key === '' && type === 'cgroup') continue
    mounts.push({ key, root: unescapeMountPath(root), mountPoint: unescapeMountPath(mountPoint) })
  }
  return mounts
}

/** mountinfo writes space, tab, newline and backslash as octal escapes. */
function unescapeMountPath(path: string): string {
  if (!path.includes('\\')) return path
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** /proc/PID/cgroup as controller -> path; the unified hierarchy has the key ''. */
export function parseOwnCgroups(text: string): ReadonlyMap<string, string> {
  const own = new Map<string, string>()
  for (const line of text.split('\n')) {
    const first = line.indexOf(':')
    const second = line.indexOf(':', first + 1)
    if (first < 0 || second < 0) continue
    const path = line.slice(second + 1)
    for (const controller of line.slice(first + 1, second).split(',')) own.set(controller, path)
  }
  return own
}

/**
 * A cgroup as a path below a mount that shows only `root` of the hierarchy. In a nested container
 * without a cgroup namespace /proc/self/cgroup tells paths of the host, which the mount does not show.
 */
function pathInMount(path: string, root: string): string {
  if (path === root || path === '/') return ''
  if (root === '/') return path.startsWith('/..') ? '' : path
  return path.startsWith(`${root}/`) ? path.slice(root.length) : ''
}

/** Directory of a cgroup that /proc/PID/cgroup would tell of. */
export function directoryIn({ mountPoint, root }: Hierarchy, cgroup: string): string {
  return mountPoint + pathInMount(cgroup === '' ? '/' : cgroup, root)
}
