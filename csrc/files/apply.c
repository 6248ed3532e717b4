// SPDX-License-Identifier: Apache-2.0
/* `apply`: makes the entries of a stream in a directory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../base/io.h"
#include "attributes.h"
#include "below.h"
#include "copy.h"
#include "files.h"
#include "flat.h"
#include "frame.h"
#include "late_times.h"
#include "remove.h"
#include "tree.h"
#include "xattrs.h"

struct apply {
	struct err *e;
	struct frame_reader in;
	const struct apply_options *options;
	struct attributes_options attributes;
	struct below below;
	struct tree_maker maker;
	int root, source; /* source: -1 when nothing is copied */
	struct late_times late;
	struct flat flat;
	int own; /* flat: the layer had the entry's path before */
};

static int failed(const struct apply *a, int number, const char *call, const char *path)
{
	return err_set(a->e, number, "%s \"%s\"", call, path);
}

/* A directory that the layer implies. In the place of a whiteout, it must not show what that one hid. */
static int made_directory(void *context, int fd, const char *path, int over_whiteout)
{
	struct apply *a = context;

	struct frame f = {.path = (char *)path, .path_length = (uint32_t)strlen(path)};
	int r;

	if (over_whiteout)
		return attributes_mark_opaque(a->e, &a->attributes, fd, path);
	r = below_inherit(a->e, &a->below, fd, &f);
	return r > 0 ? late_times_add(a->e, &a->late, &f) : r;
}

enum room { FREE, DIRECTORY_THERE, WHITEOUT_WENT };

/* Makes room: what has the name already goes, unless both are directories. Return: enum room, or -errno with e filled. */
static int make_room(const struct apply *a, int parent, const char *name, const struct frame *f)
{
	struct stat st;
	int r;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? FREE : failed(a, errno, "fstatat", f->path);
	if (f->type == FRAME_DIRECTORY && S_ISDIR(st.st_mode))
		return DIRECTORY_THERE;
	if (f->type == FRAME_DIRECTORY && a->options->strict)
		return failed(a, ENOTDIR, "a directory in the place of the file", f->path);
	if (S_ISDIR(st.st_mode) && a->options->merge)
		return failed(a, EISDIR, "a file in the place of the directory", f->path);
	r = tree_remove(a->e, parent, name);
	if (r < 0)
		return r;
	return tree_is_whiteout(&st) && !a->options->merge ? WHITEOUT_WENT : FREE;
}

static int finish(const struct apply *a, int parent, const char *name, const struct frame *f)
{
	_fd_close_ int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? failed(a, errno, "openat", f->path)
		      : attributes_set(a->e, &a->attributes, fd, f);
}

static int make_directory(struct apply *a, int parent, const char *name, const struct frame *f)
{
	int room = make_room(a, parent, name, f), r;
	_fd_close_ int fd = -1;

	/* COPY into a directory that is there: that one stays as it is. */
	if (room < 0 || (room == DIRECTORY_THERE && a->options->merge))
		return room < 0 ? room : 0;
	if (room != DIRECTORY_THERE && mkdirat(parent, name, 0700) < 0)
		return failed(a, errno, "mkdirat", f->path);
	fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(a, errno, "openat", f->path);
	/* It is another layer's, and as it is in this one from now on. */
	r = a->options->flat && room == DIRECTORY_THERE && !a->own ? xattrs_clear(a->e, fd, f->path)
								   : 0;
	if (r == 0)
		r = attributes_set(a->e, &a->attributes, fd, f);
	if (r == 0 && room == WHITEOUT_WENT)
		r = attributes_mark_opaque(a->e, &a->attributes, fd, f->path);
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
	f->size = (uint64_t)st.st_size;
	opened = tree_reopen(fd, O_RDONLY);
	return opened < 0 ? failed(a, -opened, "open", f->link) : opened;
}

static int make_file(struct apply *a, int parent, const char *name, struct frame *f)
{
	_fd_close_ int from = f->type == FRAME_COPY ? open_source(a, f) : -1;
	const struct timespec t = {.tv_sec = f->seconds, .tv_nsec = f->nanoseconds},
			      times[2] = {t, t};
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
	if (f->type == FRAME_COPY) {
		r = copy_contents(to, from, (int64_t)f->size);
		if (r < 0)
			return failed(a, -r, "copy_file_range", f->path);
	} else {
		r = frame_contents(a->e, &a->in, to, f);
	}
	if (r == 0)
		r = attributes_set(a->e, &a->attributes, to, f);
	if (r == 0 && futimens(to, times) < 0)
		r = failed(a, errno, "futimens", f->path);
	return r;
}

static int make_hard_link(struct apply *a, int parent, const char *name, const struct frame *f)
{
	const char *target;
	_fd_close_ int from = tree_parent(a->e, a->root, f->link, NULL, &target);
	struct stat old, new;
	int r;

	if (from < 0)
		return err_prefix(a->e, from, "hard link \"%s\"", f->path);
	/* A link to itself, which some writers make. */
	if (fstatat(from, target, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstatat(parent, name, &new, AT_SYMLINK_NOFOLLOW) == 0 && old.st_dev == new.st_dev &&
	    old.st_ino == new.st_ino)
		return 0;
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
	/* Two zeros would be a whiteout, which hides things; and the kernel cuts larger numbers off, to zero as well. */
	if ((f->type == FRAME_CHAR && !f->major && !f->minor) || f->major >= 1u << 12 ||
	    f->minor >= 1u << 20)
		return err_set(a->e, EINVAL, "the device number %u:%u of \"%s\"", f->major,
			       f->minor, f->path);
	if (mknodat(parent, name, kind | 0600, makedev(f->major, f->minor)) < 0) {
		if (errno == EPERM && a->options->unprivileged && f->type != FRAME_FIFO)
			return 0;
		return failed(a, errno, "mknodat", f->path);
	}
	r = finish(a, parent, name, f);
	return r < 0 ? r : attributes_set_times(a->e, parent, name, f);
}

static int make_symlink(struct apply *a, int parent, const char *name, const struct frame *f)
{
	int r = make_room(a, parent, name, f);

	if (r < 0)
		return r;
	r = 0;
	if (symlinkat(f->link, parent, name) < 0)
		r = failed(a, errno, "symlinkat", f->path);
	if (r == 0)
		r = finish(a, parent, name, f);
	return r < 0 ? r : attributes_set_times(a->e, parent, name, f);
}

/* What the layer itself has under that name is not hidden by it; what lower layers have in that directory is. */
static int make_whiteout(struct apply *a, int parent, const char *name, const struct frame *f)
{
	_fd_close_ int fd = -1;

	if (a->options->flat)
		return flat_hide(&a->flat, parent, name, f->path);
	fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return attributes_mark_opaque(a->e, &a->attributes, fd, f->path);
	if (mknodat(parent, name, S_IFCHR, 0) == 0 || errno == EEXIST)
		return 0;
	return failed(a, errno, "mknodat (a whiteout)", f->path);
}

static int make_opaque(struct apply *a, const struct frame *f)
{
	char inside[PATH_MAX + 3];
	const char *name;
	_fd_close_ int fd = -1;
	int r = 0;

	/* As the parent of something, it is made like any directory that is implied. */
	if (snprintf(inside, sizeof(inside), "%s/x", f->path) >= (int)sizeof(inside))
		return failed(a, ENAMETOOLONG, "mkdirat", f->path);
	if (a->options->flat)
		r = flat_enter(&a->flat, inside);
	fd = r < 0 ? r : tree_parent(a->e, a->root, inside, &a->maker, &name);
	if (fd < 0)
		return fd;
	return a->options->flat ? flat_hide_inside(&a->flat, fd, f->path)
				: attributes_mark_opaque(a->e, &a->attributes, fd, f->path);
}

/* The root itself: its owner, mode and times. */
static int set_root(struct apply *a, struct frame *f)
{
	int r;

	if (f->type == FRAME_OPAQUE)
		return a->options->flat ? flat_hide_inside(&a->flat, a->root, "")
					: attributes_mark_opaque(a->e, &a->attributes, a->root, "");
	if (f->type != FRAME_DIRECTORY)
		return failed(a, EISDIR, "the top of the tree as", f->path);
	if (a->options->merge)
		return 0;
	r = attributes_set(a->e, &a->attributes, a->root, f);
	return r < 0 ? r : late_times_add(a->e, &a->late, f);
}

static int apply_one(struct apply *a, struct frame *f)
{
	const char *name;
	_fd_close_ int parent = -1;

	if (!*f->path)
		return set_root(a, f);
	if (f->type == FRAME_OPAQUE)
		return make_opaque(a, f);
	if (a->options->flat) {
		a->own = f->type == FRAME_WHITEOUT ? flat_pass(&a->flat, f->path)
						   : flat_enter(&a->flat, f->path);
		if (a->own < 0)
			return a->own;
	}
	parent = tree_parent(a->e, a->root, f->path, &a->maker, &name);
	if (parent < 0)
		return parent;
	if ((f->flags & FRAME_IF_ABSENT) && faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return f->type == FRAME_FILE ? frame_contents(a->e, &a->in, -1, f) : 0;
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
	default:
		return err_set(a->e, EPROTO, "an entry of kind %u", f->type);
	}
}

static int apply_all(struct apply *a)
{
	struct frame f;
	int r = frame_reader_init(a->e, &a->in, 0), late;

	if (r < 0)
		return r;
	umask(0);
	while ((r = frame_read(a->e, &a->in, &f)) > 0) {
		r = apply_one(a, &f);
		if (r < 0)
			break;
	}
	frame_reader_free(&a->in);
	late = late_times_set(a->e, &a->late, a->root, r == 0);
	return r < 0 ? r : late;
}

int files_apply(struct err *e, const struct apply_options *options, const char *directory)
{
	struct apply a = {
		.e = e,
		.options = options,
		.attributes = {.unprivileged = options->unprivileged},
		.maker = {.made = made_directory, .context = &a, .over_whiteouts = !options->merge},
	};
	_fd_close_ int root = tree_open_root(e, directory);
	_fd_close_ int source = options->source ? tree_open_root(e, options->source) : -1;
	int r;

	if (root < 0 || (options->source && source < 0))
		return root < 0 ? root : source;
	a.root = a.below.root = root;
	a.source = source;
	a.below.attributes = a.attributes;
	r = below_open(e, &a.below, options->below, options->below_count);
	if (r == 0 && options->flat)
		r = flat_open(e, &a.flat, root, &a.late);
	if (r == 0)
		r = apply_all(&a);
	flat_close(&a.flat);
	below_close(&a.below);
	return r;
}
