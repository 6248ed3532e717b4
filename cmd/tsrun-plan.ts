// SPDX-License-Identifier: Apache-2.0
// The planner. Started by the front with a request: answers it. Started with arguments, it is the command line of the verbs
// that TypeScript runs. A container waits for what is loaded and run here: the command line is a program of its own, which
// lies beside this one in the same file, and no other module of the project may be loaded lazily from here, because that
// makes the bundler wrap all that the two have in common.

import { decodeRequest } from '../runtime/facts/decode-request.ts'
import type { PlanRequest } from '../runtime/facts/request.ts'
import { encodeError, encodePlan } from '../runtime/plan/encode.ts'
import type { Plan } from '../runtime/plan/plan.ts'
import { planFromRequest } from '../runtime/plan-request.ts'
import { templateFromRequest } from '../runtime/template-request.ts'
import { TsrunError } from '../spec/error.ts'
import { readRequest, writeAnswer } from './planner-io.ts'

interface Answer {
  readonly bytes: Uint8Array
  /** What a template is made of, when one is wanted. */
  readonly made?: { readonly request: PlanRequest; readonly plan: Plan } | undefined
}

/** Undefined: nobody asked. */
function answer(): Answer | undefined {
  try {
    const bytes = readRequest()
    if (bytes === undefined) return undefined
    const request = decodeRequest(bytes)
    const plan = planFromRequest(request)
    return { bytes: encodePlan(plan), made: request.wantsTemplate ? { request, plan } : undefined }
  } catch (e: unknown) {
    if (e instanceof TsrunError) return { bytes: encodeError(e.message, e.exitCode) }
    return { bytes: encodeError(e instanceof Error ? e.message : String(e), 1) }
  }
}

async function send(written: Promise<unknown>, made: Answer['made']): Promise<void> {
  try {
    await written
    // While the front goes on with the plan.
    const template = made && templateFromRequest(made.request, made.plan)
    if (template !== undefined) await writeAnswer(template)
  } catch {
    // The front has gone: nobody is there to be told.
    process.exitCode = 1
  }
}

async function runCommandLine(): Promise<void> {
  // By the name that it has in the program: the bundler leaves it alone (cmd/dev/build.ts).
  const { main } = await import('./tsrun/cli.js')
  process.exitCode = await main(process.argv.slice(2))
}

const answered = answer()
if (answered === undefined) void runCommandLine()
else void send(writeAnswer(answered.bytes), answered.made)
