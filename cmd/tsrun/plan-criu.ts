// SPDX-License-Identifier: Apache-2.0
import { decodeRequest } from '../../runtime/facts/decode-request.ts'
import { criuFailure, planCriu } from '../../runtime/lifecycle/plan-criu.ts'
import { encodeError, encodePlan } from '../../runtime/plan/encode.ts'
import { TsrunError } from '../../spec/error.ts'
import { encodeCriuRequest } from './encode-criu.ts'
import { receiveRequest, writeAnswer } from '../planner-io.ts'

/**
 * Answers the front of `checkpoint` and `restore`, in the program of the command line: nothing of it is loaded by the
 * planner that other containers wait for.
 */
export async function answerCriu(): Promise<number> {
  const bytes = receiveRequest()
  if (bytes === undefined) throw new Error('this is started by tsrun itself: run `tsrun checkpoint` or `tsrun restore`')
  await writeAnswer(answer(bytes))
  return 0
}

function answer(bytes: Uint8Array): Uint8Array {
  try {
    const request = decodeRequest(bytes)
    if (request.criuFailure !== undefined) throw criuFailure(request, request.criuFailure)
    return encodePlan(planCriu(request, encodeCriuRequest))
  } catch (e: unknown) {
    if (e instanceof TsrunError) return encodeError(e.message, e.exitCode)
    return encodeError(e instanceof Error ? e.message : String(e), 1)
  }
}
