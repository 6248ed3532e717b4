// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { execInContainer } from '../../../bundles/containers/exec.ts'
import { environment, fileLines } from '../../../bundles/containers/options/values.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'

/** `tsdock exec` */
export async function runExec(invocation: CommandInvocation): Promise<number> {
  const { positionals, isSet, text, list } = invocation
  const [name = '', ...args] = positionals
  if (isSet('tty') && isSet('interactive') && !isSet('detach') && !process.stdin.isTTY) {
    throw new DockError('the input device is not a TTY')
  }
  const storage = await openStorage(storageDirectory(invocation.storage))
  // A long session keeps nobody from collecting garbage: the container runs, and keeps what it needs.
  await storage.release()
  const lines = list('env-file').flatMap((path) => fileLines(readFileSync(path, 'utf8'), path))
  return execInContainer(storage, await storage.containers.find(name), {
    args,
    env: environment([...lines, ...list('env')], process.env),
    user: text('user'),
    workdir: text('workdir'),
    tty: isSet('tty'),
    interactive: isSet('interactive'),
    detach: isSet('detach'),
    privileged: isSet('privileged'),
  })
}
