// SPDX-License-Identifier: Apache-2.0
import { pointerTo } from '../../spec/pointer.ts'
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'

/** Devices of the host that move to the container. Spec: config-linux.md#network-devices */
export function compileNetDevices({ linux }: CompileContext): Op[] {
  return Object.entries(linux.netDevices ?? {}).map(([device, { name }]) => ({
    kind: 'net-device',
    name: device,
    rename: name === undefined || name === '' ? device : name,
    ...origin(pointerTo('/linux/netDevices', device)),
  }))
}
