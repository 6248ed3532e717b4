// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { factsOf, unified } from '../cgroups/hosts.ts'
import { execPlanOf, find, kindsOf, planOf, refusalOf } from './requests.ts'

const test = suite('annotations')

const annotated = (name: string, value = '1', process = {}) => ({
  process,
  config: { annotations: { [`run.oci.${name}`]: value } },
})

test('keep_original_groups leaves the groups as they are, for exec as well', () => {
  const changes = annotated('keep_original_groups')
  assert.is(find(planOf(changes), 'drop', 'ids').flags, 0)
  assert.is(find(execPlanOf(['sh'], changes), 'drop', 'ids').flags, 0)
  assert.is(find(planOf(annotated('keep_original_groups', '0')), 'drop', 'ids').flags, 1)
  const both = annotated('keep_original_groups', '1', { user: { uid: 0, gid: 0, additionalGids: [5] } })
  assert.match(planOf(both).warnings.join(), /additionalGids: without effect/)
})

test('mount_context_type names the option of linux.mountLabel', () => {
  const labelled = (value: string) =>
    planOf({
      config: {
        annotations: { 'run.oci.mount_context_type': value },
        mounts: [{ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }],
      },
      linux: { mountLabel: 'label' },
      facts: { lsm: ['selinux'] },
    })
  assert.ok(find(labelled('rootcontext'), 'setup', 'mount-fs-like').options.includes('rootcontext=label'))
  assert.match(
    refusalOf(() => labelled('nonsense')),
    /"nonsense" is none of context, fscontext/,
  )
})

test('pidfd_receiver is connected to before anything is made', () => {
  const plan = planOf(annotated('pidfd_receiver', '/run/socket'))
  assert.ok(kindsOf(plan, 'prepare').includes('connect'))
  assert.is(find(plan, 'commit', 'send-pidfd').socket, find(plan, 'prepare', 'connect').slot)
  assert.match(
    refusalOf(() => planOf(annotated('pidfd_receiver', 'socket'))),
    /no absolute path/,
  )
})

test('hooks.stdout and hooks.stderr are opened where the hooks are run that write to them', () => {
  const hooks = Object.fromEntries(
    ['createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map((kind) => [
      kind,
      [{ path: '/h' }],
    ]),
  )
  const plan = planOf({ config: { hooks, annotations: { 'run.oci.hooks.stderr': '/log' } } })
  const { slot } = find(plan, 'prepare', 'open-append')
  for (const section of ['hooks', 'setup', 'start', 'poststart', 'poststop'] as const) {
    const { stdout, stderr } = find(plan, section, 'hook-into')
    assert.equal([stdout, stderr], [null, slot], section)
  }
  for (const section of ['poststart', 'poststop'] as const)
    assert.equal(kindsOf(plan, section), ['open-append', 'hook-into'], section)
  assert.not.ok(kindsOf(planOf(annotated('hooks.stdout', '/log')), 'prepare').includes('open-append'))
  assert.match(
    refusalOf(() => planOf({ config: { hooks, annotations: { 'run.oci.hooks.stdout': 'log' } } })),
    /run\.oci\.hooks\.stdout.*"log" is no absolute path/,
  )
})

test('what matters and is not supported is refused, what is not known is told', () => {
  for (const name of ['handler', 'seccomp.receiver', 'seccomp_bpf_data', 'seccomp_fail_unknown_syscall']) {
    assert.match(
      refusalOf(() => planOf(annotated(name))),
      new RegExp(`^annotations\\.?.*run\\.oci\\.${name}`),
    )
  }
  for (const name of ['delegate-cgroup', 'something.new']) {
    assert.match(planOf(annotated(name)).warnings.join(), new RegExp(`run\\.oci\\.${name}.*: without effect`))
  }
  assert.equal(planOf({ config: { annotations: { other: 'x', 'run.oci.systemd.subgroup': 'x' } } }).warnings, [])
})

test('what is about the unit is told where systemd makes one', () => {
  const facts = {
    ...factsOf(unified),
    systemd: { pid1Cgroup: '0::/init.scope\n', pid1Uid: 0, userCgroup: '/user.slice/user-0.slice/user@0.service' },
  }
  const warnings = (value: string) =>
    planOf({
      config: { annotations: { 'run.oci.systemd.subgroup': value } },
      facts,
      options: { 'systemd-cgroup': 'true' },
    }).warnings
  assert.match(warnings('below').join(), /run\.oci\.systemd\.subgroup.*without effect/)
  assert.equal(warnings(''), [])
})

test.run()
