// SPDX-License-Identifier: Apache-2.0
import type { LinuxDevice, LinuxDeviceType } from '../../spec/runtime/devices.ts'
import type { Op, Provenance } from '../plan/ops.ts'
import { byRuntime, type CompileContext, cleanPath, origin } from './context.ts'
import { DEFAULT_DEVICES, makesDevices } from './default-devices.ts'
import { compileDevLinks } from './dev-links.ts'
import { unshareTree } from './mount-attributes.ts'
import { type StagedOps, TARGET } from './rootfs.ts'

/** S_IF* of each type. */
const fileTypes: Readonly<Record<LinuxDeviceType, number>> = { b: 0o060000, c: 0o020000, u: 0o020000, p: 0o010000 }

/**
 * The devices that every container has, those of linux.devices, and the links in /dev.
 * ORDER: after all mounts. Spec: config-linux.md#devices, #default-devices
 */
export function compileDevices(context: CompileContext): StagedOps {
  if (!makesDevices(context)) return { prepare: [], setup: [] }
  const prepare: Op[] = []
  const setup: Op[] = []
  for (const [device, from] of listDevices(context)) {
    // Nodes made in a user namespace open nothing; a FIFO is no device to the kernel.
    const bound = context.userNamespace && device.type !== 'p'
    const ops = bound ? bindDevice(context, device, from) : { prepare: [], setup: [makeDevice(device, from)] }
    prepare.push(...ops.prepare)
    setup.push(...ops.setup)
  }
  return { prepare, setup: [...setup, ...compileDevLinks()] }
}

/** A listed device takes the place of the default one at its path. */
function listDevices({ linux }: CompileContext): readonly (readonly [LinuxDevice, Provenance])[] {
  const devices = new Map<string, readonly [LinuxDevice, Provenance]>()
  for (const device of DEFAULT_DEVICES) devices.set(device.path, [device, byRuntime(`default device ${device.path}`)])
  for (const [index, device] of (linux.devices ?? []).entries()) {
    devices.set(cleanPath(device.path), [device, origin(`/linux/devices/${index}`, device.path)])
  }
  return [...devices.values()]
}

function makeDevice(device: LinuxDevice, from: Provenance): Op {
  const { path, type, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 } = device
  const numbers = type === 'p' ? { major: 0, minor: 0 } : { major, minor }
  // The mode of the config may come with type bits; the type is said elsewhere.
  const mode = fileTypes[type] | (fileMode & 0o7777)
  return { kind: 'mknod', path: cleanPath(path), mode, ...numbers, uid, gid, ...from }
}

/** The device of the host at the same path, checked to be the one that is meant. */
function bindDevice(context: CompileContext, device: LinuxDevice, from: Provenance): StagedOps {
  const { major = 0, minor = 0 } = device
  const path = cleanPath(device.path)
  const slot = context.slots.next()
  const target = context.targetSlot()
  return {
    prepare: [{ kind: 'open-char', path, major, minor, slot, ...from }, unshareTree(slot, from)],
    setup: [
      { kind: 'ensure', path, type: TARGET.FILE, like: null, mode: 0o644, target, ...from },
      { kind: 'move', tree: slot, target, ...from },
    ],
  }
}
