// SPDX-License-Identifier: Apache-2.0

/** A place where the schemas of this folder part from the official ones of runtime-spec 1.3.0, on purpose. */
export interface Difference {
  readonly document: 'config' | 'state' | 'features'
  /** JSON pointer; '*' stands for any one key. Whatever lies below belongs to it too. */
  readonly pointer: string
  /** What these schemas do with the example, where the official ones do the opposite. */
  readonly ours: 'accept' | 'refuse'
  /** A value at the pointer (undefined: the field is absent) on which the two part. */
  readonly example: unknown
  readonly reason: string
}

export const DIFFERENCES: readonly Difference[] = [
  {
    document: 'config',
    pointer: '/linux/devices/*/fileMode',
    ours: 'accept',
    example: 8630,
    reason: 'engines pass st_mode as it is, with sticky and file type bits; config-linux.md sets no bound but uint32',
  },
  {
    document: 'config',
    pointer: '/linux/rootfsPropagation',
    ours: 'accept',
    example: 'rslave',
    reason: 'engines pass the recursive forms, and an empty string for none; every other runtime takes them',
  },
  {
    document: 'config',
    pointer: '/linux/memoryPolicy/mode',
    ours: 'refuse',
    example: undefined,
    reason: 'config-linux.md#memory-policy: mode is REQUIRED',
  },
  ...['throttleReadBpsDevice', 'throttleWriteBpsDevice', 'throttleReadIOPSDevice', 'throttleWriteIOPSDevice'].map(
    (list): Difference => ({
      document: 'config',
      pointer: `/linux/resources/blockIO/${list}/*/rate`,
      ours: 'refuse',
      example: undefined,
      reason: 'config-linux.md#block-io: rate is REQUIRED',
    }),
  ),
  {
    document: 'config',
    pointer: '/linux/personality/domain',
    ours: 'refuse',
    example: undefined,
    reason: 'config-linux.md#personality: domain is REQUIRED',
  },
  {
    document: 'config',
    pointer: '/annotations/',
    ours: 'refuse',
    example: 1,
    reason: 'config.md#annotations: values MUST be strings; the official pattern passes over an empty key',
  },
  {
    document: 'config',
    pointer: '/linux/sysctl/',
    ours: 'refuse',
    example: 1,
    reason: 'as for annotations: a value is a string whatever its key',
  },
  {
    document: 'config',
    pointer: '/linux/resources/unified/',
    ours: 'refuse',
    example: 1,
    reason: 'as for annotations: a value is a string whatever its key',
  },
  {
    document: 'config',
    pointer: '/freebsd/devices/*/path',
    ours: 'refuse',
    example: undefined,
    reason: 'config-freebsd.md: path is REQUIRED',
  },
  {
    document: 'config',
    pointer: '/windows/resources/cpu/affinity',
    ours: 'accept',
    example: [{ mask: 1, group: 0 }],
    reason: 'config-windows.md: an array of objects; the official schema has one object',
  },
  {
    document: 'config',
    pointer: '/vm/hwConfig/iomems/1',
    ours: 'refuse',
    example: 'x',
    reason: 'config-vm.md: every entry is such an object; the official schema looks at the first only',
  },
  {
    document: 'features',
    pointer: '/linux/intelRdt/schemata',
    ours: 'refuse',
    example: 'x',
    reason: 'features-linux.md#intel-rdt: a boolean; the official schema does not know the field',
  },
  {
    document: 'features',
    pointer: '/linux/intelRdt/monitoring',
    ours: 'refuse',
    example: 'x',
    reason: 'features-linux.md#intel-rdt: a boolean; the official schema does not know the field',
  },
  {
    document: 'features',
    pointer: '/linux/memoryPolicy',
    ours: 'refuse',
    example: 'x',
    reason: 'features-linux.md#memory-policy: an object; the official schema does not know the field',
  },
]
