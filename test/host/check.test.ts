// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { readOwnCapabilities } from '../helpers/host.ts'
import { callRuntime, isTsrun } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { mustSucceed } from '../helpers/container.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('check')
const onlyTsrun = { needs: [() => (isTsrun ? undefined : 'check is a verb of tsrun')] }

interface Check {
  readonly ok: boolean
  readonly findings: readonly { readonly name: string; readonly status: string; readonly found: string }[]
}

function check(
  wrapper: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Check & { status: number | null } {
  const { status, stdout } = callRuntime(['check', '--json'], { wrapper, env, root: null })
  return { ...(JSON.parse(stdout) as Check), status }
}

function statusOf({ findings }: Check, name: string): string | undefined {
  return findings.find((finding) => finding.name === name)?.status
}

test(
  'a host on which these tests run can run containers, and the table says so',
  () => {
    const { ok, status, findings } = check()
    assert.is(ok, true, JSON.stringify(findings))
    assert.is(status, 0)
    assert.match(mustSucceed(callRuntime(['check'])).stdout, /\n\ntsrun can run containers on this host\.\n$/)
  },
  onlyTsrun,
)

test(
  'capabilities that are lacking are named, and without the one that counts it ends with 1',
  () => {
    const rest = readOwnCapabilities()
    const drop = (name: string): readonly string[] => [
      'setpriv',
      '--bounding-set',
      `-${name}`,
      '--inh-caps',
      `-${name}`,
    ]
    const without = check(drop('net_admin'))
    assert.match(without.findings.find(({ name }) => name === 'capabilities')?.found ?? '', /CAP_NET_ADMIN/)
    assert.is(without.status, 0)
    assert.ok(rest > 0n)
    const powerless = check(drop('sys_admin'))
    assert.is(statusOf(powerless, 'capabilities'), 'missing')
    assert.is(powerless.status, 1)
  },
  onlyTsrun,
)

test(
  'cgroups that are read-only, or not mounted, are found',
  () => {
    const script = (body: string): readonly string[] => [
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-ec',
      `${body}; exec "$@"`,
      'sh',
    ]
    const gone = check(script('umount -R /sys/fs/cgroup'))
    assert.is(statusOf(gone, 'cgroups'), 'degraded')
    assert.is(gone.status, 0)
    const readonly = check(
      script('for d in $(findmnt -rno TARGET -t cgroup,cgroup2); do mount -o remount,bind,ro $d; done'),
    )
    assert.is(statusOf(readonly, 'cgroup delegation'), 'missing')
    assert.is(readonly.status, 1)
  },
  onlyTsrun,
)

test(
  'a user without root needs user namespaces and a place for the state',
  () => {
    const user = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
    const nowhere = check(user, { XDG_RUNTIME_DIR: '' })
    assert.is(statusOf(nowhere, 'state root'), 'missing')
    assert.is(nowhere.status, 1)
    const limit = [
      'unshare',
      '--user',
      '--map-root-user',
      'sh',
      '-ec',
      'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"',
      'sh',
    ]
    const none = check([...limit, ...['setpriv', '--bounding-set', '-all']], { XDG_RUNTIME_DIR: newDir('run') })
    assert.is(statusOf(none, 'user namespaces'), 'degraded')
  },
  onlyTsrun,
)

run()
