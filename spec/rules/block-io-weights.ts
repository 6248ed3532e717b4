// SPDX-License-Identifier: Apache-2.0
import type { Report, Rule } from '../rule.ts'

interface Weights {
  readonly weight?: number | undefined
  readonly leafWeight?: number | undefined
}

function checkWeights(weights: Weights, pointer: string, report: Report): void {
  for (const name of ['weight', 'leafWeight'] as const) {
    const value = weights[name]
    if (value !== undefined && value !== 0 && (value < 10 || value > 1000)) {
      report(`${pointer}/${name}`, `${value} is out of range: give a weight from 10 to 1000`)
    }
  }
}

/**
 * Weights go from 10 to 1000, 0 meaning unset; an entry for a device must give one.
 * Spec: config-linux.md#block-io
 */
export const blockIoWeights: Rule = {
  name: 'block-io-weights',
  section: 'config-linux.md#block-io',
  field: '/linux/resources/blockIO',
  check({ linux }, report) {
    const blockIO = linux?.resources?.blockIO
    const at = '/linux/resources/blockIO'
    checkWeights(blockIO ?? {}, at, report)
    blockIO?.weightDevice?.forEach((device, index) => {
      checkWeights(device, `${at}/weightDevice/${index}`, report)
      if (device.weight === undefined && device.leafWeight === undefined) {
        report(`${at}/weightDevice/${index}`, 'has neither weight nor leafWeight: give at least one')
      }
    })
  },
}
