// SPDX-License-Identifier: Apache-2.0
// Variables that a Dockerfile has without saying so.

import { formatPlatform, type Platform } from './platform.ts'

/** May be given to any build without ARG. They reach RUN, but neither the image nor its history. */
export const PROXY_ARGS: readonly string[] = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'FTP_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
].flatMap((name) => [name, name.toLowerCase()])

/** Options of the builder that are given like build arguments. */
export const BUILDER_ARGS: readonly string[] = [
  'BUILDKIT_BUILD_NAME',
  'BUILDKIT_CACHE_MOUNT_NS',
  'BUILDKIT_CONTEXT_KEEP_GIT_DIR',
  'BUILDKIT_DOCKERFILE_CHECK',
  'BUILDKIT_INLINE_CACHE',
  'BUILDKIT_MULTI_PLATFORM',
  'BUILDKIT_SANDBOX_HOSTNAME',
  'BUILDKIT_SYNTAX',
  'SOURCE_DATE_EPOCH',
]

/** PATH of an image that names none. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface BuildInputs {
  /** --build-arg. */
  readonly buildArgs: ReadonlyMap<string, string>
  /** Platform of the machine that builds. */
  readonly buildPlatform: Platform
  readonly targetPlatform: Platform
  /** Name of the stage that is built, if there is one. */
  readonly target?: string | undefined
}

/** The variables that FROM may use without ARG, and stages after `ARG NAME`. --build-arg goes before their values. */
export function platformArgs({ buildArgs, buildPlatform, targetPlatform, target }: BuildInputs): Map<string, string> {
  const args: readonly (readonly [name: string, value: string | undefined])[] = [
    ['BUILDPLATFORM', formatPlatform({ ...buildPlatform, osVersion: undefined, osFeatures: undefined })],
    ['BUILDOS', buildPlatform.os],
    ['BUILDOSVERSION', buildPlatform.osVersion],
    ['BUILDARCH', buildPlatform.architecture],
    ['BUILDVARIANT', buildPlatform.variant],
    ['TARGETPLATFORM', formatPlatform(targetPlatform)],
    ['TARGETOS', targetPlatform.os],
    ['TARGETOSVERSION', targetPlatform.osVersion],
    ['TARGETARCH', targetPlatform.architecture],
    ['TARGETVARIANT', targetPlatform.variant],
    ['TARGETSTAGE', target === undefined || target === '' ? 'default' : target],
  ]
  return new Map(args.map(([name, value]) => [name, buildArgs.get(name) ?? value ?? '']))
}
