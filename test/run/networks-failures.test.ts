// SPDX-License-Identifier: Apache-2.0
// Networks when things go wrong: plugins that are missing, fail or hang, and whoever sets a network up is killed.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DockError } from '../../bundles/error.ts'
import { isAlive } from '../../bundles/networks/sandbox.ts'
import { NetHost, networkTestsNeed, ownPort, rules } from '../helpers/networks.ts'
import { newDir, newPath, projectDir } from '../helpers/work-dir.ts'

const host = new NetHost()
const port = ownPort(0)
const ports = { '80/tcp': [{ HostIp: '', HostPort: String(port) }] }

/** All plugins of this host, with another one in the place of one; script undefined: it is missing. */
function pluginsWith(name: string, script?: string): string {
  const directory = newDir('plugins')
  const from = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'].find((place) => existsSync(place)) ?? ''
  for (const plugin of readdirSync(from)) {
    if (plugin !== name) symlinkSync(join(from, plugin), join(directory, plugin))
  }
  if (script === undefined) return directory
  const path = join(directory, name)
  // What is asked of it beside ADD is done.
  writeFileSync(path, `#!/bin/sh\nreal=${join(from, name)}\n[ "$CNI_COMMAND" = ADD ] || exec $real\n${script}\n`)
  chmodSync(path, 0o755)
  return directory
}

async function failure(job: Promise<unknown>): Promise<string> {
  const e = await job.then(
    () => new Error('it did not fail'),
    (cause: unknown) => cause,
  )
  assert.instance(e, DockError, String(e))
  return (e as Error).message
}

const tryWith = async (directory: string, timeoutMs = 30_000): Promise<string> =>
  failure(host.with({ cniPath: [directory], timeoutMs }).setUp(await host.request('web', { ports })))

async function waitFor(path: string): Promise<void> {
  for (let i = 0; i < 1000 && !existsSync(path); i++) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.ok(existsSync(path), 'the plugin is not called')
}

/** Starts a set-up whose plugin says so at a moment, and waits. */
async function cutOff(name: string, script: (marker: string) => string): Promise<ChildProcess> {
  const marker = newPath('marker')
  const args = [
    join(projectDir, 'test/helpers/net-set-up.ts'),
    host.storage,
    host.runtimeDirectory,
    pluginsWith(name, script(marker)),
    JSON.stringify(await host.request('web', { ports })),
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  await waitFor(marker)
  // The plugin has begun before its process is noted: that moment is not what is tried here.
  for (let i = 0; i < 100; i++) {
    const id = host.ids.get('web') ?? ''
    if (await isAlive((await host.networks.sandboxes.read(id))?.plugin)) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
  return child
}

const lacks = networkTestsNeed()
if (lacks !== undefined) process.stdout.write(`SKIP failures of networks: ${lacks}\n`)
else {
  test.after.each(() => host.end())

  for (const name of ['bridge', 'host-local']) {
    test(`${name} is missing`, async () => {
      const directory = pluginsWith(name)
      assert.match(
        await tryWith(directory),
        `the CNI plugin ${name} is missing in ${directory} (try: apt-get install containernetworking-plugins, or set CNI_PATH)`,
      )
      await host.nothingLeft()
    })
  }

  test('iptables is missing', async () => {
    const { PATH } = process.env
    process.env['PATH'] = newDir('no-programs')
    try {
      const said = await failure(host.networks.setUp(await host.request('web', { ports })))
      assert.is(said, 'the network bridge: iptables is missing (try: apt-get install iptables)')
    } finally {
      process.env['PATH'] = PATH
    }
    await host.nothingLeft()
  })

  test('portmap is missing: the relay does it all', async () => {
    const networks = host.with({ cniPath: [pluginsWith('portmap')] })
    await networks.setUp(await host.request('web', { ports }))
    await host.serve('web', 80)
    assert.match(host.ask(undefined, 'tcp', '127.0.0.1', port), /^web /)
    assert.match(host.ask('web', 'tcp', '127.0.0.1', 80), /^web /)
  })

  // Two that make the same chain at once: the plugins know how the old iptables says so, not the one of nf_tables.
  test('portmap loses a race for a chain', async () => {
    const lost = 'running [ip6tables -N CNI-HOSTPORT-DNAT]: exit status 4: CHAIN_USER_ADD failed (File exists)'
    const marker = newPath('lost')
    const script = `[ -e ${marker} ] && exec $real\ntouch ${marker}\nprintf %s '{"code": 999, "msg": "${lost}"}'; exit 1`
    await host.with({ cniPath: [pluginsWith('portmap', script)] }).setUp(await host.request('web', { ports }))
    assert.ok(existsSync(marker))
    await host.serve('web', 80)
    assert.match(host.ask(undefined, 'tcp', '127.0.0.1', port), /^web /)
  })

  test('a race that is lost again and again is told', async () => {
    const said = await tryWith(
      pluginsWith('portmap', `printf %s '{"code": 999, "msg": "exit status 4: (File exists)"}'; exit 1`),
    )
    assert.match(said, /CNI plugin portmap \(eth0, ADD\): exit status 4/)
    await host.nothingLeft()
  })

  for (const name of ['bridge', 'host-local', 'portmap']) {
    test(`${name} fails`, async () => {
      const said = await tryWith(
        pluginsWith(name, `printf %s '{"code": 11, "msg": "no luck", "details": "at all\\nto day"}'; exit 1`),
      )
      assert.match(said, /CNI plugin \S+ \(eth0, ADD\): .*no luck: at all/)
      assert.not.match(said, '\n')
      await host.nothingLeft()
    })
  }

  test('a plugin says nothing that can be read', async () => {
    assert.match(await tryWith(pluginsWith('portmap', 'echo what; exit 3')), /portmap \(eth0, ADD\): what$/)
    assert.match(await tryWith(pluginsWith('portmap', 'echo what')), /portmap \(eth0, ADD\): its answer is no JSON$/)
    assert.match(await tryWith(pluginsWith('portmap', 'kill -9 $$')), /portmap \(eth0, ADD\): ended with SIGKILL$/)
  })

  test('a plugin hangs: it is ended, with what it has started', async () => {
    const marker = newPath('marker')
    const said = await tryWith(pluginsWith('portmap', `sleep 77 & echo $! > ${marker}; wait`), 1500)
    assert.match(said, 'the CNI plugin portmap: no answer in 1.8 s')
    await host.nothingLeft()
  })

  test('plugins of another time are refused with what they speak', async () => {
    const directory = pluginsWith('bridge')
    writeFileSync(
      join(directory, 'bridge'),
      `#!/bin/sh\necho '{"cniVersion": "9.0.0", "supportedVersions": ["9.0.0"]}'\n`,
    )
    chmodSync(join(directory, 'bridge'), 0o755)
    assert.match(await tryWith(directory), /bridge \(9\.0\.0\).* have no version in common with 1\.0\.0/)
  })

  for (const name of ['bridge', 'host-local', 'portmap']) {
    for (const [moment, script] of [
      ['before', (marker: string) => `touch ${marker}; sleep 77; exec $real`],
      ['after', (marker: string) => `answer=$($real); touch ${marker}; sleep 77; echo "$answer"`],
    ] as const) {
      test(`killed ${moment} ${name}: repair takes all down`, async () => {
        await cutOff(name, script)
        const plugin = (await host.networks.sandboxes.read(host.ids.get('web') ?? ''))?.plugin
        assert.ok(await isAlive(plugin))
        await host.networks.repair(new Set())
        assert.not(await isAlive(plugin))
        await host.nothingLeft()
        // All is free again.
        await host.up('web', { ports })
      })
    }
  }

  test('killed: the next start of the same container finds all in order', async () => {
    await cutOff('portmap', (marker) => `answer=$($real); touch ${marker}; sleep 77; echo "$answer"`)
    await host.up('web', { ports })
    await host.serve('web', 80)
    assert.match(host.ask(undefined, 'tcp', '127.0.0.1', port), /^web /)
  })

  test('killed: another container that wants the port gets it', async () => {
    await cutOff('portmap', (marker) => `answer=$($real); touch ${marker}; sleep 77; echo "$answer"`)
    await host.up('heir', { ports })
    await host.serve('heir', 80)
    assert.match(host.ask(undefined, 'tcp', '127.0.0.1', port), /^heir /)
  })

  test('repair leaves those that run alone', async () => {
    await host.up('web', { ports })
    await host.networks.repair(new Set([host.ids.get('web') ?? '']))
    await host.serve('web', 80)
    assert.match(host.ask(undefined, 'tcp', '127.0.0.1', port), /^web /)
  })

  test('repair finds what has lost its record', async () => {
    await host.up('web', { ports: { '80/udp': [{ HostIp: '127.0.0.1', HostPort: String(ownPort(1)) }] } })
    const id = host.ids.get('web') ?? ''
    const relay = (await host.networks.sandboxes.read(id))?.relay
    await host.networks.sandboxes.remove(id)
    assert.ok(rules().some((line) => line.includes(id)))
    await host.networks.repair(new Set())
    process.kill(relay?.pid ?? 0, 'SIGKILL')
    await host.nothingLeft()
  })

  test('the namespace is gone, the plugins too: what is left goes all the same', async () => {
    await host.up('web', { ports })
    const id = host.ids.get('web') ?? ''
    const bare = host.with({ cniPath: [newDir('no-plugins')] })
    await bare.tearDown(id)
    await host.nothingLeft()
    await host.up('web', { ports })
    const again = host.ids.get('web') ?? ''
    rmSync(join(host.runtimeDirectory, 'network/ipam'), { recursive: true })
    await bare.tearDown(again)
    await bare.tearDown(again)
    await host.nothingLeft()
  })
}

test.run()
