// SPDX-License-Identifier: Apache-2.0
/*
 * Without pivot_root the mounts of the host stay in the namespace. Nobody reaches them by a path; but the kernel lets a
 * user namespace mount a new procfs or sysfs only while one is seen whole, and those of the host are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "procfs.h"
#include "rootfs.h"

#define MAX_MOUNTINFO (16u << 20)

/* Path and type of a line of mountinfo, in place. Return: 1, or 0 when it is about neither procfs nor sysfs. */
static int read_line(char *line, char **path)
{
	char *type = strstr(line, " - "), *at = line, *to;

	if (!type || (strncmp(type + 3, "proc ", 5) != 0 && strncmp(type + 3, "sysfs ", 6) != 0))
		return 0;
	for (int field = 0; field < 4 && at; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return 0;
	*path = to = at;
	for (; *at && *at != ' '; to++) {
		/* Blanks and the like are written as \ and three octal digits. */
		if (*at == '\\' && at[1] && at[2] && at[3]) {
			*to = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
	return 1;
}

/* A mount that is locked to what lies above it cannot go, so it is covered. */
static int hide(struct err *e, const char *path)
{
	_fd_close_ int fs = -1;
	_fd_close_ int cover = -1;

	if (syscall(SYS_umount2, path, TS_MNT_DETACH) == 0 || errno == ENOENT)
		return 0;
	if (errno != EINVAL && errno != EPERM)
		return err_set(e, errno, "umount2 \"%s\" of the host", path);
	fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, errno, "fsopen \"tmpfs\"");
	cover = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	if (cover < 0)
		return err_set(e, errno, "fsmount \"tmpfs\"");
	if (sys_move_mount(cover, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 &&
	    errno != ENOENT && errno != ENOTDIR)
		return err_set(e, errno, "move_mount over \"%s\" of the host", path);
	return 0;
}

int hide_host_filesystems(struct err *e, struct context *c, const char *root)
{
	_free_ char *text = NULL;
	_fd_close_ int self = -1;
	size_t length = strlen(root);
	int r = procfs_open(e, c);

	if (r < 0)
		return r;
	self = openat(c->proc, "self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (self < 0 || read_file(self, "mountinfo", &text, MAX_MOUNTINFO) < 0)
		return err_set(e, errno, "read \"/proc/self/mountinfo\"");
	/* Backwards: what was mounted last goes first. */
	for (char *end = text + strlen(text), *line; r == 0 && end > text; end = line) {
		char *path;

		*end = '\0';
		line = strrchr(text, '\n');
		if (read_line(line ? line + 1 : text, &path) &&
		    (strncmp(path, root, length) != 0 || (path[length] && path[length] != '/')))
			r = hide(e, path);
		if (!line)
			break;
	}
	return r;
}
