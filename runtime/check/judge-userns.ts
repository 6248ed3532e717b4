// SPDX-License-Identifier: Apache-2.0
import type { CheckFacts, Finding } from './finding.ts'

/** Ids that images use; fewer make some of their files unreadable. */
const usualIds = 65536

/** User namespaces: for a user without root nothing goes without them. */
export function judgeUserNamespaces(facts: CheckFacts): readonly Finding[] {
  const findings = [judgeMaking(facts)]
  if (facts.uid !== 0) findings.push(judgeHelpers(facts), judgeSubordinate(facts))
  return findings
}

function judgeMaking(facts: CheckFacts): Finding {
  const name = 'user namespaces'
  const lacking = facts.uid === 0 ? 'degraded' : 'missing'
  const made = facts.userns.get('user') ?? 'ENOSYS'
  if (made !== '0') return { name, status: lacking, found: `unshare: ${made}`, advice: adviceOf(facts, made) }
  const mounts = facts.userns.get('mount') ?? '0'
  if (mounts === '0') return { name, status: 'ok', found: 'can be made' }
  return {
    name,
    status: lacking,
    found: `can be made, but give no capabilities (unshare of mounts: ${mounts})`,
    advice:
      facts.sysctls.apparmorUserns === 1
        ? 'AppArmor restricts them here. As root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give tsrun a profile with the rule userns'
        : 'a security module takes them away: see the log of the kernel',
  }
}

function adviceOf({ sysctls }: CheckFacts, errno: string): string {
  if (sysctls.maxUserns === 0) return 'as root: sysctl -w user.max_user_namespaces=15000'
  if (sysctls.unprivilegedUserns === 0) return 'as root: sysctl -w kernel.unprivileged_userns_clone=1'
  if (sysctls.apparmorUserns === 1) return 'as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'
  if (errno === 'ENOSPC') return 'there are as many as user.max_user_namespaces allows, or they are nested 32 deep'
  if (errno === 'ENOSYS' || errno === 'EINVAL') return 'use a kernel with CONFIG_USER_NS'
  return 'a filter or security module around this process refuses them'
}

function judgeHelpers({ programs }: CheckFacts): Finding {
  const name = 'newuidmap, newgidmap'
  const found = ['newuidmap', 'newgidmap'].map((program) => programs.get(program))
  const advice = 'install the package uidmap (Debian) or shadow-utils (Fedora); without them a container has one id'
  if (found.some((program) => program === undefined)) return { name, status: 'degraded', found: 'not on PATH', advice }
  if (found.some((program) => program?.privileged !== true)) {
    return {
      name,
      status: 'degraded',
      found: 'have neither the set-user-id bit nor capabilities',
      advice: 'as root: chmod u+s, or setcap cap_setuid+ep newuidmap and cap_setgid+ep newgidmap',
    }
  }
  return { name, status: 'ok', found: found.map((program) => program?.path).join(' ') }
}

function judgeSubordinate({ subordinate, user }: CheckFacts): Finding {
  const name = 'subordinate ids'
  const { uids, gids } = subordinate
  const found = `${uids} user ids, ${gids} group ids`
  if (uids >= usualIds && gids >= usualIds) return { name, status: 'ok', found }
  return {
    name,
    status: 'degraded',
    found,
    advice: `as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user}`,
  }
}
