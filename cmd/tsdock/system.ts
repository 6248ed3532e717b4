// SPDX-License-Identifier: Apache-2.0
// `info` and `version`: what this is, and what it runs on.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, cpus, hostname, release, totalmem } from 'node:os'
import { findProgram } from '../../bundles/host/files.ts'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { openStorage, type Storage, storageDirectory } from '../../bundles/storage.ts'
import type { CommandInvocation } from './command.ts'
import { binarySizeText } from './table.ts'
import { compileTemplate } from './template/template.ts'

function print(invocation: CommandInvocation, value: object, text: string): void {
  const format = invocation.text('format')
  if (format === undefined) process.stdout.write(text)
  else if (format === 'json') process.stdout.write(`${JSON.stringify(value)}\n`)
  else process.stdout.write(`${compileTemplate(format)(value)}\n`)
}

const versionOf = (program: string): string =>
  spawnSync(program, ['--version'], { encoding: 'utf8' })
    .stdout?.split('\n')[0]
    ?.replace(/^\S+ version /, '') ?? ''

function operatingSystem(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
  } catch {
    return 'Linux'
  }
}

/** `tsdock version` */
export async function runVersion(invocation: CommandInvocation): Promise<number> {
  const { os, architecture } = hostPlatform()
  const client = {
    Version: process.env['TSRUN_VERSION'] ?? '',
    GitCommit: process.env['TSRUN_COMMIT'] ?? '',
    Os: os,
    Arch: architecture,
    KernelVersion: release(),
    Runtime: versionOf(findProgram('tsrun')),
  }
  const lines = [
    `tsdock version ${client.Version}, build ${client.GitCommit}`,
    ` OS/Arch:  ${os}/${architecture}`,
    ` Kernel:   ${client.KernelVersion}`,
    ` Runtime:  tsrun ${client.Runtime}`,
  ]
  // One program is client and server.
  print(invocation, { Client: client, Server: client }, `${lines.join('\n')}\n`)
  return 0
}

/** Who makes the containers' cgroups, in docker's words. */
const cgroupDriver = ({ rootless }: Storage['host']): string =>
  rootless === undefined ? 'cgroupfs' : rootless.systemd ? 'systemd' : 'none'

/** `tsdock info` */
export async function runInfo(invocation: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    const [containers, images] = await Promise.all([storage.containers.list(), storage.images.list()])
    const count = (status: string): number =>
      containers.filter(({ state, paused }) => (paused ? 'paused' : state.status) === status).length
    const info = {
      Containers: containers.length,
      ContainersRunning: count('running') + count('restarting'),
      ContainersPaused: count('paused'),
      ContainersStopped: count('exited') + count('created'),
      Images: new Set(images.map(({ descriptor }) => descriptor.digest)).size,
      Driver: 'overlay2',
      LoggingDriver: 'json-file',
      CgroupDriver: cgroupDriver(storage.host),
      CgroupVersion: storage.host.unified ? '2' : '1',
      DefaultRuntime: 'tsrun',
      ServerVersion: process.env['TSRUN_VERSION'] ?? '',
      KernelVersion: release(),
      OperatingSystem: operatingSystem(),
      OSType: 'linux',
      Architecture: arch() === 'x64' ? 'x86_64' : arch(),
      NCPU: cpus().length,
      MemTotal: totalmem(),
      Name: hostname(),
      DockerRootDir: storage.directory,
    }
    const text = [
      `Containers: ${info.Containers}`,
      ` Running: ${info.ContainersRunning}`,
      ` Paused: ${info.ContainersPaused}`,
      ` Stopped: ${info.ContainersStopped}`,
      `Images: ${info.Images}`,
      `Server Version: ${info.ServerVersion}`,
      `Storage Driver: ${info.Driver}`,
      `Logging Driver: ${info.LoggingDriver}`,
      `Cgroup Driver: ${info.CgroupDriver}`,
      `Cgroup Version: ${info.CgroupVersion}`,
      `Default Runtime: ${info.DefaultRuntime}`,
      `Kernel Version: ${info.KernelVersion}`,
      `Operating System: ${info.OperatingSystem}`,
      `OSType: ${info.OSType}`,
      `Architecture: ${info.Architecture}`,
      `CPUs: ${info.NCPU}`,
      `Total Memory: ${binarySizeText(info.MemTotal)}`,
      `Name: ${info.Name}`,
      `Docker Root Dir: ${info.DockerRootDir}`,
    ]
    print(invocation, info, `${text.join('\n')}\n`)
    return 0
  } finally {
    await storage.release()
  }
}
