// SPDX-License-Identifier: Apache-2.0
#include "seccomp_early.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#define NATIVE_ARCH 0
#endif

#define ARGUMENTS offsetof(struct seccomp_data, instruction_pointer)

/* Between READY and the user process: waiting, the ops of section start but hooks, execve, and the way out. */
static const int needed[] = {
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,	 SYS_restart_syscall, SYS_accept4, SYS_recvmsg,	  SYS_sendmsg,	  SYS_close,
	SYS_close_range, SYS_fcntl,	      SYS_fstat,   SYS_prlimit64, SYS_brk,	  SYS_mmap,
	SYS_munmap,	 SYS_madvise,	      SYS_execve,  SYS_exit,	  SYS_exit_group,
};

static int jumps(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGT:
		return a > f->k;
	case BPF_JGE:
		return a >= f->k;
	case BPF_JSET:
		return (a & f->k) != 0;
	default:
		return -1;
	}
}

/* Follows a program for one system call. Return: 1 when it allows the call without a look at its arguments. */
static int allows(const struct sock_filter *program, size_t length, uint32_t nr)
{
	const uint32_t known[] = {nr, NATIVE_ARCH};
	uint32_t a = 0;

	/* Jumps go forward only, so that this ends. */
	for (size_t at = 0; at < length; at++) {
		const struct sock_filter *f = &program[at];
		int taken;

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (f->k % 4 || f->k >= ARGUMENTS)
				return 0;
			a = known[f->k / 4];
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_JMP | BPF_JA:
			at += f->k;
			break;
		case BPF_RET | BPF_K:
			return f->k == SECCOMP_RET_ALLOW;
		default:
			taken = BPF_CLASS(f->code) == BPF_JMP && BPF_SRC(f->code) == BPF_K
					? jumps(f, a)
					: -1;
			if (taken < 0)
				return 0;
			at += taken ? f->jt : f->jf;
		}
	}
	return 0;
}

static int allows_all(const struct sock_filter *program, size_t length)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!allows(program, length, (uint32_t)needed[i]))
			return 0;
	return 1;
}

/* The one filter of section start, when nothing there needs more than what is listed. Return: 1 with *found filled. */
static int find_filter(const struct context *c, struct op *found)
{
	const struct ops *ops = &c->plan->sections[SECTION_START];
	const uint32_t *cursor = ops->words;
	int count = 0;

	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;

		plan_next(c->plan, &cursor, &op);
		if (op.code == OP_HOOK || op.code == OP_HOOK_INTO || op.code == OP_SESSION)
			return 0;
		if (op.code != OP_SECCOMP)
			continue;
		*found = op;
		count++;
	}
	return count == 1 && !(found->args[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

void seccomp_load_early(struct context *c)
{
	struct sock_fprog program;
	struct stat st;
	struct op op = {0};
	void *bytes;
	int fd;

	if (NATIVE_ARCH == 0 || !find_filter(c, &op))
		return;
	fd = op_slot(c, &op, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0 ||
	    st.st_size > (off_t)(BPF_MAXINSNS * sizeof(struct sock_filter)))
		return;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return;
	program.len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
	program.filter = bytes;
	if (allows_all(bytes, program.len) &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, op.args[1], &program) == 0)
		c->filtered = 1;
	munmap(bytes, (size_t)st.st_size);
}
