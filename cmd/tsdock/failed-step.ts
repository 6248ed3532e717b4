// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StepOptions } from '../../bundles/build/steps.ts'
import { stepOverlay } from '../../bundles/build/snapshot.ts'
import { containerSpec } from '../../bundles/containers/container-spec.ts'
import { findProgram, overlayArguments } from '../../bundles/host/files.ts'
import type { Storage } from '../../bundles/storage.ts'
import type { ProgressView } from './progress-view.ts'

/** --on-error=shell: a shell where a RUN failed, with all that it had written. */
export function shellInStep(
  storage: Storage,
  runtime: string | undefined,
  view: ProgressView,
): NonNullable<StepOptions['onFailure']> {
  return async (step, lower, state) => {
    view.close()
    if (process.stdin.isTTY !== true) {
      process.stderr.write('tsdock: --on-error=shell needs a terminal\n')
      return
    }
    const bundle = join(step.directory, 'shell')
    await mkdir(bundle)
    const spec = containerSpec(
      state.run,
      {
        args: ['/bin/sh'],
        user: { uid: 0, gid: 0 },
        rootfs: step.merged,
        network: 'host',
        terminal: true,
        env: ['TERM=xterm'],
      },
      storage.host,
    )
    await writeFile(join(bundle, 'config.json'), JSON.stringify(spec))
    process.stderr.write('The step failed. This is a shell in what it left; leave it with exit.\n')
    const program = runtime ?? findProgram('tsrun')
    const args = [
      'run',
      ...overlayArguments(stepOverlay(step, lower)),
      '--',
      program,
      '--root',
      join(storage.directory, 'run'),
      'run',
      '--bundle',
      bundle,
      `shell-${process.pid}`,
    ]
    await once(spawn(findProgram('tsdock-files'), args, { stdio: 'inherit' }), 'close')
  }
}
