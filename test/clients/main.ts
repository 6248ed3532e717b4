// SPDX-License-Identifier: Apache-2.0
// What cmd/dev/test-clients.sh runs in private.sh: every snippet of docs/clients.md, with the engines that are here. Arguments: only
// checks whose title contains one of them. The last line is `N passed, N failed, N skipped`.

import { type Check, checks } from './checks.ts'
import { hasProgram, installTsrun } from './host.ts'

/** Why a check cannot be made here. */
function skipReason({ programs, skip }: Check): string | undefined {
  const missing = programs.filter((name) => !hasProgram(name))
  return missing.length > 0 ? `no ${missing.join(', no ')} on this machine` : skip?.()
}

const wanted = process.argv.slice(2)
const count = { passed: 0, failed: 0, skipped: 0 }
installTsrun()
for (const check of checks) {
  if (wanted.length > 0 && !wanted.some((word) => check.title.includes(word))) continue
  const reason = skipReason(check)
  if (reason !== undefined) {
    count.skipped++
    process.stdout.write(`SKIP ${check.title}: ${reason}\n`)
    continue
  }
  try {
    await check.run()
    count.passed++
    process.stdout.write(`ok     ${check.title}\n`)
  } catch (e: unknown) {
    count.failed++
    process.stdout.write(`FAILED ${check.title}\n${e instanceof Error ? e.message : String(e)}\n`)
  }
}
process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`)
// Daemons that did not end are killed with the pid namespace.
process.exit(count.failed === 0 ? 0 : 1)
