// SPDX-License-Identifier: Apache-2.0
import { pointerTo } from '../../spec/pointer.ts'
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'

export interface NetDevicePlan {
  readonly prepare: readonly Op[]
  readonly adopt: readonly Op[]
}

/**
 * Devices of the host that move to the container, once all of them are known to be there: they come back only when the
 * kernel sees to it. Spec: config-linux.md#network-devices
 */
export function compileNetDevices({ linux }: CompileContext): NetDevicePlan {
  const names = Object.keys(linux.netDevices ?? {})
  const prepare: Op[] = names.map((name) => ({
    kind: 'net-device-present',
    name,
    ...origin(pointerTo('/linux/netDevices', name)),
  }))
  const adopt: Op[] = Object.entries(linux.netDevices ?? {}).map(([device, { name }]) => ({
    kind: 'net-device',
    name: device,
    rename: name === undefined || name === '' ? device : name,
    ...origin(pointerTo('/linux/netDevices', device)),
  }))
  return { prepare, adopt }
}
