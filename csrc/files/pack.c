// SPDX-License-Identifier: Apache-2.0
/* `pack`: a directory, or what a container changed, as the tar of a layer. */
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
#include "copy.h"
#include "files.h"
#include "tar.h"
#include "tree.h"
#include "xattrs.h"

#define CHUNK (1 << 18)
#define NAMES 4096u /* buckets of files that have several names */

/* The first name of a file that has several. */
struct first_name {
	struct first_name *next;
	dev_t device;
	ino_t inode;
	char path[];
};

struct pack {
	struct err *e;
	const struct pack_options *options;
	int dir;
	size_t length;
	char path[PATH_MAX];
	char link[PATH_MAX];
	char *chunk;
	struct xattrs xattrs;
	struct first_name *names[NAMES];
};

static int failed(const struct pack *p, int number, const char *call)
{
	return err_set(p->e, number, "%s \"%s\"", call, p->path);
}

/* Return: the path under which the file is there already, or NULL: it is this one from now on. */
static const char *first_name(struct pack *p, const struct stat *st)
{
	struct first_name **bucket = &p->names[(st->st_ino ^ st->st_dev) % NAMES], *known = *bucket;

	while (known && (known->inode != st->st_ino || known->device != st->st_dev))
		known = known->next;
	if (known)
		return known->path;
	known = malloc(sizeof(*known) + p->length + 1);
	if (known) {
		*known = (struct first_name){
			.next = *bucket, .device = st->st_dev, .inode = st->st_ino};
		memcpy(known->path, p->path, p->length + 1);
		*bucket = known;
	}
	return NULL;
}

static void write_zeros(int64_t length)
{
	static char zeros[CHUNK]; /* not const: it would be part of the program */

	for (; length > 0; length -= CHUNK)
		fwrite(zeros, 1, length < CHUNK ? (size_t)length : CHUNK, stdout);
}

/* Layers know no sparse files (layer.md#file-types): holes become zeros, but need not be read. */
static int write_contents(const struct pack *p, int fd, int64_t size)
{
	_fd_close_ int file = tree_reopen(fd, O_RDONLY);
	int64_t at = 0, begin = 0, end;
	int r;

	if (file < 0)
		return failed(p, -file, "open");
	while ((r = copy_next_data(file, size, &begin, &end)) > 0) {
		write_zeros(begin - at);
		for (at = begin; at < end;) {
			size_t length = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
			ssize_t n = pread(file, p->chunk, length, at);

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return failed(p, errno, "pread");
			if (n == 0)
				return err_set(p->e, 0, "\"%s\" became shorter while it was read",
					       p->path);
			fwrite(p->chunk, 1, (size_t)n, stdout);
			at += n;
		}
		begin = end;
	}
	if (r < 0)
		return failed(p, -r, "lseek");
	write_zeros(size - at);
	tar_pad(stdout, (uint64_t)size);
	return ferror(stdout) ? failed(p, errno, "write of") : 0;
}

/* `.wh.NAME` in the directory of NAME. */
static int write_whiteout(const struct pack *p, const struct stat *st)
{
	const char *slash = strrchr(p->path, '/');
	size_t above = slash ? (size_t)(slash - p->path) + 1 : 0;
	char path[PATH_MAX + 8];
	struct tar_entry entry = {.type = '0', .path = path, .seconds = st->st_mtim.tv_sec};

	memcpy(path, p->path, above);
	memcpy(path + above, ".wh.", 4);
	memcpy(path + above + 4, p->path + above, p->length - above + 1);
	if (p->options->newest >= 0 && entry.seconds > p->options->newest)
		entry.seconds = p->options->newest;
	return tar_header(p->e, stdout, &entry);
}

static int write_opaque(const struct pack *p, int fd, int64_t seconds)
{
	const struct attributes_options options = {.unprivileged = p->options->unprivileged};
	char path[PATH_MAX + 16];
	struct tar_entry entry = {.type = '0', .path = path, .seconds = seconds};

	if (!attributes_is_opaque(&options, fd))
		return 0;
	snprintf(path, sizeof(path), "%s%s.wh..wh..opq", p->path, p->length ? "/" : "");
	return tar_header(p->e, stdout, &entry);
}

static char type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return '5';
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFIFO:
		return '6';
	default:
		return '0';
	}
}

/* A time that is too late is changed in the directory too, which stays in use as a layer: it must be what the tar says. */
static int64_t settled_time(const struct pack *p, int fd, int64_t seconds)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = p->options->newest}};

	if (p->options->newest < 0 || seconds <= p->options->newest)
		return seconds;
	if (!p->options->plain)
		(void)utimensat(fd, "", times, AT_EMPTY_PATH);
	return p->options->newest;
}

static int write_entry(struct pack *p, int fd, const struct stat *st)
{
	char path[PATH_MAX + 1];
	struct tar_entry entry = {
		.type = type_of(st->st_mode),
		.path = path,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.seconds = st->st_mtim.tv_sec,
	};
	int r;

	snprintf(path, sizeof(path), "%s%s", p->path, S_ISDIR(st->st_mode) ? "/" : "");
	entry.seconds = settled_time(p, fd, entry.seconds);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		entry.major = major(st->st_rdev);
		entry.minor = minor(st->st_rdev);
	}
	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(fd, "", p->link, sizeof(p->link) - 1);

		if (n < 0)
			return failed(p, errno, "readlinkat");
		p->link[n] = '\0';
		entry.link = p->link;
	} else {
		r = xattrs_read(p->e, &p->xattrs, fd, p->path);
		if (r < 0)
			return r;
		entry.xattrs = p->xattrs.data;
		entry.xattr_length = p->xattrs.length;
	}
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1) {
		entry.link = first_name(p, st);
		if (entry.link) {
			entry.type = '1';
			entry.xattr_length = 0;
			return tar_header(p->e, stdout, &entry);
		}
		entry.link = S_ISLNK(st->st_mode) ? p->link : NULL;
	}
	entry.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	r = tar_header(p->e, stdout, &entry);
	return r == 0 && entry.size ? write_contents(p, fd, st->st_size) : r;
}

static int visit(void *context, const char *name);

/* Closes *fd before it goes down: a level costs one descriptor. */
static int visit_fd(struct pack *p, int *fd)
{
	struct stat st;
	int r = 0, outer = p->dir;
	_fd_close_ int dir = -1;

	if (fstat(*fd, &st) < 0)
		return failed(p, errno, "fstat");
	if (S_ISSOCK(st.st_mode))
		return 0;
	if (tree_is_whiteout(&st) && !p->options->plain)
		return write_whiteout(p, &st);
	if (p->length)
		r = write_entry(p, *fd, &st);
	if (r < 0 || !S_ISDIR(st.st_mode))
		return r;
	if (!p->options->plain)
		r = write_opaque(p, *fd, 0);
	dir = openat(*fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return failed(p, errno, "openat");
	fd_cleanup(fd);
	*fd = -1;
	p->dir = dir;
	if (r == 0)
		r = tree_list(p->e, dir, p->path, visit, p);
	p->dir = outer;
	return r;
}

static int visit(void *context, const char *name)
{
	struct pack *p = context;
	_fd_close_ int fd = openat(p->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	size_t before = p->length, length = strlen(name);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0
				       : err_set(p->e, errno, "openat \"%s/%s\"", p->path, name);
	if (!p->options->plain && strncmp(name, ".wh.", 4) == 0)
		return err_set(
			p->e, EINVAL,
			"\"%s/%s\": in a layer, a name that begins with .wh. hides another one",
			p->path, name);
	if (before + length + 2 > sizeof(p->path))
		return err_set(p->e, ENAMETOOLONG, "openat \"%.100s.../%s\"", p->path, name);
	if (before)
		p->path[p->length++] = '/';
	memcpy(p->path + p->length, name, length + 1);
	p->length += length;
	r = visit_fd(p, &fd);
	p->length = before;
	p->path[before] = '\0';
	return r;
}

static void free_pack(struct pack *p)
{
	for (size_t i = 0; i < NAMES; i++) {
		while (p->names[i]) {
			struct first_name *next = p->names[i]->next;

			free(p->names[i]);
			p->names[i] = next;
		}
	}
	free(p->xattrs.data);
	free(p->chunk);
	free(p);
}

/* What is packed. Return: fd or -errno with e filled. */
static int open_top(struct err *e, const struct pack_options *options, const char *directory)
{
	_fd_close_ int root = tree_open_root(e, directory);

	if (root < 0 || !options->path)
		return take_fd(&root);
	return options->follow ? tree_follow(e, root, options->path)
			       : tree_open(e, root, options->path);
}

int files_pack(struct err *e, const struct pack_options *options, const char *directory)
{
	_fd_close_ int root = open_top(e, options, directory);
	size_t as = options->as ? strlen(options->as) : 0;
	struct pack *p;
	int r;

	if (root < 0)
		return root;
	if (as >= sizeof(p->path))
		return err_set(e, ENAMETOOLONG, "the name \"%.100s...\"", options->as);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, ENOMEM, "malloc");
	p->e = e;
	p->options = options;
	p->dir = -1;
	if (as)
		memcpy(p->path, options->as, as + 1);
	p->length = as;
	p->chunk = malloc(CHUNK);
	r = p->chunk ? visit_fd(p, &root) : err_set(e, ENOMEM, "malloc");
	if (r == 0)
		tar_end(stdout);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = err_set(e, errno, "write of the tar");
	free_pack(p);
	return r;
}
