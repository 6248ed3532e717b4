// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../../spec/runtime/config.ts'
import type { PlanRequest } from '../facts/request.ts'

/** Where peers put it. */
export const NOTIFY_DIRECTORY = '/run/notify'

/** What is mounted there. */
export function notifySource({ root, id }: Pick<PlanRequest, 'root' | 'id'>): string {
  return `${root}/${id}/notify`
}

/**
 * When the caller is a service that is to say when it is ready: the container gets a socket of its own to say so, which the
 * front serves (csrc/front/notify.h). A NOTIFY_SOCKET of the config's own gives way to it, as in peers.
 */
export function withNotifySocket(request: PlanRequest, spec: Spec): Spec {
  if (!request.facts.env.get('NOTIFY_SOCKET') || spec.process === undefined) return spec
  const mount = {
    destination: NOTIFY_DIRECTORY,
    source: notifySource(request),
    options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'],
  }
  const env = [...(spec.process.env ?? []), `NOTIFY_SOCKET=${NOTIFY_DIRECTORY}/notify.sock`]
  return { ...spec, mounts: [...(spec.mounts ?? []), mount], process: { ...spec.process, env } }
}
