// SPDX-License-Identifier: Apache-2.0

/** struct bpf_cgroup_dev_ctx */
export interface DeviceAccess {
  readonly accessType: number
  readonly major: number
  readonly minor: number
}

/** Runs the subset of eBPF that device programs are made of, and fails on anything else. */
export function runDeviceFilter(program: Uint8Array, access: DeviceAccess): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const context = [access.accessType, access.major, access.minor].map((word) => word >>> 0)
  const registers: (number | undefined)[] = new Array(11).fill(undefined)
  registers[1] = 0
  const read = (register: number): number => {
    const value = registers[register]
    if (value === undefined) throw new Error(`r${register} is read before it is written`)
    return value
  }
  for (let at = 0, steps = 0; steps < 4096; at++, steps++) {
    if (at * 8 >= program.length) throw new Error('ran off the end')
    const opcode = view.getUint8(at * 8)
    const both = view.getUint8(at * 8 + 1)
    const [dst, src] = [both & 15, both >> 4]
    const offset = view.getInt16(at * 8 + 2, true)
    const imm = view.getUint32(at * 8 + 4, true)
    if (opcode === 0x61) registers[dst] = context[(read(src) + offset) / 4] as number
    else if (opcode === 0xbc) registers[dst] = read(src)
    else if (opcode === 0xb4) registers[dst] = imm
    else if (opcode === 0x54) registers[dst] = (read(dst) & imm) >>> 0
    else if (opcode === 0x74) registers[dst] = read(dst) >>> imm
    else if (opcode === 0x56) at += read(dst) !== imm ? offset : 0
    else if (opcode === 0x16) at += read(dst) === imm ? offset : 0
    else if (opcode === 0x5e) at += read(dst) !== read(src) ? offset : 0
    else if (opcode === 0x95) return read(0)
    else throw new Error(`unknown opcode 0x${opcode.toString(16)}`)
  }
  throw new Error('does not end')
}
