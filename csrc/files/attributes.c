// SPDX-License-Identifier: Apache-2.0
#include "attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../base/io.h"
#include "tree.h"
#include "xattrs.h"

struct target {
	struct err *e;
	const struct attributes_options *options;
	const char *path;
	int fd;
};

/*
 * Only what belongs to a layer is set: marks of overlay would make directories show what they do not hold, and labels
 * are this host's to give. What a file system, or a user namespace, does not take is no part of what a layer is about.
 */
static int set_xattr(void *context, const char *name, const void *value, size_t size)
{
	const struct target *t = context;

	if (!xattrs_belong(name) || setxattr(fd_link(t->fd).path, name, value, size, 0) == 0 ||
	    errno == ENOTSUP || (errno == EPERM && t->options->unprivileged))
		return 0;
	return err_set(t->e, errno, "setxattr %.300s \"%s\"", name, t->path);
}

static int set_xattrs(struct target *t, const struct frame *f)
{
	int r = frame_xattrs(f, set_xattr, t);

	return r == -EPROTO ? err_set(t->e, EPROTO, "xattrs of \"%s\"", f->path) : r;
}

/* Owner before mode, as chown clears set-id bits; capabilities after it, for the same reason. */
int attributes_set(struct err *e, const struct attributes_options *options, int fd,
		   const struct frame *f)
{
	struct target target = {.e = e, .options = options, .path = f->path, .fd = fd};

	if ((f->uid != FRAME_NO_ID || f->gid != FRAME_NO_ID) &&
	    fchownat(fd, "", f->uid, f->gid, AT_EMPTY_PATH) < 0) {
		if (errno == EINVAL)
			return err_set(
				e, EINVAL,
				"fchownat \"%s\" to %u:%u, which this user namespace does not map",
				f->path, f->uid, f->gid);
		return err_set(e, errno, "fchownat \"%s\"", f->path);
	}
	if (f->type == FRAME_SYMLINK)
		return 0;
	if (chmod(fd_link(fd).path, f->mode) < 0)
		return err_set(e, errno, "chmod \"%s\"", f->path);
	return f->xattr_length ? set_xattrs(&target, f) : 0;
}

int attributes_set_times(struct err *e, int parent, const char *name, const struct frame *f)
{
	struct timespec t = {.tv_sec = f->seconds, .tv_nsec = f->nanoseconds}, times[2] = {t, t};

	return utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0
		       ? err_set(e, errno, "utimensat \"%s\"", f->path)
		       : 0;
}

int attributes_copy(struct err *e, const struct attributes_options *options, int to, int from,
		    struct frame *f)
{
	struct xattrs xattrs = {0};
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return err_set(e, errno, "fstat \"%s\"", f->path);
	r = xattrs_read(e, &xattrs, from, f->path);
	f->type = FRAME_DIRECTORY;
	f->mode = st.st_mode & 07777;
	f->uid = st.st_uid;
	f->gid = st.st_gid;
	f->seconds = st.st_mtim.tv_sec;
	f->nanoseconds = (uint32_t)st.st_mtim.tv_nsec;
	f->xattrs = xattrs.data;
	f->xattr_length = (uint32_t)xattrs.length;
	if (r == 0)
		r = attributes_set(e, options, to, f);
	f->xattrs = NULL;
	f->xattr_length = 0;
	free(xattrs.data);
	return r;
}

static const char *opaque_mark(const struct attributes_options *options)
{
	return options->unprivileged ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

int attributes_mark_opaque(struct err *e, const struct attributes_options *options, int fd,
			   const char *path)
{
	return setxattr(fd_link(fd).path, opaque_mark(options), "y", 1, 0) < 0
		       ? err_set(e, errno, "setxattr (opaque) \"%s\"", path)
		       : 0;
}

int attributes_is_opaque(const struct attributes_options *options, int fd)
{
	char value[4];

	return getxattr(fd_link(fd).path, opaque_mark(options), value, sizeof(value)) == 1 &&
	       *value == 'y';
}
