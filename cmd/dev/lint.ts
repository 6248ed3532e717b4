// SPDX-License-Identifier: Apache-2.0
// `npm run lint` runs the checks of checks.ts; `npm run format` lays the sources out.

import { join } from 'node:path'
import { checks, format } from './checks.ts'

process.chdir(join(import.meta.dirname, '../..'))
const verdicts = process.argv.includes('--write') ? format() : checks.map((check) => check.run())
for (const verdict of verdicts) {
  if (verdict.kind === 'skipped') {
    process.stdout.write(`SKIP ${verdict.reason}\n`)
  }
  if (verdict.kind === 'failed') {
    process.stdout.write(verdict.output)
    process.exitCode = 1
  }
}
