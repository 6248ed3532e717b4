// SPDX-License-Identifier: Apache-2.0
/*
 * tsrun-seccomp: reads a policy on stdin (policy.c), writes the BPF program for seccomp(2) to
 * stdout: an array of struct sock_filter. Nothing is written unless all of it can be.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "seccomp.h"

#define POLICY_MAX (1u << 20)

static char text[POLICY_MAX + 1];
static struct sock_filter program[STUB_MAX + BPF_MAXINSNS];

int fail(const char *format, ...)
{
	va_list ap;

	fputs("tsrun-seccomp: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

static int read_policy(void)
{
	size_t length = 0;

	for (;;) {
		ssize_t n = read(STDIN_FILENO, text + length, POLICY_MAX + 1 - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail("read: %s", strerror(errno));
		if (n == 0)
			break;
		length += (size_t)n;
		if (length > POLICY_MAX)
			return fail("the policy is larger than %u bytes", POLICY_MAX);
	}
	if (memchr(text, '\0', length))
		return fail("the policy has a NUL byte");
	text[length] = '\0';
	return 0;
}

/* libseccomp only writes to descriptors. Return: number of instructions, or -1. */
static long export_filter(scmp_filter_ctx filter, struct sock_filter *to)
{
	int fd = memfd_create("bpf", MFD_CLOEXEC), result;
	off_t size;

	if (fd < 0)
		return fail("memfd_create: %s", strerror(errno));
	result = seccomp_export_bpf(filter, fd);
	if (result < 0)
		return fail("libseccomp cannot compile the policy: %s", strerror(-result));
	size = lseek(fd, 0, SEEK_END);
	if (size <= 0 || (size_t)size % sizeof(*to))
		return fail("libseccomp wrote %ld bytes, which is no program", (long)size);
	if ((size_t)size > BPF_MAXINSNS * sizeof(*to))
		return fail("the program has %zu instructions, the kernel takes %d",
			    (size_t)size / sizeof(*to), BPF_MAXINSNS);
	if (pread(fd, to, (size_t)size, 0) != size)
		return fail("read: %s", strerror(errno));
	close(fd);
	return (long)((size_t)size / sizeof(*to));
}

static int write_program(size_t count)
{
	const char *at = (const char *)program;
	size_t left = count * sizeof(*program);

	while (left > 0) {
		ssize_t n = write(STDOUT_FILENO, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail("write: %s", strerror(errno));
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

static int compile(void)
{
	struct policy policy = {0};
	size_t stub;
	long rest;

	/*
	 * All features of the kernels that tsrun runs on, without asking the kernel at hand: the
	 * same policy then gives the same program everywhere.
	 */
	seccomp_api_set(6);
	if (read_policy() < 0 || policy_parse(&policy, text) < 0)
		return -1;
	stub = stub_build(&policy, program);
	rest = export_filter(policy.filter, program + stub);
	if (rest < 0)
		return -1;
	if (stub + (size_t)rest > BPF_MAXINSNS)
		return fail("the program has %zu instructions, the kernel takes %d",
			    stub + (size_t)rest, BPF_MAXINSNS);
	seccomp_release(policy.filter);
	return write_program(stub + (size_t)rest);
}

int main(int argc, char **argv)
{
	const struct scmp_version *version = seccomp_version();

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("tsrun-seccomp (libseccomp %u.%u.%u)\n", version->major, version->minor,
		       version->micro);
		return 0;
	}
	if (argc != 1) {
		fail("usage: tsrun-seccomp <POLICY >PROGRAM, or tsrun-seccomp --version");
		return 1;
	}
	return compile() < 0;
}
