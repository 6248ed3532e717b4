// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * closID names one directory of resctrl, or "/" for its root; a schema is one line.
 * Spec: config-linux.md#intelrdt
 */
export const intelRdt: Rule = {
  name: 'intel-rdt',
  section: 'config-linux.md#intelrdt',
  field: '/linux/intelRdt',
  check({ linux }, report) {
    const rdt = linux?.intelRdt
    if (rdt === undefined) return
    const { closID = '', l3CacheSchema = '', schemata = [] } = rdt
    if (closID !== '/' && (closID === '.' || closID === '..' || closID.includes('/'))) {
      report(
        '/linux/intelRdt/closID',
        `${JSON.stringify(closID)} is no name of a class: write one without "/", or "/" alone for the default class`,
      )
    }
    if (l3CacheSchema.includes('\n')) report('/linux/intelRdt/l3CacheSchema', 'has a line break in it: write one line')
    schemata.forEach((line, index) => {
      if (line.includes('\n'))
        report(`/linux/intelRdt/schemata/${index}`, 'has a line break in it: write one line an entry')
    })
  },
}
