// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_SECCOMP_SECCOMP_H
#define TSRUN_SECCOMP_SECCOMP_H

#include <linux/filter.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_ARCHES 32

/* Highest system call numbers that the policy names, by architecture. */
struct arch_limit {
	uint32_t token; /* SCMP_ARCH_* */
	int highest;	/* 0: none of the names exists there */
};

struct policy {
	scmp_filter_ctx filter;
	int enosys; /* newer system calls get ENOSYS */
	unsigned int arches;
	struct arch_limit limits[MAX_ARCHES];
};

/**
 * policy_parse - read the text of a policy into a libseccomp filter
 * @policy: filled; policy->filter is owned by the caller even on failure (may be NULL)
 * @text: NUL-terminated; cut into words in place
 *
 * Return: 0, or -1 after the reason was written to stderr.
 */
int policy_parse(struct policy *policy, char *text);

/* Most instructions that stub_build() writes. */
#define STUB_MAX (4 + MAX_ARCHES * 6)

/**
 * stub_build - make the instructions that answer ENOSYS to system calls newer than the policy
 * @policy: parsed
 * @stub: room for STUB_MAX instructions; all that is not answered falls through its end
 *
 * Return: the number of instructions, 0 when the policy needs none.
 */
size_t stub_build(const struct policy *policy, struct sock_filter *stub);

/* Writes `tsrun-seccomp: ...` to stderr. Return: -1. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
