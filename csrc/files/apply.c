// SPDX-License-Identifier: Apache-2.0
/* `apply`: makes the entries of a stream in a directory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../base/io.h"
#include "files.h"
#include "frame.h"
#include "late_times.h"
#include "tree.h"

struct apply {
	struct err *e;
	struct frame_reader in;
	const struct apply_options *options;
	int root, source; /* source: -1 when nothing is copied */
	struct late_times late;
};

static int failed(const struct apply *a, int number, const char *call, const char *path)
{
	return err_set(a->e, number, "%s \"%s\"", call, path);
}

struct xattr_target {
	const struct apply *a;
	const char *path;
	int fd;
};

/* Attributes that a file system, or a user namespace, does not take are no part of what a layer is about. */
static int set_xattr(void *context, const char *name, const void *value, size_t size)
{
	const struct xattr_target *t = context;
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", t->fd);
	if (setxattr(link, name, value, size, 0) == 0 || errno == ENOTSUP)
		return 0;
	if (errno == EPERM && t->a->options->unprivileged)
		return 0;
	return err_set(t->a->e, errno, "setxattr %s \"%s\"", name, t->path);
}

static int set_xattrs(const struct apply *a, int fd, const struct frame *f)
{
	struct xattr_target target = {.a = a, .path = f->path, .fd = fd};
	int r = frame_xattrs(f, set_xattr, &target);

	return r == -EPROTO && !f->xattr_length ? 0
	       : r == -EPROTO			? failed(a, EPROTO, "xattrs of", f->path)
						: r;
}

/* Makes room: what has the name already goes, unless both are directories. Return: 1 when a directory is there. */
static int make_room(const struct apply *a, int parent, const char *name, const struct frame *f)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(a, errno, "fstatat", f->path);
	if (f->type == FRAME_DIRECTORY && S_ISDIR(st.st_mode))
		return 1;
	if (S_ISDIR(st.st_mode) && a->options->merge)
		return failed(a, EISDIR, "a file in the place of the directory", f->path);
	return tree_remove(a->e, parent, name);
}

/* Owner before mode, as chown clears set-id bits. */
static int set_owner_and_mode(const struct apply *a, int fd, const struct frame *f)
{
	if ((f->uid != FRAME_NO_ID || f->gid != FRAME_NO_ID) &&
	    fchownat(fd, "", f->uid, f->gid, AT_EMPTY_PATH) < 0) {
		if (errno == EINVAL)
			return err_set(
				a->e, EINVAL,
				"fchownat \"%s\" to %u:%u, which this user namespace does not map",
				f->path, f->uid, f->gid);
		return failed(a, errno, "fchownat", f->path);
	}
	if (f->type != FRAME_SYMLINK) {
		char link[64];

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (chmod(link, f->mode) < 0)
			return failed(a, errno, "chmod", f->path);
	}
	return 0;
}

static int set_times(const struct apply *a, int parent, const char *name, const struct frame *f)
{
	struct timespec t = {.tv_sec = f->seconds, .tv_nsec = f->nanoseconds}, times[2] = {t, t};

	return utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0
		       ? failed(a, errno, "utimensat", f->path)
		       : 0;
}

static int finish(const struct apply *a, int parent, const char *name, const struct frame *f)
{
	_fd_close_ int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return failed(a, errno, "openat", f->path);
	r = set_owner_and_mode(a, fd, f);
	if (r == 0 && f->type != FRAME_SYMLINK)
		r = set_xattrs(a, fd, f);
	return r;
}

static int make_directory(struct apply *a, int parent, const char *name, const struct frame *f)
{
	int r = make_room(a, parent, name, f);

	/* COPY into a directory that is there: that one stays as it is. */
	if (r == 1 && a->options->merge)
		return 0;
	if (r == 0 && mkdirat(parent, name, 0700) < 0)
		r = failed(a, errno, "mkdirat", f->path);
	if (r >= 0)
		r = finish(a, parent, name, f);
	return r < 0 ? r : late_times_add(a->e, &a->late, f);
}

/* The source of a copy, checked on the descriptor: names can change hands between a look and an open. */
static int open_source(const struct apply *a, struct frame *f)
{
	_fd_close_ int fd = a->source < 0	      ? -EINVAL
			    : f->flags & FRAME_FOLLOW ? tree_follow(a->e, a->source, f->link)
						      : tree_open(a->e, a->source, f->link);
	struct stat st;
	int opened;

	if (a->source < 0)
		return failed(a, EPROTO, "a copy without --source of", f->path);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return failed(a, errno, "fstat", f->link);
	if (!S_ISREG(st.st_mode))
		return failed(a, ESTALE, "no regular file any more:", f->link);
	if (f->flags & FRAME_KEEP_MODE)
		f->mode = st.st_mode & 07777;
	if (f->flags & FRAME_KEEP_TIME) {
		f->seconds = st.st_mtim.tv_sec;
		f->nanoseconds = (uint32_t)st.st_mtim.tv_nsec;
	}
	opened = tree_reopen(fd, O_RDONLY);
	return opened < 0 ? failed(a, -opened, "open", f->link) : opened;
}

static int copy_contents(const struct apply *a, int from, int to, const struct frame *f)
{
	for (;;) {
		/* Shares blocks where the file system can; sendfile where the two lie on different ones. */
		ssize_t n = copy_file_range(from, NULL, to, NULL, 1u << 30, 0);

		if (n < 0 &&
		    (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
			n = sendfile(to, from, NULL, 1u << 30);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? failed(a, errno, "copy_file_range", f->path) : 0;
	}
}

static int make_file(struct apply *a, int parent, const char *name, struct frame *f)
{
	_fd_close_ int from = f->type == FRAME_COPY ? open_source(a, f) : -1;
	_fd_close_ int to = -1;
	int r;

	if (f->type == FRAME_COPY && from < 0)
		return from;
	r = make_room(a, parent, name, f);
	if (r < 0)
		return r;
	to = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return failed(a, errno, "openat", f->path);
	r = f->type == FRAME_COPY ? copy_contents(a, from, to, f)
				  : frame_contents(a->e, &a->in, to, f->size, f->path);
	if (r == 0 && (f->uid != FRAME_NO_ID || f->gid != FRAME_NO_ID) &&
	    fchown(to, f->uid, f->gid) < 0)
		r = errno == EINVAL ? set_owner_and_mode(a, to, f)
				    : failed(a, errno, "fchown", f->path);
	if (r == 0 && fchmod(to, f->mode) < 0)
		r = failed(a, errno, "fchmod", f->path);
	if (r == 0 && f->xattr_length)
		r = set_xattrs(a, to, f);
	if (r == 0) {
		struct timespec t = {.tv_sec = f->seconds, .tv_nsec = f->nanoseconds},
				times[2] = {t, t};

		if (futimens(to, times) < 0)
			r = failed(a, errno, "futimens", f->path);
	}
	return r;
}

static int make_hard_link(struct apply *a, int parent, const char *name, const struct frame *f)
{
	const char *target;
	_fd_close_ int from = tree_parent(a->e, a->root, f->link, 0, &target);
	int r;

	if (from < 0)
		return err_prefix(a->e, from, "hard link \"%s\"", f->path);
	r = make_room(a, parent, name, f);
	if (r < 0)
		return r;
	return linkat(from, target, parent, name, 0) < 0
		       ? err_set(a->e, errno, "linkat \"%s\" to \"%s\"", f->path, f->link)
		       : 0;
}

static int make_node(struct apply *a, int parent, const char *name, const struct frame *f)
{
	mode_t kind = f->type == FRAME_CHAR ? S_IFCHR : f->type == FRAME_BLOCK ? S_IFBLK : S_IFIFO;
	int r = make_room(a, parent, name, f);

	if (r < 0)
		return r;
	/* Two zeros would be a whiteout, which hides things. */
	if (f->type == FRAME_CHAR && !f->major && !f->minor)
		return failed(a, EINVAL, "the device number 0:0 of", f->path);
	if (mknodat(parent, name, kind | 0600, makedev(f->major, f->minor)) < 0) {
		if (errno == EPERM && a->options->unprivileged && f->type != FRAME_FIFO)
			return 0;
		return failed(a, errno, "mknodat", f->path);
	}
	r = finish(a, parent, name, f);
	return r < 0 ? r : set_times(a, parent, name, f);
}

static int make_symlink(struct apply *a, int parent, const char *name, const struct frame *f)
{
	int r = make_room(a, parent, name, f);

	if (r == 0 && symlinkat(f->link, parent, name) < 0)
		r = failed(a, errno, "symlinkat", f->path);
	if (r == 0)
		r = finish(a, parent, name, f);
	return r < 0 ? r : set_times(a, parent, name, f);
}

static int make_whiteout(struct apply *a, int parent, const char *name, const struct frame *f)
{
	struct stat st;

	/* What the layer itself has under that name is not hidden by it. */
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return mknodat(parent, name, S_IFCHR, 0) < 0
		       ? failed(a, errno, "mknodat (a whiteout)", f->path)
		       : 0;
}

static int mark_opaque(const struct apply *a, int fd, const struct frame *f)
{
	const char *mark =
		a->options->unprivileged ? "user.overlay.opaque" : "trusted.overlay.opaque";
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return setxattr(link, mark, "y", 1, 0) < 0 ? failed(a, errno, "setxattr (opaque)", f->path)
						   : 0;
}

static int make_opaque(const struct apply *a, int parent, const char *name, const struct frame *f)
{
	_fd_close_ int fd = -1;

	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return failed(a, errno, "mkdirat", f->path);
	fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? failed(a, errno, "openat", f->path) : mark_opaque(a, fd, f);
}

/* The root itself: its owner, mode and times. */
static int set_root(struct apply *a, struct frame *f)
{
	int r;

	if (f->type == FRAME_OPAQUE)
		return mark_opaque(a, a->root, f);
	if (f->type != FRAME_DIRECTORY)
		return failed(a, EISDIR, "the top of the tree as", f->path);
	if (a->options->merge)
		return 0;
	r = set_owner_and_mode(a, a->root, f);
	if (r == 0)
		r = set_xattrs(a, a->root, f);
	return r < 0 ? r : late_times_add(a->e, &a->late, f);
}

static int apply_one(struct apply *a, struct frame *f)
{
	const char *name;
	_fd_close_ int parent = -1;

	if (!*f->path)
		return set_root(a, f);
	parent = tree_parent(a->e, a->root, f->path, 1, &name);
	if (parent < 0)
		return parent;
	if ((f->flags & FRAME_IF_ABSENT) && faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	switch (f->type) {
	case FRAME_DIRECTORY:
		return make_directory(a, parent, name, f);
	case FRAME_FILE:
	case FRAME_COPY:
		return make_file(a, parent, name, f);
	case FRAME_SYMLINK:
		return make_symlink(a, parent, name, f);
	case FRAME_HARD_LINK:
		return make_hard_link(a, parent, name, f);
	case FRAME_CHAR:
	case FRAME_BLOCK:
	case FRAME_FIFO:
		return make_node(a, parent, name, f);
	case FRAME_WHITEOUT:
		return make_whiteout(a, parent, name, f);
	case FRAME_OPAQUE:
		return make_opaque(a, parent, name, f);
	default:
		return err_set(a->e, EPROTO, "an entry of kind %u", f->type);
	}
}

int files_apply(struct err *e, const struct apply_options *options, const char *directory)
{
	struct apply a = {.e = e, .options = options, .source = -1};
	_fd_close_ int root = tree_open_root(e, directory);
	_fd_close_ int source = options->source ? tree_open_root(e, options->source) : -1;
	struct frame f;
	int r, late;

	if (root < 0 || (options->source && source < 0))
		return root < 0 ? root : source;
	a.root = root;
	a.source = source;
	r = frame_reader_init(e, &a.in, 0);
	if (r < 0)
		return r;
	umask(0);
	while ((r = frame_read(e, &a.in, &f)) > 0) {
		r = apply_one(&a, &f);
		if (r < 0)
			break;
	}
	frame_reader_free(&a.in);
	late = late_times_set(e, &a.late, root, r == 0);
	return r < 0 ? r : late;
}
