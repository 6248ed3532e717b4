// SPDX-License-Identifier: Apache-2.0

/** What a runtime can do. Spec: features.md, features-linux.md */
export interface Features {
  readonly ociVersionMin: string
  readonly ociVersionMax: string
  readonly hooks?: readonly string[] | undefined
  readonly mountOptions?: readonly string[] | undefined
  readonly linux?: FeaturesLinux | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly potentiallyUnsafeConfigAnnotations?: readonly string[] | undefined
}

/** `enabled` says: compiled in. It does not say: the host's kernel has it. */
export interface FeaturesEnabled {
  readonly enabled?: boolean | undefined
}

export interface FeaturesLinux {
  readonly namespaces?: readonly string[] | undefined
  readonly capabilities?: readonly string[] | undefined
  readonly cgroup?: FeaturesCgroup | undefined
  readonly seccomp?: FeaturesSeccomp | undefined
  readonly apparmor?: FeaturesEnabled | undefined
  readonly selinux?: FeaturesEnabled | undefined
  readonly intelRdt?: FeaturesIntelRdt | undefined
  readonly memoryPolicy?: FeaturesMemoryPolicy | undefined
  readonly mountExtensions?: { readonly idmap?: FeaturesEnabled | undefined } | undefined
  readonly netDevices?: FeaturesEnabled | undefined
}

export interface FeaturesCgroup {
  readonly v1?: boolean | undefined
  readonly v2?: boolean | undefined
  readonly systemd?: boolean | undefined
  readonly systemdUser?: boolean | undefined
  readonly rdma?: boolean | undefined
}

export interface FeaturesSeccomp extends FeaturesEnabled {
  readonly actions?: readonly string[] | undefined
  readonly operators?: readonly string[] | undefined
  readonly archs?: readonly string[] | undefined
  readonly knownFlags?: readonly string[] | undefined
  readonly supportedFlags?: readonly string[] | undefined
}

export interface FeaturesIntelRdt extends FeaturesEnabled {
  readonly schemata?: boolean | undefined
  readonly monitoring?: boolean | undefined
}

export interface FeaturesMemoryPolicy {
  readonly modes?: readonly string[] | undefined
  readonly flags?: readonly string[] | undefined
}
