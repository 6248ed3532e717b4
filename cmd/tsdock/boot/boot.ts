// SPDX-License-Identifier: Apache-2.0
// system install, uninstall, start-all

import { realpath } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { startAll } from '../../../bundles/containers/boot.ts'
import { bootUnit, installUnit, uninstallUnit, unitText } from '../../../bundles/host/boot-unit.ts'
import { findProgram } from '../../../bundles/host/files.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'

/** `tsdock system install` */
export async function runInstall(invocation: CommandInvocation): Promise<number> {
  const unit = bootUnit()
  const storage = await openStorage(storageDirectory(invocation.storage))
  await storage.release()
  const directory = await realpath(storage.directory)
  await installUnit(unit, unitText(findProgram('tsdock'), directory, unit.isUsers))
  process.stdout.write(`${unit.path}\n`)
  if (unit.isUsers) {
    const { username } = userInfo()
    process.stderr.write(
      `Containers start when ${username} logs in; at boot: sudo loginctl enable-linger ${username}\n`,
    )
  }
  return 0
}

/** `tsdock system uninstall` */
export async function runUninstall(): Promise<number> {
  const unit = bootUnit()
  await uninstallUnit(unit)
  process.stdout.write(`${unit.path}\n`)
  return 0
}

/** `tsdock system start-all` */
export async function runStartAll(invocation: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    const all = await startAll(storage, {
      started: ({ record }) => process.stdout.write(`${record.name}\n`),
      failed: ({ record }, why) => process.stderr.write(`tsdock: ${record.name}: ${why}\n`),
    })
    return all ? 0 : 1
  } finally {
    await storage.release()
  }
}
