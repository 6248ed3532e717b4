// SPDX-License-Identifier: Apache-2.0
// What the options of `run` and `create` ask for.

import { existsSync, readFileSync } from 'node:fs'
import type { CreateOptions } from '../../../bundles/containers/create.ts'
import { diskLimits } from '../../../bundles/containers/options/disk-limits.ts'
import { parseExposed, portMap } from '../../../bundles/containers/options/ports.ts'
import { parseBytes, parseDuration, parseUlimit } from '../../../bundles/containers/options/sizes.ts'
import {
  environment,
  fileLines,
  isCdiName,
  keyValues,
  parseDevice,
  parseExtraHost,
  parseLink,
  parseRestart,
  parseSignal,
} from '../../../bundles/containers/options/values.ts'
import type { HostConfig } from '../../../bundles/containers/record.ts'
import { parseSecurity } from '../../../bundles/containers/security.ts'
import { chosenDirectories } from '../../../bundles/containers/cdi.ts'
import { DockError } from '../../../bundles/error.ts'
import type { Healthcheck } from '../../../spec/image/documents.ts'
import { type CommandInvocation, CommandUsageError } from '../command.ts'
import { cpuOptions, integer, memoryOptions } from './limits.ts'
import { mountRequests } from './mount-options.ts'
import { networkOptions } from './network-options.ts'

function lines(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    try {
      return fileLines(readFileSync(path, 'utf8'), path)
    } catch (e: unknown) {
      const code = (e as NodeJS.ErrnoException).code
      if (code === undefined) throw e
      throw new DockError(`open ${path}: ${code}`, { exitCode: 125 })
    }
  })
}

/** A mode of a namespace. Errors: one that there is not. */
function mode({ text }: CommandInvocation, name: string, allowed: readonly string[]): string {
  const value = text(name) ?? ''
  if (value === '' || allowed.includes(value)) return value
  if (allowed.includes('container:') && /^container:.+/.test(value)) return value
  throw new DockError(`--${name}: invalid mode "${value}" (there are: ${allowed.join(', ')})`, { exitCode: 125 })
}

/** Errors: anything but the one value that there is. */
function only({ text }: CommandInvocation, name: string, value: string, why: string): void {
  const given = text(name)
  if (given === undefined || given === '' || given === value) return
  throw new DockError(`invalid argument "${given}" for --${name}: it is ${value}: ${why}`, { exitCode: 125 })
}

const logOptions: Readonly<Record<string, readonly string[]>> = {
  'json-file': ['max-size', 'max-file', 'labels', 'env'],
  none: [],
}

function logConfig(invocation: CommandInvocation): HostConfig['LogConfig'] {
  const driver = invocation.text('log-driver') ?? 'json-file'
  const known = logOptions[driver]
  if (known === undefined) {
    throw new DockError(`--log-driver: there is no driver "${driver}" (there are: json-file, none)`, { exitCode: 125 })
  }
  const options = keyValues(invocation.list('log-opt'), 'log-opt', true)
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new DockError(`unknown log opt '${key}' for ${driver} log driver`, { exitCode: 125 })
    }
  }
  if (options['max-size'] !== undefined) parseBytes(options['max-size'], 'log-opt max-size')
  return { Type: driver, Config: options }
}

/** `all`, `2`, `device=0`: names of devices that the CDI files of the host describe. */
function gpuNames(text: string | undefined): readonly string[] {
  if (text === undefined) return []
  if (text === 'all') return ['nvidia.com/gpu=all']
  const devices = /^"?device=([^"]+)"?$/.exec(text)?.[1]
  if (devices !== undefined) return devices.split(',').map((name) => `nvidia.com/gpu=${name}`)
  if (!/^\d+$/.test(text)) {
    throw new DockError(`invalid argument "${text}" for --gpus: it is all, a number, or device=NAME`, { exitCode: 125 })
  }
  return Array.from({ length: Number(text) }, (_, i) => `nvidia.com/gpu=${i}`)
}

function deviceRules(texts: readonly string[]): readonly string[] {
  for (const text of texts) {
    if (!/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text)) {
      throw new DockError(`invalid argument "${text}" for --device-cgroup-rule: it is TYPE MAJOR:MINOR ACCESS`, {
        exitCode: 125,
      })
    }
  }
  return texts
}

function hostConfigOf(invocation: CommandInvocation, networkMode: string): HostConfig {
  const { list, isSet, text } = invocation
  const restart = parseRestart(text('restart') ?? 'no')
  if (isSet('rm') && restart.Name !== 'no') {
    throw new DockError('Conflicting options: --restart and --rm', { exitCode: 125 })
  }
  const devices = list('device')
  parseSecurity(list('security-opt'))
  mode(invocation, 'userns', ['host'])
  only(invocation, 'isolation', 'default', 'there is another one on Windows alone')
  only(invocation, 'volume-driver', 'local', 'there are no plugins of volumes')
  return {
    Binds: list('volume'),
    Tmpfs: Object.fromEntries(
      list('tmpfs')
        .map((one) => one.split(/:(.*)/s, 2) as [string, string])
        .map(([path, options = '']) => [path, options]),
    ),
    VolumesFrom: list('volumes-from'),
    NetworkMode: networkMode,
    PortBindings: portMap(list('publish')),
    PublishAllPorts: isSet('publish-all'),
    RestartPolicy: restart,
    AutoRemove: isSet('rm'),
    LogConfig: logConfig(invocation),
    CapAdd: list('cap-add'),
    CapDrop: list('cap-drop'),
    Dns: list('dns'),
    DnsOptions: list('dns-option'),
    DnsSearch: list('dns-search'),
    ExtraHosts: list('add-host').map(parseExtraHost),
    Links: list('link').map(parseLink),
    GroupAdd: list('group-add'),
    IpcMode: mode(invocation, 'ipc', ['private', 'shareable', 'none', 'host', 'container:']),
    PidMode: mode(invocation, 'pid', ['host', 'container:']),
    UTSMode: mode(invocation, 'uts', ['host']),
    UsernsMode: text('userns') ?? '',
    CgroupnsMode: mode(invocation, 'cgroupns', ['private', 'host']),
    Cgroup: '',
    CgroupParent: text('cgroup-parent') ?? '',
    Privileged: isSet('privileged'),
    ReadonlyRootfs: isSet('read-only'),
    SecurityOpt: list('security-opt'),
    Sysctls: keyValues(list('sysctl'), 'sysctl', true),
    Runtime: text('runtime') ?? '',
    Init: isSet('init'),
    ...memoryOptions(invocation),
    ...cpuOptions(invocation),
    ...diskLimits(list),
    Ulimits: list('ulimit').map(parseUlimit),
    Devices: devices.filter((one) => !isCdiName(one)).map(parseDevice),
    DeviceCgroupRules: deviceRules(list('device-cgroup-rule')),
    DeviceRequests: [...devices.filter(isCdiName), ...gpuNames(text('gpus'))],
    ...(list('cdi-spec-dir').length === 0 ? {} : { CdiSpecDirs: chosenDirectories(list('cdi-spec-dir')) }),
    MaskedPaths: null,
    ReadonlyPaths: null,
    Annotations: keyValues(list('annotation'), 'annotation', true),
  }
}

function healthcheck(invocation: CommandInvocation): Healthcheck | undefined {
  const { text, isSet } = invocation
  const time = (name: string): number | undefined => {
    const value = text(name)
    return value === undefined ? undefined : parseDuration(value, name)
  }
  const parts = {
    Test: isSet('no-healthcheck')
      ? ['NONE']
      : text('health-cmd') === undefined
        ? undefined
        : ['CMD-SHELL', text('health-cmd')],
    Interval: time('health-interval'),
    Timeout: time('health-timeout'),
    StartPeriod: time('health-start-period'),
    StartInterval: time('health-start-interval'),
    Retries: invocation.isGiven('health-retries') ? integer(invocation, 'health-retries') : undefined,
  }
  const given = Object.entries(parts).filter(([, value]) => value !== undefined)
  if (isSet('no-healthcheck') && given.length > 1) {
    throw new DockError('--no-healthcheck conflicts with --health-* options', { exitCode: 125 })
  }
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

const STREAMS = ['stdin', 'stdout', 'stderr'] as const

/** Which streams a foreground container is attached to: all that it has, unless -a names them. */
function streams(invocation: CommandInvocation, detached: boolean) {
  const names = invocation.list('attach').map((name) => name.toLowerCase())
  for (const name of names) {
    if (!STREAMS.some((stream) => stream === name)) {
      throw new CommandUsageError(
        `invalid argument "${name}" for "-a, --attach" flag: it is stdin, stdout or stderr`,
        undefined,
      )
    }
  }
  const all = names.length === 0
  return {
    AttachStdin: !detached && (all ? invocation.isSet('interactive') : names.includes('stdin')),
    AttachStdout: !detached && (all || names.includes('stdout')),
    AttachStderr: !detached && (all || names.includes('stderr')),
  }
}

/** Errors: CommandUsageError, DockError with exit status 125. */
export async function createOptions(
  invocation: CommandInvocation,
  options: { readonly detached: boolean },
): Promise<CreateOptions> {
  const { positionals, text, list, isSet, isGiven } = invocation
  const [image = '', ...command] = positionals
  const cidfile = text('cidfile')
  if (cidfile !== undefined && existsSync(cidfile)) {
    throw new DockError(`container ID file found, make sure the other container isn't running or delete ${cidfile}`, {
      exitCode: 125,
    })
  }
  const network = networkOptions(invocation)
  const stopSignal = text('stop-signal')
  if (stopSignal !== undefined) parseSignal(stopSignal, 'stop-signal')
  const entrypoint = text('entrypoint')
  const env = [...lines(list('env-file')), ...list('env')]
  return {
    name: text('name'),
    image,
    command,
    entrypoint: entrypoint === undefined ? undefined : entrypoint === '' ? [] : [entrypoint],
    env: environment(env, process.env),
    user: text('user'),
    workdir: text('workdir'),
    hostname: text('hostname'),
    domainname: text('domainname') ?? '',
    labels: keyValues([...lines(list('label-file')), ...list('label')], 'label'),
    exposed: list('expose').flatMap((one) => parseExposed(one)),
    tty: isSet('tty'),
    openStdin: isSet('interactive'),
    ...streams(invocation, options.detached),
    healthcheck: healthcheck(invocation),
    stopSignal,
    stopTimeout: isGiven('stop-timeout') ? integer(invocation, 'stop-timeout') : undefined,
    hostConfig: hostConfigOf(invocation, network.mode),
    networks: network.endpoints,
    mounts: mountRequests(invocation),
    cidfile,
  }
}
