// SPDX-License-Identifier: Apache-2.0
/*
 * Programs try new system calls and fall back to old ones on ENOSYS. A filter that denies what it
 * does not know with EPERM, or kills, breaks them with each new kernel. System calls are numbered
 * upwards, so those above the highest number that the policy names are taken for newer than it.
 *
 *	ld arch
 *	for each AUDIT_ARCH:
 *		jeq ARCH, 0, next
 *		ld nr
 *		...			-> answer, or on to the filter
 *	next: ...
 *	ja filter
 *	answer: ret ERRNO | ENOSYS
 *	filter:
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "seccomp.h"

#define X32_BIT 0x40000000u
#define NO_LIMIT 0

/* Targets that are only known at the end; no jump of a stub is ever that long. */
#define TO_FILTER 0xfe
#define TO_ANSWER 0xff

struct group {
	uint32_t audit;
	int highest; /* NO_LIMIT: leave to the filter */
	int x32;     /* the same for x32, which shares AUDIT_ARCH_X86_64 */
	int setup;   /* number 0 stands for "unknown number" (s390) */
};

static uint32_t audit_arch(uint32_t token)
{
	switch (token) {
	case SCMP_ARCH_X32:
		return AUDIT_ARCH_X86_64;
	case SCMP_ARCH_MIPS64N32:
		return AUDIT_ARCH_MIPS64N32;
	case SCMP_ARCH_MIPSEL64N32:
		return AUDIT_ARCH_MIPSEL64N32;
	default:
		return token; /* all other tokens are the kernel's own numbers */
	}
}

static unsigned int collect(const struct policy *policy, struct group *groups)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < policy->arches; i++) {
		const struct arch_limit *limit = &policy->limits[i];
		uint32_t audit = audit_arch(limit->token);
		unsigned int at = 0;

		if (limit->highest <= 0)
			continue;
		while (at < count && groups[at].audit != audit)
			at++;
		if (at == count)
			groups[count++] = (struct group){.audit = audit};
		if (limit->token == SCMP_ARCH_X32)
			groups[at].x32 = limit->highest;
		else
			groups[at].highest = limit->highest;
		groups[at].setup =
			limit->token == SCMP_ARCH_S390 || limit->token == SCMP_ARCH_S390X;
	}
	return count;
}

static struct sock_filter newer_than(int highest)
{
	return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)highest, TO_ANSWER,
					    TO_FILTER);
}

static size_t build_group(const struct group *group, struct sock_filter *to)
{
	size_t n = 0;

	to[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, group->audit, 0, 0);
	to[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, nr));
	if (group->setup)
		to[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, TO_ANSWER, 0);
	if (group->audit == AUDIT_ARCH_X86_64) {
		/* x32 numbers carry a bit. Of a kind without a limit the filter itself is the judge. */
		uint8_t x32 = group->x32 == NO_LIMIT ? TO_FILTER : 0;
		uint8_t other = group->x32 == NO_LIMIT ? 0 : 1;

		if (group->highest == NO_LIMIT)
			other = TO_FILTER;
		to[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, x32,
						       other);
		if (group->x32 != NO_LIMIT)
			to[n++] = newer_than(group->x32);
	}
	if (group->highest != NO_LIMIT)
		to[n++] = newer_than(group->highest);
	to[0].jf = (uint8_t)(n - 1); /* another architecture */
	return n;
}

static uint8_t resolve(uint8_t jump, size_t at, size_t answer)
{
	if (jump == TO_ANSWER)
		return (uint8_t)(answer - at - 1);
	if (jump == TO_FILTER)
		return (uint8_t)(answer - at);
	return jump;
}

size_t stub_build(const struct policy *policy, struct sock_filter *stub)
{
	struct group groups[MAX_ARCHES];
	unsigned int count = collect(policy, groups);
	size_t n = 0, answer;

	if (!policy->enosys || count == 0)
		return 0;
	stub[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, arch));
	for (unsigned int i = 0; i < count; i++)
		n += build_group(&groups[i], stub + n);
	stub[n++] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1);
	answer = n;
	stub[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	for (size_t at = 0; at < answer - 1; at++) {
		if (BPF_CLASS(stub[at].code) != BPF_JMP)
			continue;
		stub[at].jt = resolve(stub[at].jt, at, answer);
		stub[at].jf = resolve(stub[at].jf, at, answer);
	}
	return n;
}
