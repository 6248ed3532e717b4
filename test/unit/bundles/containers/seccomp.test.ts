// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultCapabilities } from '../../../../bundles/containers/container-spec.ts'
import { defaultSeccomp, parseSeccompProfile } from '../../../../bundles/containers/seccomp.ts'
import type { LinuxSeccomp } from '../../../../spec/runtime/seccomp.ts'
import { projectDir } from '../../../helpers/work-dir.ts'

const target = { architecture: 'amd64', capabilities: defaultCapabilities, kernel: '6.1.0' }
const names = (capabilities: readonly string[]): readonly string[] =>
  defaultSeccomp({ ...target, capabilities }).syscalls?.[0]?.names ?? []

test('what reaches beyond the container is not allowed', () => {
  const denied =
    'add_key bpf create_module delete_module finit_module init_module io_uring_setup io_uring_enter ioperm iopl kcmp kexec_load keyctl mount move_mount nfsservctl open_by_handle_at perf_event_open pivot_root quotactl reboot request_key setns settimeofday clock_settime swapon swapoff syslog umount2 unshare userfaultfd uselib vm86'
  for (const name of denied.split(' ')) assert.not.ok(names(defaultCapabilities).includes(name), name)
})

test('what is ordinary is allowed, each once', () => {
  const all = names(defaultCapabilities)
  assert.is(new Set(all).size, all.length)
  for (const name of 'read write openat2 execve clone3 futex chroot ptrace arch_prctl rseq statx'.split(' ')) {
    assert.is(all.includes(name), name !== 'clone3', name)
  }
})

test('a capability brings what it is for', () => {
  assert.ok(names([...defaultCapabilities, 'CAP_SYS_ADMIN']).includes('mount'))
  assert.ok(names([...defaultCapabilities, 'CAP_SYS_TIME']).includes('clock_settime'))
  assert.not.ok(names(defaultCapabilities.filter((one) => one !== 'CAP_SYS_CHROOT')).includes('chroot'))
  const rules = defaultSeccomp({ ...target, capabilities: ['CAP_SYS_ADMIN'] }).syscalls ?? []
  assert.not.ok(rules.some(({ names: [name], args }) => name === 'clone' && args !== undefined))
})

test('profiles in the form of docker', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ALLOW', comment: 'x' },
      { name: 'write', action: 'SCMP_ACT_ALLOW' },
      { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
      { names: ['chroot'], action: 'SCMP_ACT_ALLOW', excludes: { caps: ['CAP_SYS_CHROOT'] } },
      { names: ['ptrace'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.8' } },
      { names: ['new'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '6.2' } },
      { names: ['arm'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['arm64'] } },
      { names: ['not'], action: 'SCMP_ACT_ALLOW', excludes: { arches: ['amd64'] } },
    ],
  }
  const made = parseSeccompProfile(JSON.stringify(profile), 'p', target)
  assert.equal(made.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'])
  assert.equal(
    made.syscalls?.flatMap((one) => one.names),
    ['read', 'write', 'ptrace'],
  )
  assert.not.ok(JSON.stringify(made).includes('comment'))
})

test('profiles call 386 what seccomp calls it', () => {
  const profile = JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [
      { names: ['modify_ldt'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['x86'] } },
      { names: ['other'], action: 'SCMP_ACT_ALLOW', excludes: { arches: ['x86'] } },
    ],
  })
  const of = (architecture: string): readonly string[] =>
    parseSeccompProfile(profile, 'p', { ...target, architecture }).syscalls?.flatMap((one) => one.names) ?? []
  assert.equal(of('386'), ['modify_ldt'])
  assert.equal(of('amd64'), ['other'])
})

test("the default one allows what docker's does", () => {
  const file = join(projectDir, 'test/data/seccomp-docker-default.json')
  const docker = JSON.parse(readFileSync(file, 'utf8')) as LinuxSeccomp
  const allowed = ({ syscalls = [] }: LinuxSeccomp): readonly string[] =>
    [...new Set(syscalls.filter((one) => one.action === 'SCMP_ACT_ALLOW').flatMap((one) => one.names))].sort()
  const checked = ({ syscalls = [] }: LinuxSeccomp): readonly string[] =>
    syscalls
      .filter(({ args = [] }) => args.length > 0)
      .map(({ names: [name], args = [] }) =>
        [name, ...args.map(({ index, value, valueTwo = 0, op }) => `${index} ${value} ${valueTwo} ${op}`)].join(' '),
      )
      .sort()
  const own = defaultSeccomp(target)
  assert.equal(allowed(own), allowed(docker))
  assert.equal(checked(own), checked(docker))
  assert.equal(own.architectures, docker.architectures)
})

test('profiles that are none', () => {
  assert.throws(() => parseSeccompProfile('{', 'p', target), /profile p: it is no JSON/)
  assert.throws(() => parseSeccompProfile('{}', 'p', target), /no defaultAction/)
  assert.throws(() => parseSeccompProfile('null', 'p', target), /no defaultAction/)
})

test.run()
