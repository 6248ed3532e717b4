// SPDX-License-Identifier: Apache-2.0

/* Numbers of the wire format that both directions need; their meaning stands in csrc/README.md. */
export const PLAN_MAGIC = 0x4c505354 // TSPL
export const PLAN_VERSION = 1
export const HEADER_WORDS = 56
export const SECTIONS_AT = 8
export const FIELDS_AT = 32
export const SPAWN_AT = 44
export const NO_SLOT = 0xffffffff
export const SPAWN_FLAG = { terminal: 1, stage: 2, exec: 4, dumpable: 8 } as const
