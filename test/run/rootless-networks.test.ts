// SPDX-License-Identifier: Apache-2.0
// Networks of a user's containers, by pasta and slirp4netns.

import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NetworkSettings } from '../../bundles/networks/settings.ts'
import { ownPort } from '../helpers/networks.ts'
import { newDir, projectDir } from '../helpers/work-dir.ts'

interface Seen {
  readonly settings: NetworkSettings
  readonly tcp: string
  readonly udp: string
  readonly udpOuter: string
  readonly udpSix: string
  readonly processes: readonly boolean[]
  readonly outer: string
  readonly six: string
  readonly route: string
  readonly taken: string
  readonly low: string
  readonly down: number
  readonly alive: boolean
  readonly after: string
}

const user = 1000
/** A root that ordinary users have no use of: theirs is in a mount namespace of the test's. */
const ownTun = 'mount -t tmpfs -o mode=755 tun /dev/net && mknod -m 666 /dev/net/tun c 10 200 &&'

function lacks(carrier: string): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, to become a user'
  for (const [program, reason] of [
    [carrier, `needs ${carrier}`],
    ['setpriv', 'needs setpriv'],
    ['nsenter', 'needs nsenter'],
  ] as const) {
    if (spawnSync(program, ['--version']).error !== undefined) return reason
  }
  try {
    statSync('/dev/net/tun')
  } catch {
    return 'the kernel has no /dev/net/tun'
  }
  const as = ['--reuid', String(user), '--regid', String(user), '--clear-groups']
  if (spawnSync('setpriv', [...as, 'unshare', '-Urn', 'true']).status !== 0) return 'users may make no namespaces'
  return undefined
}

function runAsUser(carrier: string, port: number): Seen {
  const directory = newDir('rootless')
  chmodSync(directory, 0o755)
  chownSync(directory, user, user)
  const script = join(projectDir, 'test/helpers/net-rootless.ts')
  const command = `${ownTun} exec setpriv --reuid ${user} --regid ${user} --clear-groups "$@"`
  const args = ['-m', 'sh', '-c', command, 'sh', process.execPath, script, directory, carrier, String(port)]
  const result = spawnSync('unshare', args, {
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, HOME: directory },
  })
  assert.is(result.status, 0, result.stderr)
  return JSON.parse(result.stdout) as Seen
}

for (const [carrier, port] of [
  ['pasta', ownPort(0)],
  ['slirp4netns', ownPort(1)],
] as const) {
  const reason = lacks(carrier)
  if (reason !== undefined) {
    process.stdout.write(`SKIP networks of users by ${carrier}: ${reason}\n`)
    continue
  }
  test(`${carrier} carries a user's network, and ends with it`, () => {
    const seen = runAsUser(carrier, port)
    assert.match(seen.tcp, /^user /)
    assert.match(seen.udp, /^user /)
    assert.match(seen.outer, /^user/)
    assert.match(seen.udpOuter, /^user /)
    assert.match(seen.six, /^user /)
    assert.match(seen.udpSix, /^user /)
    assert.equal(seen.processes, [true, true])
    assert.match(seen.route, 'default via')
    assert.is(seen.settings.Ports['80/tcp']?.[0]?.HostPort, String(port))
    assert.match(seen.route, seen.settings.IPAddress)
    assert.is(seen.taken, `port ${port}/tcp on 0.0.0.0 is taken by the container user-a`)
    assert.match(seen.low, /^port 81\/tcp: users may publish ports from \d+ on/)
    assert.is(seen.alive, false)
    assert.match(seen.after, /^failed/)
  })
}

test.run()
