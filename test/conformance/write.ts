// SPDX-License-Identifier: Apache-2.0
// What cmd/dev/conformance.sh runs: takes on what the host tests were seen to exercise, and writes the table.
//   write.ts [RECORD...]    files that tests have written with TSRUN_TEST_RECORD

import { readFileSync, writeFileSync } from 'node:fs'
import { EXERCISED_FILE, readExercised } from '../helpers/coverage.ts'
import { findEffects } from './effects.ts'
import { mergeRecords, type Record } from './merge.ts'
import { SETTINGS } from './samples.ts'
import { DOCUMENT, linuxFields, makeDocument } from './table.ts'

const records = process.argv.slice(2).flatMap((path) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record),
)
const exercised = mergeRecords(readExercised(), records)
writeFileSync(EXERCISED_FILE, `${JSON.stringify(exercised, null, 2)}\n`)
writeFileSync(DOCUMENT, makeDocument(exercised, findEffects(SETTINGS, linuxFields())))
process.stdout.write(`written: ${EXERCISED_FILE}, ${DOCUMENT}\n`)
