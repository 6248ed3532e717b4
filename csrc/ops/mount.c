// SPDX-License-Identifier: Apache-2.0
/* Mounts are made detached, get their attributes, and are attached last, by descriptor. */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "ops.h"
#include "path.h"

#define TYPE_LIKE 2u
#define MAX_TEXT 255u /* of fsconfig(2) */

/*
 * A link of the image may lead into a procfs, where a mount could cover what this program and the kernel's masks rely on
 * (CVE-2019-16884).
 */
static int check_not_procfs(struct err *e, const char *path, int fd)
{
	int below = strncmp(path, "/proc", 5) == 0 && (path[5] == '/' || path[5] == '\0');
	struct statfs fs;

	if (below || fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	return err_set(e, 0, "\"%s\" leads into /proc: it cannot be mounted over", path);
}

static int exists(const struct context *c, const char *path)
{
	struct err unused;
	_fd_close_ int fd = path_open(&unused, c, path, 0);

	return fd != -ENOENT;
}

int op_ENSURE(struct err *e, struct context *c, const struct op *op)
{
	int like = op_slot(c, op, 2), fd;
	enum path_kind kind = op->args[1] == PATH_FILE ? PATH_FILE : PATH_DIRECTORY;

	if (op->args[1] == TYPE_LIKE && like >= 0) {
		struct stat st;

		if (fstat(like, &st) < 0)
			return err_set(e, errno, "fstat of the source");
		kind = S_ISDIR(st.st_mode) ? PATH_DIRECTORY : PATH_FILE;
	}
	/* Only a file system asks for it, and those cover directories. */
	c->made_slot = op->args[1] != PATH_DIRECTORY || exists(c, op_string(c, op, 0))
			       ? NO_SLOT
			       : op->args[4];
	fd = path_ensure(e, c, op_string(c, op, 0), kind, op->args[3]);
	if (fd < 0)
		return fd;
	slot_put(c, op->args[4], fd);
	return check_not_procfs(e, op_string(c, op, 0), c->slots[op->args[4]]);
}

/* Records a failure of a file system context, with what the kernel has to say about it. */
static int fs_failed(struct err *e, int fs, int number, const char *call, const char *object)
{
	char said[512], line[256];
	size_t have = 0;
	ssize_t n;

	/* One message for each read: a letter for its level, a space, the text. */
	while (have + 3 < sizeof(said) && (n = read(fs, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == 'e' && line[1] == ' ')
			have += (size_t)snprintf(said + have, sizeof(said) - have, ": %s",
						 line + 2);
	}
	if (have == 0)
		said[0] = '\0';
	return err_set(e, number, "%s \"%s\"%s", call, object, said);
}

static int set_flag(struct err *e, int fs, const char *name)
{
	/* Nothing to be said: a file system that counts changes of its inodes does so always. */
	if (strcmp(name, "iversion") == 0)
		return 0;
	if (sys_fsconfig(fs, FSCONFIG_SET_FLAG, name, NULL, 0) < 0)
		return fs_failed(e, fs, errno, "fsconfig", name);
	return 0;
}

/* One option, `key=value` or `key`. */
static int set_option(struct err *e, int fs, const char *option)
{
	const char *equals = strchr(option, '=');
	char key[MAX_TEXT + 1];

	if (!equals)
		return set_flag(e, fs, option);
	if ((size_t)(equals - option) > MAX_TEXT)
		return err_set(e, EINVAL, "fsconfig \"%.100s...\"", option);
	memcpy(key, option, (size_t)(equals - option));
	key[equals - option] = '\0';
	/* The value may be a password, so errors name the key alone. */
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, key, equals + 1, 0) < 0)
		return fs_failed(e, fs, errno, "fsconfig", key);
	return 0;
}

/* Return: fd of a detached mount, or -errno. */
static int make_mount(struct err *e, const char *type, const char *source, char *const *options,
		      unsigned int attr)
{
	_fd_close_ int fs = sys_fsopen(type, FSOPEN_CLOEXEC);
	int fd, r = 0;

	if (fs < 0)
		return err_set(e, errno, "fsopen \"%s\"", type);
	if (*source && sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return fs_failed(e, fs, errno, "fsconfig source", source);
	for (; *options && r == 0; options++)
		r = set_option(e, fs, *options);
	if (r < 0)
		return r;
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fs_failed(e, fs, errno, "fsconfig create", type);
	fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, attr);
	return fd < 0 ? fs_failed(e, fs, errno, "fsmount", type) : fd;
}

static int is_too_long(const char *source, char *const *options)
{
	if (strlen(source) > MAX_TEXT)
		return 1;
	for (; *options; options++) {
		const char *equals = strchr(*options, '=');

		if (equals && strlen(equals + 1) > MAX_TEXT)
			return 1;
	}
	return 0;
}

/* The first words of the ops that make a file system; mode: of it, or NULL. Return: fd or -errno. */
static int mount_fs(struct err *e, const struct context *c, const struct op *op, const mode_t *mode)
{
	const char *type = op_string(c, op, 0), *source = op_string(c, op, 1);
	_free_ char **options = plan_vector(c->plan, op->args + 2);
	uint32_t count = op->args[3];
	char word[16], **larger;

	larger = options ? realloc(options, (count + 2) * sizeof(*options)) : NULL;
	if (!larger)
		return err_set(e, ENOMEM, "malloc");
	options = larger;
	if (mode) {
		snprintf(word, sizeof(word), "mode=%o", *mode & 07777);
		options[count++] = word;
	}
	options[count] = NULL;
	return is_too_long(source, options) ? mount_legacy(e, type, source, options, op->args[4])
					    : make_mount(e, type, source, options, op->args[4]);
}

int op_MOUNT_FS(struct err *e, struct context *c, const struct op *op)
{
	int fd = mount_fs(e, c, op, NULL);

	return fd < 0 ? fd : slot_put(c, op->args[5], fd);
}

/* A directory that was there gives the file system that covers it its mode; one that was made for it does not. */
int op_MOUNT_FS_LIKE(struct err *e, struct context *c, const struct op *op)
{
	int made = c->made_slot == op->args[5], fd;
	struct stat st;

	if (!made && fstat(op_slot(c, op, 5), &st) < 0)
		return err_set(e, errno, "fstat of the target");
	fd = mount_fs(e, c, op, made ? NULL : &st.st_mode);
	return fd < 0 ? fd : slot_put(c, op->args[6], fd);
}

/* The same before its turn: nothing is made in the tree, and what it cannot be mounted on is found out when its turn comes. */
int op_MOUNT_FS_OVER(struct err *e, struct context *c, const struct op *op)
{
	_fd_close_ int there = path_look(op_slot(c, op, 6), op_string(c, op, 5));
	struct stat st;
	int fd;

	if (there >= 0 && fstat(there, &st) < 0)
		return err_set(e, errno, "fstat of the target");
	fd = mount_fs(e, c, op, there >= 0 ? &st.st_mode : NULL);
	return fd < 0 ? fd : slot_put(c, op->args[7], fd);
}

int op_MOVE(struct err *e, struct context *c, const struct op *op)
{
	if (sys_move_mount(op_slot(c, op, 0), "", op_slot(c, op, 1), "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(e, errno, "move_mount");
	return 0;
}

/* What the kernel locks when a user namespace is given a mount of another. Return: 1 with the names that a change would touch. */
static int name_locked(int mount, const struct mount_attr *attr, char *names, size_t size)
{
	static const struct {
		uint64_t attr;
		unsigned long flag;
		const char *name;
	} locks[] = {{MOUNT_ATTR_RDONLY, ST_RDONLY, "ro"},
		     {MOUNT_ATTR_NOSUID, ST_NOSUID, "nosuid"},
		     {MOUNT_ATTR_NODEV, ST_NODEV, "nodev"},
		     {MOUNT_ATTR_NOEXEC, ST_NOEXEC, "noexec"}};
	size_t n = 0;
	struct statvfs fs;

	if (fstatvfs(mount, &fs) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
		if (attr->attr_clr & locks[i].attr && fs.f_flag & locks[i].flag)
			n += (size_t)snprintf(names + n, size - n, "%s%s", n ? ", " : "",
					      locks[i].name);
	if (n == 0 && attr->attr_clr & MOUNT_ATTR__ATIME)
		n = (size_t)snprintf(names, size, "the mode of access times");
	return n > 0;
}

/* Return: < 0. */
static int setattr_failed(struct err *e, int number, int mount, const struct mount_attr *attr)
{
	char names[64];

	if (number == EPERM && name_locked(mount, attr, names, sizeof(names)))
		return err_set(e, EPERM,
			       "mount_setattr (a user namespace cannot take %s from a mount of the "
			       "host: remove the option, or change that mount)",
			       names);
	return err_set(e, number, "mount_setattr (set 0x%llx, clear 0x%llx, propagation 0x%llx)",
		       (unsigned long long)attr->attr_set, (unsigned long long)attr->attr_clr,
		       (unsigned long long)attr->propagation);
}

int op_SETATTR(struct err *e, struct context *c, const struct op *op)
{
	struct mount_attr attr = {.attr_set = plan_u64(op->args + 1),
				  .attr_clr = plan_u64(op->args + 3),
				  .propagation = op->args[5] & ~TS_MS_REC};
	unsigned int flags = AT_EMPTY_PATH | (op->args[6] ? AT_RECURSIVE : 0);
	int userns = op_slot(c, op, 7);

	if (userns >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)userns;
	}
	if (sys_mount_setattr(op_slot(c, op, 0), "", flags, &attr) == 0)
		return 0;
	if (userns >= 0 && errno == EINVAL)
		return err_set(e, EINVAL,
			       "mount_setattr (the file system may not support id-mapped mounts)");
	return setattr_failed(e, errno, op_slot(c, op, 0), &attr);
}

/* Flags of mount(2) that are options of the file system. */
static int set_super_flags(struct err *e, int fs, uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {{TS_MS_SYNCHRONOUS, "sync"},
		     {TS_MS_DIRSYNC, "dirsync"},
		     {TS_MS_MANDLOCK, "mand"},
		     {TS_MS_LAZYTIME, "lazytime"}};

	int r = set_flag(e, fs, flags & TS_MS_RDONLY ? "ro" : "rw");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && r == 0; i++)
		if (flags & names[i].flag)
			r = set_flag(e, fs, names[i].name);
	return r;
}

static int reconfigure(struct err *e, int mount, const char *path, const char *data, uint32_t flags)
{
	_fd_close_ int fs = (int)syscall(SYS_fspick, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
	_free_ char *copy = strdup(data);
	char *save = NULL;
	int r;

	if (fs < 0)
		return err_set(e, errno, "fspick \"%s\"", path);
	if (!copy)
		return err_set(e, ENOMEM, "malloc");
	r = set_super_flags(e, fs, flags);
	for (char *option = strtok_r(copy, ",", &save); option && r == 0;
	     option = strtok_r(NULL, ",", &save))
		r = set_option(e, fs, option);
	if (r < 0)
		return r;
	if (sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return fs_failed(e, fs, errno, "fsconfig reconfigure", path);
	return 0;
}

/*
 * As mount(2) does, a remount decides anew between read-only and read-write. Other attributes are added alone: flags cannot tell
 * "suid" from a mere omission, and nothing should be allowed by an omission.
 */
static void to_attributes(struct mount_attr *attr, uint32_t flags)
{
	static const struct {
		uint32_t flag;
		uint64_t attr;
	} names[] = {{TS_MS_RDONLY, MOUNT_ATTR_RDONLY},
		     {TS_MS_NOSUID, MOUNT_ATTR_NOSUID},
		     {TS_MS_NODEV, MOUNT_ATTR_NODEV},
		     {TS_MS_NOEXEC, MOUNT_ATTR_NOEXEC},
		     {TS_MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},
		     {TS_MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			attr->attr_set |= names[i].attr;
	if (!(flags & TS_MS_RDONLY))
		attr->attr_clr |= MOUNT_ATTR_RDONLY;
	if (flags & (TS_MS_NOATIME | TS_MS_RELATIME | TS_MS_STRICTATIME))
		attr->attr_clr |= MOUNT_ATTR__ATIME;
	if (flags & TS_MS_NOATIME)
		attr->attr_set |= MOUNT_ATTR_NOATIME;
	else if (flags & TS_MS_STRICTATIME)
		attr->attr_set |= MOUNT_ATTR_STRICTATIME;
}

int op_MOUNT_DATA(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	uint32_t flags = op->args[2];
	struct mount_attr attr = {0};
	_fd_close_ int fd = path_open(e, c, path, 0);
	int r = 0;

	if (fd < 0)
		return fd;
	if (!(flags & TS_MS_BIND))
		r = reconfigure(e, fd, path, op_string(c, op, 1), flags);
	if (r < 0)
		return r;
	to_attributes(&attr, flags);
	if (sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attr) < 0)
		return err_set(e, errno, "mount_setattr \"%s\"", path);
	return 0;
}
