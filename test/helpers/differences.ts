// SPDX-License-Identifier: Apache-2.0

/**
 * In what runtimes differ from the specification or from us: a reason for each runtime. The key is its name, with
 * versions where not all of them do so: `crun`, `runc<1.2`, `runc>=1.3`.
 */
export type Differences = Readonly<Record<string, string>>

/** Compares versions number by number; what is missing counts as 0. Negative: `a` is older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => (/^[\d.]*/.exec(version)?.[0] ?? '').split('.').map(Number))
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0)
    if (difference !== 0) {
      return difference
    }
  }
  return 0
}

/** The reason for one runtime, or undefined. */
export function findDifference(differences: Differences, name: string, version: string): string | undefined {
  for (const [key, reason] of Object.entries(differences)) {
    const [, wanted, operator, bound = ''] = /^([a-z]+)(?:(<|>=)([\d.]+))?$/.exec(key) ?? []
    if (wanted === undefined) {
      throw new Error(`not a runtime with versions: "${key}"`)
    }
    const older = compareVersions(version, bound) < 0
    if (wanted === name && (operator === undefined || older === (operator === '<'))) {
      return reason
    }
  }
  return undefined
}
