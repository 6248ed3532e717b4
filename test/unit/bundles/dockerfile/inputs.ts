// SPDX-License-Identifier: Apache-2.0
import type { BuildInputs } from '../../../../bundles/dockerfile/predefined-args.ts'

/** A build for linux/arm64 on linux/amd64. */
export function inputs(buildArgs: Readonly<Record<string, string>> = {}): BuildInputs {
  return {
    buildArgs: new Map(Object.entries(buildArgs)),
    buildPlatform: { os: 'linux', architecture: 'amd64' },
    targetPlatform: { os: 'linux', architecture: 'arm64' },
  }
}
