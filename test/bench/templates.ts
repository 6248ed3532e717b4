// SPDX-License-Identifier: Apache-2.0
// `bun test/bench/templates.ts DIR` writes the configs that bench.c fills in, each on its own: plain.json, seccomp.json
// (with docker's default profile) and limit.json (with a memory limit). Placeholders: "@ARGS@", "@FILES@", @CGROUP@, "@LIMIT@".

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Json = Readonly<Record<string, unknown>>

const readJson = (path: string): Json => JSON.parse(readFileSync(join(import.meta.dirname, path), 'utf8')) as Json

const target = process.argv[2]
if (target === undefined) {
  process.stderr.write('usage: bun test/bench/templates.ts DIR\n')
  process.exit(2)
}
const config = readJson('config.json')
const linux = config['linux'] as Json
const variants: Readonly<Record<string, Json>> = {
  plain: {},
  seccomp: { seccomp: readJson('../data/seccomp-docker-default.json') },
  limit: { resources: { ...(linux['resources'] as Json), memory: { limit: '@LIMIT@' } } },
}
for (const [name, changes] of Object.entries(variants)) {
  writeFileSync(join(target, `${name}.json`), JSON.stringify({ ...config, linux: { ...linux, ...changes } }))
}
