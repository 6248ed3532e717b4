// SPDX-License-Identifier: Apache-2.0
import type { Case } from './case.ts'
import { create } from './cases/create.ts'
import { documents } from './cases/documents.ts'
import { exec } from './cases/exec.ts'
import { globals } from './cases/globals.ts'
import { grammar } from './cases/grammar.ts'
import { lifecycle } from './cases/lifecycle.ts'

/** All command lines, by the subject that they are about. */
export const subjects: Readonly<Record<string, readonly Case[]>> = {
  'the grammar of flags': grammar,
  'flags before the verb': globals,
  'the life of a container': lifecycle,
  'create and run': create,
  'exec and update': exec,
  'spec and features': documents,
}
