// SPDX-License-Identifier: Apache-2.0
import type { BuildInfo } from '../../runtime/lifecycle/make-features.ts'
import { specVersion } from '../../spec/version.ts'

declare global {
  namespace NodeJS {
    interface ProcessEnv {
      TSRUN_VERSION?: string
      TSRUN_COMMIT?: string
      TSRUN_LIBSECCOMP?: string
      TSRUN_LIBSYSTEMD?: string
    }
  }
}

// The build puts these values in, here by their full names.
const version: string | undefined = process.env.TSRUN_VERSION
const commit: string | undefined = process.env.TSRUN_COMMIT
const libseccomp: string | undefined = process.env.TSRUN_LIBSECCOMP
const libsystemd: string | undefined = process.env.TSRUN_LIBSYSTEMD

/** Version and origin of this program. */
export const build: BuildInfo = {
  version: version ?? 'dev',
  commit: commit ?? 'unknown',
  libseccomp: libseccomp ?? 'unknown',
  libsystemd: libsystemd ?? '',
}

/** What `tsrun --version` prints. */
export function versionText(): string {
  return `tsrun version ${build.version}\ncommit: ${build.commit}\nspec: ${specVersion}\n`
}
