// SPDX-License-Identifier: Apache-2.0
import { specVersion } from '../../spec/version.ts'

declare global {
  namespace NodeJS {
    interface ProcessEnv {
      TSRUN_VERSION?: string
      TSRUN_COMMIT?: string
      TSRUN_LIBSECCOMP?: string
    }
  }
}

// The build puts these values in, here by their full names.
const version: string | undefined = process.env.TSRUN_VERSION
const commit: string | undefined = process.env.TSRUN_COMMIT
const libseccomp: string | undefined = process.env.TSRUN_LIBSECCOMP

/** Version and origin of this program. */
export const build: { readonly version: string; readonly commit: string; readonly libseccomp: string } = {
  version: version ?? 'dev',
  commit: commit ?? 'unknown',
  libseccomp: libseccomp ?? 'unknown',
}

/** What `tsrun --version` prints. */
export function versionText(): string {
  return `tsrun version ${build.version}\ncommit: ${build.commit}\nspec: ${specVersion}\n`
}
