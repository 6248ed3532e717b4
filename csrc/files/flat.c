// SPDX-License-Identifier: Apache-2.0
#include "flat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "remove.h"
#include "tree.h"

int flat_open(struct err *e, struct flat *f, int root, struct late_times *late)
{
	*f = (struct flat){.e = e, .root = root, .late = late, .room = 1024};
	/* Names that share a hash would save each other from being hidden: nobody can look for some. */
	if (getrandom(&f->key, sizeof(f->key), 0) != sizeof(f->key))
		return err_set(e, errno, "getrandom");
	f->hashes = calloc(f->room, sizeof(*f->hashes));
	return f->hashes ? 0 : err_set(e, ENOMEM, "malloc");
}

void flat_close(struct flat *f)
{
	free(f->hashes);
}

/* Two multiplications a byte, and a shift that lets high bits decide about low ones. Never 0. */
static uint64_t hash(const struct flat *f, const char *path, size_t length)
{
	uint64_t h = f->key;

	for (size_t i = 0; i < length; i++) {
		h = (h ^ (unsigned char)path[i]) * 0x9e3779b97f4a7c15u;
		h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
	}
	h ^= h >> 32;
	return h ? h : 1;
}

static uint64_t *place(uint64_t *hashes, size_t room, uint64_t wanted)
{
	size_t i = wanted & (room - 1);

	while (hashes[i] && hashes[i] != wanted)
		i = (i + 1) & (room - 1);
	return &hashes[i];
}

static int grow(struct flat *f)
{
	uint64_t *hashes = calloc(2 * f->room, sizeof(*hashes));

	if (!hashes)
		return err_set(f->e, ENOMEM, "malloc");
	for (size_t i = 0; i < f->room; i++)
		if (f->hashes[i])
			*place(hashes, 2 * f->room, f->hashes[i]) = f->hashes[i];
	free(f->hashes);
	f->hashes = hashes;
	f->room *= 2;
	return 0;
}

static int has(const struct flat *f, const char *path, size_t length)
{
	return *place(f->hashes, f->room, hash(f, path, length)) != 0;
}

/* Return: 1: it was noted already, 0, or -errno with e filled. */
static int note(struct flat *f, const char *path, size_t length)
{
	uint64_t wanted = hash(f, path, length), *at = place(f->hashes, f->room, wanted);

	if (*at)
		return 1;
	*at = wanted;
	return ++f->count * 2 > f->room ? grow(f) : 0;
}

/* A directory on the way that others have made keeps its time; anything else that they have made is none of the layer's. */
static int pass(struct flat *f, const char *path, size_t length)
{
	char part[PATH_MAX];
	struct frame time = {.path = part, .path_length = (uint32_t)length};
	const char *name;
	_fd_close_ int parent = -1;
	struct stat st;

	memcpy(part, path, length);
	part[length] = '\0';
	if (!length) {
		if (fstat(f->root, &st) < 0)
			return err_set(f->e, errno, "fstat");
	} else {
		parent = tree_parent(f->e, f->root, part, NULL, &name);
		if (parent < 0)
			return parent == -ENOENT || parent == -ENOTDIR ? 0 : parent;
		if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? 0 : err_set(f->e, errno, "fstatat \"%s\"", part);
		if (!S_ISDIR(st.st_mode))
			return tree_remove(f->e, parent, name);
	}
	time.seconds = st.st_mtim.tv_sec;
	time.nanoseconds = (uint32_t)st.st_mtim.tv_nsec;
	return late_times_add(f->e, f->late, &time);
}

int flat_pass(struct flat *f, const char *path)
{
	size_t length = strlen(path);

	if (length >= PATH_MAX)
		return err_set(f->e, ENAMETOOLONG, "openat2 \"%.100s...\"", path);
	for (size_t i = 0; i < length; i++) {
		int r;

		if (i && path[i] != '/')
			continue;
		r = note(f, path, i);
		if (r == 0)
			r = pass(f, path, i);
		if (r < 0)
			return r;
	}
	return 0;
}

int flat_enter(struct flat *f, const char *path)
{
	int r = flat_pass(f, path);

	return r < 0 ? r : note(f, path, strlen(path));
}

struct inside {
	struct flat *f;
	int dir;
	const char *path;
};

static int hide_one(void *context, const char *name)
{
	const struct inside *in = context;
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s%s%s", in->path, *in->path ? "/" : "", name);

	/* Deeper than any path of the layer. */
	if (length >= (int)sizeof(path))
		return tree_remove(in->f->e, in->dir, name);
	return flat_hide(in->f, in->dir, name, path);
}

int flat_hide(struct flat *f, int parent, const char *name, const char *path)
{
	_fd_close_ int dir = -1;

	if (!has(f, path, strlen(path)))
		return tree_remove(f->e, parent, name);
	dir = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOTDIR || errno == ELOOP || errno == ENOENT
			       ? 0
			       : err_set(f->e, errno, "openat \"%s\"", path);
	return flat_hide_inside(f, dir, path);
}

int flat_hide_inside(struct flat *f, int dir, const char *path)
{
	struct inside in = {.f = f, .dir = dir, .path = path};

	return tree_list(f->e, dir, path, hide_one, &in);
}
