// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"

/* A mapping, not a copy: memory may be short. It is left to execve, because munmap may be filtered by then. */
static int map_program(struct err *e, int fd, struct sock_fprog *program)
{
	struct stat st;
	void *bytes;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "fstat of the seccomp program");
	if (st.st_size <= 0 || st.st_size % (off_t)sizeof(struct sock_filter) ||
	    st.st_size > (off_t)(BPF_MAXINSNS * sizeof(struct sock_filter)))
		return err_set(e, 0, "the seccomp program has %lld bytes, which is none",
			       (long long)st.st_size);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_set(e, errno, "mmap of the seccomp program");
	program->len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
	program->filter = bytes;
	return 0;
}

static const char *hint(int number)
{
	if (number == EACCES)
		return " (without no_new_privs CAP_SYS_ADMIN is needed)";
	if (number == EBUSY)
		return " (a filter that was inherited has a listener already)";
	return "";
}

int op_SECCOMP(struct err *e, struct context *c, const struct op *op)
{
	unsigned int flags = op->args[1];
	int wants_listener = (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
	int socket = op_slot(c, op, 2), r;
	struct sock_fprog program;
	_free_ char *state = NULL;
	size_t length = 0;
	long listener;

	if (c->filtered)
		return 0;
	r = map_program(e, op_slot(c, op, 0), &program);
	if (r < 0)
		return r;
	if (wants_listener) {
		if (socket < 0)
			return err_set(e, 0, "there is no socket for the seccomp listener");
		state = template_fill(op_string(c, op, 3), op->args[4], c->pid, c->status,
				      c->start_time, &length);
		if (!state)
			return err_set(e, ENOMEM, "seccomp");
	}
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (listener < 0)
		return err_set(e, errno, "seccomp (flags %#x)%s", flags, hint(errno));
	/*
	 * REGIME: from here on the filter judges this process, too: no system call that is not needed. The listener
	 * was born close-on-exec.
	 */
	if (!wants_listener)
		return 0;
	r = message_send(socket, state, length, (int)listener);
	if (r < 0)
		return err_set(e, -r,
			       "sendmsg of the seccomp listener (the profile must allow sendmsg)");
	return 0;
}
