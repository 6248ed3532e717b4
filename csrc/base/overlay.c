// SPDX-License-Identifier: Apache-2.0
#include "overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/utsname.h>

#include "io.h"

/* linux/mount.h and musl's sys/mount.h clash: what is needed of the former stands here. */
#include <sys/syscall.h>
#include <unistd.h>
#define TS_FSCONFIG_SET_FLAG 0u
#define TS_FSCONFIG_SET_STRING 1u
#define TS_FSCONFIG_CMD_CREATE 6u
#define TS_MOVE_MOUNT_F_EMPTY_PATH 4u

static int set(struct err *e, int fs, const char *key, const char *value)
{
	unsigned int kind = value ? TS_FSCONFIG_SET_STRING : TS_FSCONFIG_SET_FLAG;

	if (syscall(SYS_fsconfig, fs, kind, key, value, 0) == 0)
		return 0;
	return err_set(e, errno, "fsconfig overlay %s%s%s", key, value ? " " : "",
		       value ? value : "");
}

/* What the kernel says about a file system that it did not make. */
static int explain(struct err *e, int fs, int number)
{
	char text[512];
	ssize_t n = read(fs, text, sizeof(text) - 1);

	if (n <= 0)
		return err_set(e, number, "fsconfig overlay");
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return err_set(e, number, "fsconfig overlay (%s)",
		       text[0] && text[1] == ' ' ? text + 2 : text);
}

/*
 * Directories of an overlay go to the kernel as descriptors: names may be longer than it takes (255 bytes each, or a page for
 * all of them), and hold what would have to be escaped, differently from version to version.
 */
struct directories {
	int count, fds[];
};

static void close_directories(struct directories **d)
{
	for (int i = 0; *d && i < (*d)->count; i++)
		close((*d)->fds[i]);
	free(*d);
}

static int open_directory(struct err *e, struct directories *d, const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno, "open \"%s\"", path);
	d->fds[d->count++] = fd;
	return 0;
}

/* The lower ones first, then upper and work. */
static int open_directories(struct err *e, struct directories **to, const struct overlay *o)
{
	struct directories *d =
		calloc(1, sizeof(*d) + (size_t)(o->lower_count + 2) * sizeof(d->fds[0]));
	int r = 0;

	*to = d;
	if (!d)
		return err_set(e, ENOMEM, "malloc");
	for (int i = 0; r == 0 && i < o->lower_count; i++)
		r = open_directory(e, d, o->lower[i]);
	if (r == 0 && o->upper)
		r = open_directory(e, d, o->upper);
	if (r == 0 && o->upper)
		r = open_directory(e, d, o->work);
	return r;
}

/* The upper directory becomes a layer: it may hold nothing that means something to this overlay alone. */
static const struct {
	const char *key, *value;
	enum { ALWAYS, PRIVILEGED, UNPRIVILEGED, VOLATILE } when;
} settings[] = {
	{"volatile", NULL, VOLATILE},
	{"userxattr", NULL, UNPRIVILEGED},
	{"redirect_dir", "off", PRIVILEGED},
	{"metacopy", "off", PRIVILEGED},
	{"index", "off", ALWAYS},
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static int is_wanted(const struct overlay *o, size_t setting)
{
	switch (settings[setting].when) {
	case PRIVILEGED:
		return !o->unprivileged;
	case UNPRIVILEGED:
		return o->unprivileged;
	case VOLATILE:
		return o->upper && !o->durable;
	default:
		return 1;
	}
}

static int set_all(struct err *e, int fs, const struct overlay *o, const struct directories *d)
{
	int r = 0, i = 0;

	for (; r == 0 && i < o->lower_count; i++)
		r = set(e, fs, "lowerdir+", fd_link(d->fds[i]).path);
	if (r == 0 && o->upper)
		r = set(e, fs, "upperdir", fd_link(d->fds[i]).path);
	if (r == 0 && o->upper)
		r = set(e, fs, "workdir", fd_link(d->fds[i + 1]).path);
	for (size_t n = 0; r == 0 && n < SETTINGS; n++)
		if (is_wanted(o, n))
			r = set(e, fs, settings[n].key, settings[n].value);
	return r;
}

static int attach(struct err *e, int fs, const char *target)
{
	_fd_close_ int tree = -1;

	if (syscall(SYS_fsconfig, fs, TS_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return explain(e, fs, errno);
	tree = (int)syscall(SYS_fsmount, fs, 1u /* FSMOUNT_CLOEXEC */, 0);
	if (tree < 0)
		return err_set(e, errno, "fsmount overlay");
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, TS_MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(e, errno, "move_mount overlay \"%s\"", target);
	return 0;
}

static const char *hint(const struct overlay *o, int number, const char *other)
{
	if (number == ENODEV)
		return " (try: modprobe overlay)";
	return number == EPERM && o->unprivileged ? " (without root it takes Linux 5.11)" : other;
}

static int mount_new(struct err *e, const struct overlay *o, const struct directories *d)
{
	_fd_close_ int fs = (int)syscall(SYS_fsopen, "overlay", 1u /* FSOPEN_CLOEXEC */);
	int r;

	if (fs < 0)
		return err_set(e, errno, "fsopen overlay%s", hint(o, errno, ""));
	r = set_all(e, fs, o, d);
	return r < 0 ? r : attach(e, fs, o->target);
}

/* One page of text, which the kernel would cut off without a word. Numbers are names in /proc/self/fd. */
static int write_options(struct err *e, char *text, size_t size, const struct overlay *o,
			 const struct directories *d)
{
	size_t length = (size_t)snprintf(text, size, "lowerdir=");
	int i = 0;

	for (; i < o->lower_count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%d", i ? ":" : "",
					   d->fds[i]);
	if (o->upper && length < size)
		length += (size_t)snprintf(text + length, size - length, ",upperdir=%d,workdir=%d",
					   d->fds[i], d->fds[i + 1]);
	for (size_t n = 0; n < SETTINGS && length < size; n++)
		if (is_wanted(o, n))
			length += (size_t)snprintf(text + length, size - length, ",%s%s%s",
						   settings[n].key, settings[n].value ? "=" : "",
						   settings[n].value ? settings[n].value : "");
	return length < size ? 0
			     : err_set(e, E2BIG,
				       "mount overlay of %d layers (this kernel takes a page of "
				       "options; Linux 6.5 has no such limit)",
				       o->lower_count);
}

/* Linux 6.5 is the first that takes layers one by one. */
static int mount_old(struct err *e, const struct overlay *o, const struct directories *d)
{
	_fd_close_ int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char options[4096];
	int r = write_options(e, options, sizeof(options), o, d);

	if (r < 0)
		return r;
	if (chdir("/proc/self/fd") < 0)
		return err_set(e, errno, "chdir \"/proc/self/fd\"");
	if (mount("overlay", o->target, "overlay", 0, options) < 0)
		r = err_set(e, errno, "mount overlay \"%s\"%s", o->target,
			    hint(o, errno, " (dmesg may say more)"));
	if (before >= 0 && fchdir(before) < 0 && r == 0)
		r = err_set(e, errno, "fchdir");
	return r;
}

static int is_old_kernel(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	return uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
	       (major < 6 || (major == 6 && minor < 5));
}

int overlay_mount(struct err *e, const struct overlay *o)
{
	__attribute__((cleanup(close_directories))) struct directories *d = NULL;
	int r = open_directories(e, &d, o);

	if (r < 0)
		return r;
	return o->old_mount || is_old_kernel() ? mount_old(e, o, d) : mount_new(e, o, d);
}
