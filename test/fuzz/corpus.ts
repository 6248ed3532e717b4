// SPDX-License-Identifier: Apache-2.0
// `bun test/fuzz/corpus.ts TARGET DIR` writes good inputs for the fuzzers to begin with.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Entry,
  encodeEnd,
  encodeEntry,
  encodeHole,
  encodePiece,
  type EntryType,
  types,
} from '../../bundles/layers/frame.ts'
import { encodePlan } from '../../runtime/plan/encode.ts'
import { sequence } from '../unit/spec/mutate.ts'
import { randomPlan } from '../wire/random-plan.ts'

const random = sequence(4)
const kinds = Object.keys(types) as readonly EntryType[]

/** A stream of entries, files with contents among them. */
function randomStream(): Buffer {
  const parts: Buffer[] = []
  for (let count = 1 + random(6); count > 0; count--) {
    const size = random(3) * 3000
    const pieces = random(2) === 0
    const entry: Entry = {
      type: random(2) === 0 ? 'file' : (kinds[random(kinds.length)] ?? 'file'),
      path: 'p/'.repeat(random(80)),
      link: 'l'.repeat(random(150)),
      mode: random(0o10000),
      uid: random(2 ** 32),
      seconds: random(2 ** 31) - 1000,
      size,
      pieces,
      xattrs: new Map(random(2) === 0 ? [] : [['user.a=b%', Buffer.alloc(random(300), 'v')]]),
    }
    parts.push(encodeEntry(entry))
    if (entry.type !== 'file' || size === 0) continue
    const contents = Buffer.alloc(size, random(2) === 0 ? 0 : 'x')
    if (!pieces) parts.push(contents)
    else parts.push(encodePiece(1000), contents.subarray(0, 1000), encodeHole(size - 1000))
  }
  return Buffer.concat([...parts, encodeEnd()])
}

const targets: Readonly<Record<string, () => Uint8Array>> = {
  'plan-decode': () => encodePlan(randomPlan(random)),
  'files-frames': randomStream,
}

const [target = '', dir] = process.argv.slice(2)
const make = targets[target]
if (make === undefined || dir === undefined) {
  process.stderr.write(`usage: bun test/fuzz/corpus.ts ${Object.keys(targets).join('|')} DIR\n`)
  process.exit(2)
}
mkdirSync(dir, { recursive: true })
for (let count = 0; count < 16; count++) writeFileSync(join(dir, `seed-${count}`), make())
