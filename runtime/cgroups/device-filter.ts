// SPDX-License-Identifier: Apache-2.0
import { ACCESS_ALL, type DevicePolicy } from './device-policy.ts'

/* eBPF opcodes, <linux/bpf.h>. Jump offsets count from the next instruction. */
const LDX_WORD = 0x61 // dst = *(u32 *)(src + off)
const MOV_REG = 0xbc // 32 bits
const MOV_IMM = 0xb4
const AND_IMM = 0x54
const RSH_IMM = 0x74
const JNE_IMM = 0x56 // compares 32 bits: a major of 2^31 or more must not be sign-extended
const JNE_REG = 0x5e
const JEQ_IMM = 0x16
const EXIT = 0x95

/* Registers: r1 comes in as the context, r0 goes out as the verdict. */
const VERDICT = 0
const CONTEXT = 1
const TYPE = 2
const ACCESS = 3
const MAJOR = 4
const MINOR = 5

const typeCode = { b: 1, c: 2 } as const // BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR

/** Bytes of one eBPF instruction. */
const INSN_SIZE = 8

type Insn = readonly [opcode: number, dst: number, src: number, offset: number, imm: number]

/**
 * Compiles a device policy to a program for BPF_PROG_TYPE_CGROUP_DEVICE: struct bpf_insn in the byte order
 * of this host (little-endian, as all hosts of the plan format are). It returns 1 to allow an access.
 */
export function compileDeviceFilter(policy: DevicePolicy): Uint8Array {
  // struct bpf_cgroup_dev_ctx { u32 access_type (access << 16 | type), major, minor }
  const insns: Insn[] = [
    [LDX_WORD, TYPE, CONTEXT, 0, 0],
    [MOV_REG, ACCESS, TYPE, 0, 0],
    [AND_IMM, TYPE, 0, 0, 0xffff],
    [RSH_IMM, ACCESS, 0, 0, 16],
    [LDX_WORD, MAJOR, CONTEXT, 4, 0],
    [LDX_WORD, MINOR, CONTEXT, 8, 0],
  ]
  for (const { type, major, minor, access } of policy.exceptions) {
    // Each block ends in two instructions of verdict; a test that fails jumps behind them.
    const tests: Insn[] = [[JNE_IMM, TYPE, 0, 0, typeCode[type]]]
    if (access !== ACCESS_ALL) {
      tests.push([MOV_REG, CONTEXT, ACCESS, 0, 0], [AND_IMM, CONTEXT, 0, 0, access])
      // Denied is an access that wants any of these, allowed one that wants nothing else.
      if (policy.defaultAllow) tests.push([JEQ_IMM, CONTEXT, 0, 0, 0])
      else tests.push([JNE_REG, CONTEXT, ACCESS, 0, 0])
    }
    if (major !== undefined) tests.push([JNE_IMM, MAJOR, 0, 0, major])
    if (minor !== undefined) tests.push([JNE_IMM, MINOR, 0, 0, minor])
    for (const [index, test] of tests.entries()) {
      const [opcode, dst, src, , imm] = test
      const jumps = (opcode & 0x07) === 0x06
      insns.push(jumps ? [opcode, dst, src, tests.length - index + 1, imm] : test)
    }
    insns.push([MOV_IMM, VERDICT, 0, 0, policy.defaultAllow ? 0 : 1], [EXIT, 0, 0, 0, 0])
  }
  insns.push([MOV_IMM, VERDICT, 0, 0, policy.defaultAllow ? 1 : 0], [EXIT, 0, 0, 0, 0])
  return encode(insns)
}

function encode(insns: readonly Insn[]): Uint8Array {
  const bytes = new Uint8Array(insns.length * INSN_SIZE)
  const view = new DataView(bytes.buffer)
  for (const [index, [opcode, dst, src, offset, imm]] of insns.entries()) {
    const at = index * INSN_SIZE
    view.setUint8(at, opcode)
    view.setUint8(at + 1, dst | (src << 4))
    view.setInt16(at + 2, offset, true)
    view.setInt32(at + 4, imm | 0, true)
  }
  return bytes
}
