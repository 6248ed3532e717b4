// SPDX-License-Identifier: Apache-2.0
// --platform

import { parsePlatform } from '../../bundles/dockerfile/platform.ts'
import { hostPlatform } from '../../bundles/images/platform.ts'
import type { Platform } from '../../spec/image/documents.ts'

/** Undefined: it was not given. Errors: there is no such platform. */
export function givenPlatform(text: string | undefined): Platform | undefined {
  if (text === undefined) return undefined
  const { os, architecture, variant } = parsePlatform(text, hostPlatform())
  return { os, architecture, ...(variant === undefined || variant === '' ? {} : { variant }) }
}

export const wantedPlatform = (text: string | undefined): Platform => givenPlatform(text) ?? hostPlatform()
