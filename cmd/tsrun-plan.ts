// SPDX-License-Identifier: Apache-2.0
// The planner. Started by the front without arguments: reads a request from descriptor 3 and answers there. With
// arguments it is the command line of the verbs that TypeScript runs.

import { fstatSync, readSync, writeSync } from 'node:fs'
import { decodeRequest, requestLength } from '../runtime/facts/decode-request.ts'
import type { PlanRequest } from '../runtime/facts/request.ts'
import { encodeError, encodePlan } from '../runtime/plan/encode.ts'
import type { Plan } from '../runtime/plan/plan.ts'
import { planFromRequest } from '../runtime/plan-request.ts'
import { TsrunError } from '../spec/error.ts'

const SOCKET = 3
const HEADER_SIZE = 16

/** Descriptor 3 may also be the engine's own. */
function isAsked(): boolean {
  try {
    return process.argv.length <= 2 && fstatSync(SOCKET).isSocket()
  } catch {
    return false
  }
}

function readAll(target: Uint8Array, from: number): void {
  let at = from
  while (at < target.length) {
    const n = readSync(SOCKET, target, at, target.length - at, null)
    // 0 is the end of the stream: whoever asked is gone.
    if (n === 0) throw new TsrunError('protocol', 'the request of tsrun ended early')
    at += n
  }
}

function readRequest(): Uint8Array {
  const header = new Uint8Array(HEADER_SIZE)
  readAll(header, 0)
  const bytes = new Uint8Array(requestLength(header))
  bytes.set(header)
  readAll(bytes, HEADER_SIZE)
  return bytes
}

interface Answer {
  readonly bytes: Uint8Array
  /** What a template is made of, when one is wanted. */
  readonly made?: { readonly request: PlanRequest; readonly plan: Plan } | undefined
}

function answerTo(readBytes: () => Uint8Array): Answer {
  try {
    const request = decodeRequest(readBytes())
    const plan = planFromRequest(request)
    return { bytes: encodePlan(plan), made: request.wantsTemplate ? { request, plan } : undefined }
  } catch (e: unknown) {
    if (e instanceof TsrunError) return { bytes: encodeError(e.message, e.exitCode) }
    return { bytes: encodeError(e instanceof Error ? e.message : String(e), 1) }
  }
}

function write(bytes: Uint8Array): void {
  let at = 0
  while (at < bytes.length) at += writeSync(SOCKET, bytes, at, bytes.length - at)
}

async function sendTemplate({ request, plan }: NonNullable<Answer['made']>): Promise<void> {
  const { templateFromRequest } = await import('../runtime/template-request.ts')
  const template = templateFromRequest(request, plan)
  if (template !== undefined) write(template)
}

if (isAsked()) {
  try {
    const { bytes, made } = answerTo(readRequest)
    write(bytes)
    // While the front goes on with the plan.
    if (made !== undefined) void sendTemplate(made)
  } catch {
    // The front has gone: nobody is there to be told.
    process.exitCode = 1
  }
} else {
  void import('./tsrun/cli.ts').then(async ({ main }) => {
    process.exitCode = await main(process.argv.slice(2))
  })
}
