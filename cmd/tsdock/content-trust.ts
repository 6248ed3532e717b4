// SPDX-License-Identifier: Apache-2.0
import { DockError } from '../../bundles/error.ts'
import type { CommandInvocation } from './command.ts'

/** --disable-content-trust: true, as in docker, where signatures are looked at only when it is taken back. */
export function checkContentTrust({ isGiven, isSet }: CommandInvocation): void {
  const name = 'disable-content-trust'
  if (isGiven(name) && !isSet(name)) {
    throw new DockError(
      `--${name}=false: signatures of content trust (Notary) are not supported; NAME@sha256:... names an image beyond doubt`,
      { exitCode: 125 },
    )
  }
}
