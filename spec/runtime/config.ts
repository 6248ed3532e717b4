// SPDX-License-Identifier: Apache-2.0
import type { FreeBSD } from './freebsd.ts'
import type { Hooks } from './hooks.ts'
import type { Linux } from './linux.ts'
import type { Mount } from './mounts.ts'
import type { Process } from './process.ts'
import type { Solaris } from './solaris.ts'
import type { VM } from './vm.ts'
import type { Windows } from './windows.ts'
import type { ZOS } from './zos.ts'

/** A container's config.json. Spec: config.md */
export interface Spec {
  readonly ociVersion: string
  readonly process?: Process | undefined
  readonly root?: Root | undefined
  readonly hostname?: string | undefined
  readonly domainname?: string | undefined
  /** Applied in listed order. */
  readonly mounts?: readonly Mount[] | undefined
  readonly hooks?: Hooks | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly linux?: Linux | undefined
  readonly solaris?: Solaris | undefined
  readonly windows?: Windows | undefined
  readonly vm?: VM | undefined
  readonly zos?: ZOS | undefined
  readonly freebsd?: FreeBSD | undefined
}

/** The container's root filesystem. Spec: config.md#root */
export interface Root {
  /** Absolute, or relative to the bundle. */
  readonly path: string
  readonly readonly?: boolean | undefined
}
