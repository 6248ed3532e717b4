// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../../spec/runtime/config.ts'
import type { LinuxResources } from '../../spec/runtime/resources.ts'
import type { HostFacts } from '../facts/request.ts'
import type { FdSlot, Op, Provenance, Tolerated } from '../plan/ops.ts'
import type { SlotAllocator } from '../plan/slots.ts'
import type { CgroupLayout, Hierarchy } from './hierarchies.ts'
import type { Unit } from './systemd/unit.ts'

/** What the control groups of a container are compiled from. */
export interface CgroupInput {
  readonly spec: Spec
  readonly id: string
  readonly facts: HostFacts
  /** The caller is not root of the host: without limits, a cgroup that cannot be made is done without. */
  readonly rootless: boolean
  readonly slots: SlotAllocator
  /** `--systemd-cgroup` */
  readonly systemd: boolean
}

/** Ops for the control groups of a container, and what other verbs need to know about them. */
export interface CgroupPlan {
  readonly mode: CgroupLayout['mode']
  /** That of the host, where it was looked at. */
  readonly layout?: CgroupLayout | undefined
  /** Directories, limits, descriptors to join by. */
  readonly prepare: readonly Op[]
  readonly adopt: readonly Op[]
  /** Joins of init: before it does anything else. */
  readonly setup: readonly Op[]
  readonly undo: readonly Op[]
  readonly pause: readonly Op[]
  readonly resume: readonly Op[]
  /** Directory of the unified hierarchy that init is cloned into. */
  readonly cgroupSlot: FdSlot | null
  /** File that tells whether the container is frozen; '' without a freezer. */
  readonly freezerFile: string
  /** Directory whose processes are those of the container; '' without cgroups. */
  readonly killDir: string
  readonly procsDirs: readonly string[]
  /** Controller -> directory, as state.json keeps it; '' is the unified hierarchy. */
  readonly paths: Readonly<Record<string, string>>
  /** Of systemd, when it has made them. */
  readonly unit?: Unit | undefined
  readonly warnings: readonly string[]
}

/** One hierarchy and the container's directory in it. */
export interface ContainerCgroup {
  readonly hierarchy: Hierarchy
  readonly directory: string
}

/** What the compilers for v1 and v2 share. */
export interface CgroupContext {
  readonly input: CgroupInput
  readonly resources: LinuxResources
  readonly cgroups: readonly ContainerCgroup[]
  /** Provenance of ops about the cgroup itself. */
  readonly origin: Provenance
  /** Errors with which a cgroup is done without. */
  readonly lenient: readonly Tolerated[]
  /** Device rules cannot be set from within a user namespace, nor are they needed there. */
  readonly devices: boolean
  /** v2: controllers that can be had; undefined when that is not known. */
  readonly available: readonly string[] | undefined
  /** Why one is not among them, when it is not the host that lacks it. */
  readonly missing?: ((controller: string) => string) | undefined
  /** v2: the topmost directory that has to hand controllers down. */
  readonly above: string
}

/** A container that stays in the cgroups of its caller. */
export const NO_CGROUPS: CgroupPlan = {
  mode: 'none',
  prepare: [],
  adopt: [],
  setup: [],
  undo: [],
  pause: [],
  resume: [],
  cgroupSlot: null,
  freezerFile: '',
  killDir: '',
  procsDirs: [],
  paths: {},
  warnings: [],
}
