// SPDX-License-Identifier: Apache-2.0
// A container from start to end with the library. Usage: node dist/lib/examples/library.js BUNDLE [STATE-ROOT]
// BUNDLE has a config.json, as `tsrun spec` writes it with "terminal": false, and a rootfs with sh and cat in it.

import { text } from 'node:stream/consumers'
import * as tsrun from 'tsrun'

const [bundle = '.', root] = process.argv.slice(2)
const id = `example-${process.pid}`
const options = { root }

// What would be done, without doing it. Each step names the field of config.json that asks for it.
const plan = await tsrun.plan({ id, bundle, ...options })
console.log(`the plan has ${plan.sections.setup.length} steps inside the container`)

// The file is planned in this process: no planner is started.
const { pid, stdout } = await tsrun.create({ id, bundle, stdio: ['ignore', 'pipe', 'inherit'], ...options })
try {
  console.log(`init is process ${pid}, the container is ${(await tsrun.state(id, options)).status}`)
  await tsrun.start(id, options)

  const result = await tsrun.exec({ id, args: ['cat'], input: 'hello from outside', ...options })
  console.log(`cat ended with ${result.exitCode} and said: ${result.stdout}`)

  console.log(`containers: ${(await tsrun.list(options)).map((container) => container.id).join(' ')}`)
  await tsrun.kill(id, 'KILL', options)
} catch (e: unknown) {
  // A closed list of codes, so that nobody has to match texts.
  if (e instanceof tsrun.TsrunError) console.error(`${e.code}: ${e.message}`)
  process.exitCode = 1
} finally {
  await tsrun.delete(id, { force: true, ...options })
}
if (stdout !== null) console.log(`the container said: ${(await text(stdout)).trim()}`)
