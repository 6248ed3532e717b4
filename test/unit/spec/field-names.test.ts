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

test('of several names for one field, what is told last holds, and objects are laid over one another', () => {
  const of = (text: string): object => {
    const config = JSON.parse(text) as object
    assert.ok(correctFieldNames(config, '').some((line) => line.includes('which is there as well')))
    return config
  }
  assert.equal(of('{"root": {"readOnly": false, "readonly": true}}'), { root: { readonly: true } })
  assert.equal(of('{"root": {"readonly": true, "readOnly": false}}'), { root: { readonly: false } })
  assert.equal(of('{"HOSTNAME": "a", "Hostname": "b"}'), { hostname: 'b' })
  assert.equal(of('{"hostname": "a", "HOSTNAME": "b", "Hostname": "c"}'), { hostname: 'c' })
  assert.equal(of('{"mounts": [{"destination": "/a"}], "Mounts": [{"destination": "/b"}]}'), {
    mounts: [{ destination: '/b' }],
  })
  assert.equal(of('{"linux": {"resources": {"cpu": {"shares": 5, "cpus": "1"}, "CPU": {"Cpus": "0", "Mems": "0"}}}}'), {
    linux: { resources: { cpu: { shares: 5, cpus: '0', mems: '0' } } },
  })
  assert.equal(of('{"linux": {"resources": {"CPU": {"cpus": "0", "mems": "0"}, "cpu": {"cpus": "1"}}}}'), {
    linux: { resources: { cpu: { cpus: '1', mems: '0' } } },
  })
  assert.equal(of('{"hostname": "a", "HOSTNAME": null}'), { hostname: null })
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
