// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "mount.h"

#define MAX_DATA 4096u /* of mount(2) */

struct request {
	const char *type;
	const char *source;
	unsigned long flags;
	char data[MAX_DATA];
};

/* Sorts options into flags and data. Return: 0 or -errno. */
static int sort_options(struct request *request, char *const *options)
{
	static const struct {
		const char *name;
		unsigned int flag;
	} names[] = {{"ro", TS_MS_RDONLY},
		     {"rw", 0},
		     {"sync", TS_MS_SYNCHRONOUS},
		     {"dirsync", TS_MS_DIRSYNC},
		     {"mand", TS_MS_MANDLOCK},
		     {"lazytime", TS_MS_LAZYTIME},
		     {"iversion", 0}};
	const size_t count = sizeof(names) / sizeof(names[0]);
	size_t have = 0;

	for (; *options; options++) {
		size_t i = 0;

		while (i < count && strcmp(names[i].name, *options) != 0)
			i++;
		if (i < count) {
			request->flags |= names[i].flag;
			continue;
		}
		have += (size_t)snprintf(request->data + have, MAX_DATA - have, "%s%s",
					 have ? "," : "", *options);
		if (have >= MAX_DATA)
			return -E2BIG;
	}
	return 0;
}

/* In a mount namespace of its own: mounts, clones the mount, puts the clone over the fd `place`. Return: 0 or errno. */
static int mount_aside(const struct request *request, int place)
{
	struct mount_attr private = {.propagation = TS_MS_PRIVATE};
	int fs, cover, dir, tree;

	if (sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private) < 0)
		return errno;
	fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return errno;
	cover = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (cover < 0 || sys_move_mount(cover, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return errno;
	if (mkdirat(cover, "new", 0700) < 0)
		return errno;
	dir = openat(cover, "new", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fchdir(dir) < 0)
		return errno;
	if (syscall(SYS_mount, request->source, ".", request->type, request->flags, request->data) <
	    0)
		return errno;
	tree = sys_open_tree(cover, "new", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || dup3(tree, place, O_CLOEXEC) < 0)
		return errno;
	close(tree);
	close(dir);
	close(cover);
	close(fs);
	return 0;
}

/* Runs mount_aside in a process that shares only its descriptors with this one. Return: 0 or -errno. */
static int run_aside(const struct request *request, int place)
{
	struct clone_args args = {.flags = CLONE_NEWNS | CLONE_FILES, .exit_signal = SIGCHLD};
	pid_t pid = sys_clone3(&args);
	int status;

	if (pid == 0)
		_exit(mount_aside(request, place));
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int mount_legacy(struct err *e, const char *type, const char *source, char *const *options,
		 unsigned int attr)
{
	_free_ struct request *request = calloc(1, sizeof(*request));
	struct mount_attr attributes = {.attr_set = attr, .attr_clr = MOUNT_ATTR__ATIME};
	_fd_close_ int place = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (!request)
		return err_set(e, ENOMEM, "malloc");
	if (place < 0)
		return err_set(e, errno, "open \"/\"");
	request->type = type;
	request->source = source;
	r = sort_options(request, options);
	if (r == 0)
		r = run_aside(request, place);
	if (r < 0)
		return err_set(e, -r, "mount \"%s\"", type);
	if (sys_mount_setattr(place, "", AT_EMPTY_PATH, &attributes) < 0)
		return err_set(e, errno, "mount_setattr \"%s\"", type);
	return take_fd(&place);
}
