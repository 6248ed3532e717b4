// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDocument } from '../../../runtime/json.ts'
import { exactInteger } from '../../../spec/exact-integer.ts'
import { correctFieldNames } from '../../../spec/field-names.ts'

test('a name in another case gets the right one, and that is told', () => {
  const config = {
    OCIVersion: '1.3.0',
    root: { path: 'rootfs', readOnly: true },
    mounts: [{ destination: '/a' }, { Destination: '/b' }],
    linux: {
      resources: { hugepageLimits: [{ pagesize: '2MB', limit: 1 }] },
      seccomp: { defaultaction: 'SCMP_ACT_LOG' },
    },
  }
  const told = correctFieldNames(config, '')
  assert.equal(config as object, {
    ociVersion: '1.3.0',
    root: { path: 'rootfs', readonly: true },
    mounts: [{ destination: '/a' }, { destination: '/b' }],
    linux: {
      resources: { hugepageLimits: [{ pageSize: '2MB', limit: 1 }] },
      seccomp: { defaultAction: 'SCMP_ACT_LOG' },
    },
  })
  const as = 'it is taken as'
  const end = 'as the specification spells it'
  assert.equal(told, [
    `OCIVersion: ${as} ociVersion, ${end}`,
    `root.readOnly: ${as} readonly, ${end}`,
    `mounts[1].Destination: ${as} destination, ${end}`,
    `linux.resources.hugepageLimits[0].pagesize: ${as} pageSize, ${end}`,
    `linux.seccomp.defaultaction: ${as} defaultAction, ${end}`,
  ])
})

test('what is inside of a renamed object is looked at, too', () => {
  const config = { Process: { NoNewPrivileges: true } }
  assert.is(correctFieldNames(config, '').length, 2)
  assert.equal(config as object, { process: { noNewPrivileges: true } })
})

test('a field that is there under its right name stays as it is', () => {
  const config = { root: { readOnly: false, readonly: true } }
  assert.equal(correctFieldNames(config, ''), ['root.readOnly: it is ignored, as readonly is there as well'])
  assert.is(config.root.readonly, true)
})

test('unknown names, and those that are free, are nobody else', () => {
  const text = `{"annotations": {"Hostname": "x", "hostname": "y"}, "linux": {"sysctl": {"A.b": "1"}, "x": 1},
    "constructor": 1, "__proto__": {"readOnly": true}, "toString": 1, "process": 7, "mounts": {"x": null}, "hooks": [[1]]}`
  const config = JSON.parse(text) as object
  assert.equal(correctFieldNames(config, ''), [])
  assert.is(JSON.stringify(config), JSON.stringify(JSON.parse(text)))
  for (const document of [undefined, null, 1, 'x', []]) assert.equal(correctFieldNames(document, ''), [])
})

test('parts of a config.json', () => {
  const process = { Env: ['A=b'], root: { readOnly: true } }
  assert.is(correctFieldNames(process, '/process').length, 1)
  assert.equal(process as object, { env: ['A=b'], root: { readOnly: true } })
  const resources = parseDocument('{"Memory": {"LIMIT": 9223372036854775807}}', 'x')
  correctFieldNames(resources, '/linux/resources')
  const { memory } = resources as { memory: { limit: number } }
  assert.is(exactInteger(memory, 'limit'), 9223372036854775807n)
})

test.run()
