// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { readOwnCapabilities } from '../helpers/host.ts'
import { callCri, message } from './cri.ts'
import { imageArchive, makeImage, must, place, runSnippet, startDaemon, withTsrun } from './host.ts'
import { commandSnippets, fileSnippet, yamlValue } from './snippets.ts'

/** One thing that the page promises. */
export interface Check {
  readonly title: string
  /** Sections of the page whose snippets it runs. */
  readonly sections: readonly string[]
  /** Programs without which it is skipped. */
  readonly programs: readonly string[]
  /** Another reason to skip it. */
  readonly skip?: () => string | undefined
  readonly run: () => Promise<void>
}

const CAP_SYS_RESOURCE = 24n
const containerdSocket = '/run/containerd/containerd.sock'
const network = 2

function containerdMajor(): number {
  return Number(/v?(\d+)\.\d+\.\d+/.exec(must('containerd --version'))?.[1])
}

/** A machine whose root may not raise limits, such as a container, needs more in some files than users do. */
const mayRaiseLimits = ((readOwnCapabilities() >> CAP_SYS_RESOURCE) & 1n) === 1n
const lowLimits = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'

function placeContainerdConfig(): void {
  const major = containerdMajor()
  const section = `containerd / containerd ${major}.x`
  const plugin = major === 1 ? '"io.containerd.grpc.v1.cri"' : "'io.containerd.cri.v1.runtime'"
  const more = mayRaiseLimits ? '' : `\n[plugins.${plugin}]\n  restrict_oom_score_adj = true\n`
  place('/etc/containerd/config.toml', fileSnippet(section, '/etc/containerd/config.toml') + more)
}

async function withContainerd(use: () => void | Promise<void>): Promise<void> {
  placeContainerdConfig()
  const stop = await startDaemon(['containerd'], containerdSocket, 'ctr version')
  try {
    await use()
  } finally {
    await stop()
  }
}

function runAll(section: string): () => Promise<void> {
  return async () => {
    for (const snippet of commandSnippets(section)) await runSnippet(snippet)
  }
}

async function runCtr(): Promise<void> {
  await withContainerd(async () => {
    must(`ctr images import ${imageArchive()}`)
    await runAll('containerd / containerd 1.x')()
  })
}

/** The pod of the page, by the words of a kubelet. In the network of the host, for which no plugins are needed. */
async function runPod(): Promise<void> {
  const runtimeClass = fileSnippet('Kubernetes', 'runtime-class.yaml')
  const pod = fileSnippet('Kubernetes', 'pod.yaml')
  assert.is(yamlValue(pod, 'runtimeClassName'), yamlValue(runtimeClass, 'name'))
  const command = JSON.parse(yamlValue(pod, 'command').replaceAll("'", '"')) as readonly string[]
  const image = yamlValue(pod, 'image')
  const call = (method: string, request: Buffer): Promise<ReadonlyMap<number, string>> =>
    callCri(containerdSocket, method, request)
  await withContainerd(async () => {
    const pause = /(?:sandbox_image|sandbox) = ["']([^"']+)["']/.exec(must('containerd config dump'))?.[1]
    assert.ok(pause, 'containerd names no image for sandboxes')
    must(`ctr --namespace k8s.io images import ${makeImage([image])}`)
    must(`ctr --namespace k8s.io images import ${makeImage([pause], ['sleep', '3600'])}`)
    const metadata = message([1, 'hello'], [2, 'uid-of-hello'], [3, 'default'])
    const linux = message([2, message([1, message([1, network])])])
    const sandbox = message([1, metadata], [3, '/run/pods'], [8, linux])
    await withTsrun(async () => {
      const pods = await call('RunPodSandbox', message([1, sandbox], [2, yamlValue(runtimeClass, 'handler')]))
      const podId = pods.get(1) ?? ''
      const container = message(
        [1, message([1, 'hello'])],
        [2, message([1, image])],
        ...command.map((word) => [3, word] as const),
        [11, 'hello.log'],
      )
      const created = await call('CreateContainer', message([1, podId], [2, container], [3, sandbox]))
      const containerId = created.get(1) ?? ''
      await call('StartContainer', message([1, containerId]))
      const executed = await call('ExecSync', message([1, containerId], [2, 'echo'], [2, 'from exec'], [3, 20]))
      assert.is(executed.get(1), 'from exec\n')
      assert.match(readFileSync('/run/pods/hello.log', 'utf8'), /stdout F hello$/m)
      assert.ok(existsSync(`/run/containerd/runc/k8s.io/${containerId}/plan`), 'the container is not one of tsrun')
      await call('StopPodSandbox', message([1, podId]))
      await call('RemovePodSandbox', message([1, podId]))
    })
  })
}

async function runDocker(): Promise<void> {
  place('/etc/docker/daemon.json', fileSnippet('Docker', '/etc/docker/daemon.json'))
  const stop = await startDaemon(['dockerd'], '/run/docker.sock', 'docker version')
  try {
    must(`docker load --input ${imageArchive()}`)
    await runAll('Docker')()
  } finally {
    await stop()
  }
}

/** Images of podman and buildah, which share them. */
function loadImage(): void {
  must(`podman load --input ${imageArchive()}`)
}

async function runPodman(): Promise<void> {
  const path = '/etc/containers/containers.conf'
  const [asConfigured, forOneCommand] = commandSnippets('Podman')
  if (asConfigured === undefined || forOneCommand === undefined)
    throw new Error('docs/clients.md: two commands for podman')
  loadImage()
  place(path, '')
  await runSnippet(forOneCommand)
  place(path, fileSnippet('Podman', path))
  await runSnippet(asConfigured)
}

async function runBuildah(): Promise<void> {
  loadImage()
  place('/etc/containers/containers.conf', mayRaiseLimits ? '' : lowLimits)
  await runAll('Buildah')()
}

async function runNerdctl(): Promise<void> {
  await withContainerd(async () => {
    must(`nerdctl load --input ${imageArchive()}`)
    await runAll('nerdctl')()
  })
}

export const checks: readonly Check[] = [
  {
    title: 'containerd: ctr run',
    sections: ['containerd / containerd 1.x'],
    programs: ['containerd', 'ctr'],
    run: runCtr,
  },
  {
    title: 'containerd: a pod with a RuntimeClass',
    sections: ['containerd / containerd 1.x', 'containerd / containerd 2.x', 'Kubernetes'],
    programs: ['containerd', 'ctr'],
    run: runPod,
  },
  { title: 'docker', sections: ['Docker'], programs: ['dockerd', 'docker'], run: runDocker },
  { title: 'podman', sections: ['Podman'], programs: ['podman'], run: runPodman },
  { title: 'buildah', sections: ['Buildah'], programs: ['buildah', 'podman'], run: runBuildah },
  { title: 'nerdctl', sections: ['nerdctl'], programs: ['nerdctl', 'containerd'], run: runNerdctl },
  {
    title: 'CRI-O',
    sections: ['CRI-O'],
    programs: ['crio'],
    skip: () => 'no test knows how to run it',
    run: () => Promise.resolve(),
  },
]
