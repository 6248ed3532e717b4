// SPDX-License-Identifier: Apache-2.0
/* What can only be found out by trying: for `tsrun check`. Nothing is changed. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../base/err.h"
#include "../base/sys.h"
#include "front.h"

/* Each is called in a way that it refuses: what counts is whether it is known. */
static const struct {
	const char *name;
	long number;
	long args[5];
} calls[] = {
	{"openat2", SYS_openat2, {-1, 0, 0, 0, 0}},
	{"open_tree", SYS_open_tree, {-1, 0, 0, 0, 0}},
	{"move_mount", SYS_move_mount, {-1, 0, -1, 0, ~0}},
	{"fsopen", SYS_fsopen, {0, ~0, 0, 0, 0}},
	{"fsconfig", SYS_fsconfig, {-1, ~0, 0, 0, 0}},
	{"fsmount", SYS_fsmount, {-1, ~0, 0, 0, 0}},
	{"mount_setattr", SYS_mount_setattr, {-1, 0, ~0, 0, 0}},
	{"clone3", SYS_clone3, {0, 0, 0, 0, 0}},
	{"close_range", SYS_close_range, {1, 0, 0, 0, 0}},
	{"pidfd_open", SYS_pidfd_open, {-1, 0, 0, 0, 0}},
	{"pidfd_send_signal", SYS_pidfd_send_signal, {-1, 0, 0, 0, 0}},
	{"memfd_create", SYS_memfd_create, {0, ~0, 0, 0, 0}},
	{"seccomp", SYS_seccomp, {~0, 0, 0, 0, 0}},
	{"bpf", SYS_bpf, {~0, 0, 0, 0, 0}},
};

static void tell(const char *kind, const char *name, int number)
{
	dprintf(1, "%s %s %s\n", kind, name, number ? err_name(number) : "0");
}

static void probe_calls(void)
{
	for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const long *a = calls[i].args;

		errno = 0;
		syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4]);
		tell("syscall", calls[i].name, errno == ENOSYS ? ENOSYS : 0);
	}
}

/*
 * A namespace of its own for users, and in it one for mounts: where an AppArmor profile takes the capabilities away, the
 * first is made and the second is not.
 */
static void probe_user_namespace(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		int number = unshare(CLONE_NEWUSER) < 0 ? errno : 0;

		tell("userns", "user", number);
		if (number == 0)
			tell("userns", "mount", unshare(CLONE_NEWNS) < 0 ? errno : 0);
		_exit(0);
	}
	if (pid < 0)
		tell("userns", "user", errno);
	else
		waitpid(pid, NULL, 0);
}

static void probe_file_capabilities(const struct args *a)
{
	char value[64];

	for (int i = 0; i < a->positional_count; i++) {
		const char *path = a->positionals[i];

		tell("filecaps", path,
		     getxattr(path, "security.capability", value, sizeof(value)) < 0 ? errno : 0);
	}
}

int verb_probe(struct front *f)
{
	probe_calls();
	probe_file_capabilities(&f->args);
	probe_user_namespace();
	return 0;
}
