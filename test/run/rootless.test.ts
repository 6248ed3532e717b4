// SPDX-License-Identifier: Apache-2.0
// tsdock as an ordinary user.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { UserDock, userNetworksNeed, userTestsNeed } from '../helpers/user-dock.ts'

const Dockerfile = `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p -m 1777 /tmp && mkdir -p /root /etc /gone && echo here > /gone/file
RUN rm -r /gone && mkdir /gone
CMD ["sh"]
`
const port = 20_000 + (process.pid % 400) * 30
const hostNetwork = (): string => spawnSync('ls', ['/sys/class/net'], { encoding: 'utf8' }).stdout.trim()
const page = (host: string): string =>
  spawnSync('curl', ['-sS', '-g', '-m', '5', `http://${host}:${port}/`], { encoding: 'utf8' }).stdout.trim()

const serve = ['sh', '-c', 'echo served > /tmp/index.html; exec httpd -f -p 80 -h /tmp']

const skip = (what: string, reason: string): void => void process.stdout.write(`SKIP ${what}: ${reason}\n`)
const reason = userTestsNeed()
if (reason !== undefined) skip('tsdock without root', reason)
else {
  const dock = new UserDock()
  /** A systemd of the user's own makes cgroups. */
  const hasManager =
    existsSync('/sys/fs/cgroup/cgroup.controllers') && existsSync(`/run/user/${dock.uid}/systemd/private`)

  test('builds an image', () => {
    dock.context('context', { Dockerfile })
    assert.match(dock.must('build', '-q', '-t', 'box', 'context'), /^sha256:[0-9a-f]{64}$/)
    assert.is(dock.must('run', '--rm', '--net', 'none', 'box', 'ls', '-A', '/gone'), '')
  })

  test('runs a container as root of the user', () => {
    const [id, map = ''] = dock
      .must('run', '--rm', '--net', 'none', 'box', 'sh', '-c', 'id -u; cat /proc/self/uid_map')
      .split('\n')
    assert.is(id, '0')
    assert.equal(map.trim().split(/\s+/), ['0', String(dock.uid), '1'])
    assert.is(dock.must('run', '--rm', '--net', 'none', '-u', '1000:1000', 'box', 'id', '-u'), '1000')
  })

  test('exec, logs, stop, rm', () => {
    dock.must(
      'run',
      '-d',
      '--name',
      'plain',
      '--net',
      'none',
      'box',
      'sh',
      '-c',
      'echo begun; trap exit TERM; sleep 300 & wait',
    )
    assert.match(dock.must('ps', '--format', '{{.Names}} {{.Status}}'), /^plain Up /)
    assert.is(dock.must('exec', 'plain', 'cat', '/proc/1/comm'), 'sh')
    assert.is(dock.must('logs', 'plain'), 'begun')
    assert.match(dock.must('top', 'plain'), 'sleep')
    const merged = dock.must('inspect', '-f', '{{.GraphDriver.Data.MergedDir}}', 'plain')
    assert.match(dock.must('unshare', 'ls', merged), 'bin')
    const pid = dock.must('inspect', '-f', '{{.State.Pid}}', 'plain')
    assert.match(dock.must('unshare', 'nsenter', '-n', '-t', pid, 'cat', '/proc/net/dev'), 'lo:')
    assert.is(dock.run('unshare', 'sh', '-c', 'exit 7').status, 7)
    dock.must('stop', '-t', '5', 'plain')
    assert.match(dock.must('ps', '-a', '--format', '{{.Status}}'), /^Exited/)
    dock.must('rm', 'plain')
    assert.is(dock.must('ps', '-aq'), '')
  })

  test('commit takes what was removed, and who owns what', () => {
    const script = 'rm /root -r; echo x > /made; chown 1000:1000 /made'
    dock.must('run', '--name', 'changed', '--net', 'none', 'box', 'sh', '-c', script)
    assert.match(dock.must('diff', 'changed'), /A \/made\n.*D \/root|D \/root/s)
    dock.must('commit', 'changed', 'made')
    const seen = dock.must('run', '--rm', '--net', 'none', 'made', 'sh', '-c', 'ls /root; stat -c %u:%g /made')
    assert.is(seen.split('\n').at(-1), '1000:1000')
    dock.must('rm', 'changed')
  })

  test('volumes hold files of mapped owners', () => {
    dock.must('run', '--rm', '--net', 'none', '-v', 'kept:/d', 'box', 'sh', '-c', 'echo x > /d/f; chown 1000:1000 /d/f')
    assert.is(
      dock.must('run', '--rm', '--net', 'none', '-v', 'kept:/d', 'box', 'stat', '-c', '%u:%g', '/d/f'),
      '1000:1000',
    )
    const outside = statSync(join(dock.storage, 'volumes/kept/_data/f')).uid
    assert.ok(outside > 65536, String(outside))
    const home = dock.must('run', '--rm', '--net', 'none', '-v', `${dock.home}:/h:ro`, 'box', 'ls', '/h/context')
    assert.match(home, 'Dockerfile')
  })

  test('the network of the host', () => {
    const seen = dock.must('run', '--rm', '--net', 'host', 'box', 'ls', '/sys/class/net')
    assert.is(seen, hostNetwork())
  })

  test('limits are kept, or refused', () => {
    assert.is(dock.must('info', '-f', '{{.CgroupDriver}}'), hasManager ? 'systemd' : 'none')
    const { status, stdout, stderr } = dock.run(
      'run',
      '--rm',
      '--net',
      'none',
      '-m',
      '64m',
      'box',
      'sh',
      '-c',
      'cat /sys/fs/cgroup/memory.max',
    )
    if (!hasManager) {
      assert.is(status, 125)
      assert.match(stderr, /the limit memory\.limit: without root it takes cgroup v2/)
      return
    }
    assert.is(stdout.trim(), String(64 << 20), stderr)
  })

  test('pause, stats and update, with a cgroup', () => {
    dock.must('run', '-d', '--name', 'held', '--net', 'none', 'box', 'sleep', '300')
    if (hasManager) {
      dock.must('pause', 'held')
      assert.match(dock.must('ps', '--format', '{{.Status}}'), /\(Paused\)/)
      dock.must('unpause', 'held')
      dock.must('update', '-m', '32m', '--memory-swap', '-1', 'held')
      assert.is(dock.must('exec', 'held', 'cat', '/sys/fs/cgroup/memory.max'), String(32 << 20))
      assert.match(dock.must('stats', '--no-stream', '--format', '{{.PIDs}}', 'held'), /^1$/)
    } else {
      assert.match(dock.run('pause', 'held').stderr, 'pause: the container has no cgroup')
      assert.match(dock.run('update', '-m', '32m', 'held').stderr, 'update: the container has no cgroup')
    }
    assert.match(dock.must('commit', 'held', 'held'), /^sha256:/)
    dock.must('rm', '-f', 'held')
  })

  test('containers outlive whoever holds the namespaces', () => {
    dock.must('run', '-d', '--name', 'stays', '--net', 'none', 'box', 'sleep', '300')
    const old = dock.holder
    process.kill(old, 'SIGKILL')
    assert.is(dock.must('exec', 'stays', 'echo', 'alive'), 'alive')
    assert.is.not(dock.holder, old)
    dock.must('rm', '-f', 'stays')
    process.kill(dock.holder, 'SIGKILL')
    assert.is(dock.must('run', '--rm', '--net', 'none', 'box', 'echo', 'again'), 'again')
  })

  const lacking = userNetworksNeed()
  if (lacking !== undefined) skip('networks without root', lacking)
  else {
    test('a published port, other containers by name, and no port of root', () => {
      dock.must('run', '-d', '--name', 'web', '-p', `${port}:80`, 'box', ...serve)
      // It runs, but need not listen yet.
      for (let i = 0; i < 50 && page('127.0.0.1') !== 'served'; i++) spawnSync('sleep', ['0.1'])
      assert.is(page('127.0.0.1'), 'served')
      assert.is(page('[::1]'), 'served')
      assert.match(dock.must('port', 'web'), `80/tcp -> 0.0.0.0:${port}`)
      const low = dock.run('run', '--rm', '-p', '81:80', 'box', 'true')
      assert.is(low.status, 125)
      assert.match(low.stderr, /port 81\/tcp: users may publish ports from \d+ on/)
      assert.match(dock.run('run', '--rm', '-p', `${port}:80`, 'box', 'true').stderr, 'is taken by the container web')
      dock.must('network', 'create', 'net')
      dock.must('network', 'connect', 'net', 'web')
      assert.is(dock.must('run', '--rm', '--net', 'net', 'box', 'wget', '-qO-', 'http://web/'), 'served')
      assert.match(dock.must('run', '--rm', '--net', 'container:web', 'box', 'ip', '-o', 'link'), 'eth0')
    })

    test('published ports outlive whoever holds the namespaces', () => {
      process.kill(dock.holder, 'SIGKILL')
      assert.is(page('127.0.0.1'), 'served')
      assert.is(dock.must('run', '--rm', '--net', 'net', 'box', 'wget', '-qO-', 'http://web/'), 'served')
    })

    test('a bridge that is in use stays, whatever the host comes to reach', () => {
      if (process.getuid?.() !== 0) return
      const subnet = dock.must('network', 'inspect', '-f', '{{ (index .IPAM.Config 0).Subnet }}', 'bridge')
      const link = `t${process.pid}`
      const host = spawnSync('sh', [
        '-c',
        `ip link add ${link} type bridge && ip link set ${link} up && ip route add ${subnet.replace('/16', '/17')} dev ${link}`,
      ])
      try {
        assert.is(host.status, 0, String(host.stderr))
        assert.is(dock.must('run', '--rm', 'box', 'echo', 'there'), 'there')
      } finally {
        spawnSync('ip', ['link', 'del', link])
      }
    })

    test('the network goes with its last container', () => {
      dock.must('rm', '-f', 'web')
      dock.must('network', 'rm', 'net')
      assert.is(page('127.0.0.1'), '')
      assert.equal(dock.processes(), ['tsdock-rootless hold'])
    })
  }

  test('nothing is left', async () => {
    try {
      dock.must('system', 'prune', '-af', '--volumes')
      rmSync(join(dock.namespaces, 'holder'))
      for (let i = 0; i < 100 && dock.processes().length > 0; i++) await sleep(20)
      assert.equal(dock.processes(), [])
    } finally {
      await dock.close()
    }
    assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), dock.home)
  })
}

if (reason === undefined && process.getuid?.() === 0) {
  test('a user without subordinate ids has root alone', async () => {
    const dock = new UserDock({ alone: true })
    try {
      dock.context('context', { Dockerfile })
      assert.match(dock.run('build', '-q', '-t', 'box', 'context').stderr, /has no subordinate ids/)
      assert.is(dock.must('run', '--rm', '--net', 'none', 'box', 'id', '-u'), '0')
      assert.is(dock.run('run', '--rm', '--net', 'none', '-u', '5', 'box', 'id', '-u').status, 125)
    } finally {
      await dock.close()
    }
  })

  const slirp = spawnSync('which', ['slirp4netns', 'pasta'], { encoding: 'utf8' }).stdout.trim().split('\n')
  const lacking = slirp.length === 2 ? userNetworksNeed() : 'slirp4netns or pasta is missing'
  if (lacking !== undefined) skip('networks by slirp4netns', lacking)
  else {
    test('slirp4netns carries the network where there is no pasta', async () => {
      const dock = new UserDock({ without: [slirp[1] ?? ''] })
      try {
        dock.context('context', { Dockerfile })
        dock.must('build', '-q', '-t', 'box', 'context')
        dock.must('run', '-d', '--name', 'web', '-p', `${port}:80`, 'box', ...serve)
        assert.is(page('127.0.0.1'), 'served')
        assert.match(dock.must('exec', 'web', 'cat', '/etc/resolv.conf'), 'nameserver 10.0.2.3')
        assert.ok(dock.processes().some((line) => line.includes('slirp4netns')))
        dock.must('exec', 'web', 'ping', '-c', '1', '10.0.2.2')
        dock.must('rm', '-f', 'web')
      } finally {
        await dock.close()
      }
    })
  }
}

test.run()
