// SPDX-License-Identifier: Apache-2.0
// The program tsdock. It is one file with all of it: what is imported lazily, from a file beside the first, takes 5 ms longer to
// load, of the 14 that a start takes at all.

import { main } from './tsdock/cli.ts'

void main(process.argv.slice(2)).then((status) => {
  process.exitCode = status
})
