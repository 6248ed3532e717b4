// SPDX-License-Identifier: Apache-2.0
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/sys.h"

#define MAX_ATTEMPTS 64
#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

int tree_open_root(struct err *e, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_set(e, errno, "open \"%s\"", path) : fd;
}

/* Return: fd or -errno. */
static int in_root(int root, const char *path, int flags)
{
	for (int attempt = 1;; attempt++) {
		int fd =
			sys_openat2(root, path, (uint64_t)(flags | O_PATH | O_CLOEXEC), 0, IN_ROOT);

		if (fd >= 0)
			return fd;
		if ((errno != EAGAIN && errno != EINTR) || attempt == MAX_ATTEMPTS)
			return -errno;
	}
}

enum made { WAS_THERE, MADE, MADE_OVER_WHITEOUT };

/* Return: enum made, or -errno. */
static int make_directory(int parent, const char *name, const struct tree_maker *maker)
{
	struct stat st;

	if (mkdirat(parent, name, 0755) == 0)
		return MADE;
	if (errno != EEXIST)
		return -errno;
	if (!maker->over_whiteouts || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !tree_is_whiteout(&st))
		return WAS_THERE;
	if (unlinkat(parent, name, 0) < 0 || mkdirat(parent, name, 0755) < 0)
		return -errno;
	return MADE_OVER_WHITEOUT;
}

/* Makes the directories of path that are missing, one by one. Return: fd or -errno with e filled. */
static int make_directories(struct err *e, int root, const char *path,
			    const struct tree_maker *maker)
{
	char part[PATH_MAX];
	_fd_close_ int at = in_root(root, "/", O_DIRECTORY);

	for (const char *end = path; at >= 0 && *end;) {
		size_t length;
		int next;

		end += strspn(end, "/");
		end += strcspn(end, "/");
		length = (size_t)(end - path);
		memcpy(part, path, length);
		part[length] = '\0';
		next = in_root(root, part, O_DIRECTORY);
		if (next == -ENOENT || next == -ENOTDIR) {
			const char *name = strrchr(part, '/');
			int made = make_directory(at, name ? name + 1 : part, maker), r = 0;

			if (made < 0)
				return err_set(e, -made, "mkdirat \"%s\"", part);
			next = in_root(root, part, O_DIRECTORY);
			if (next >= 0 && made != WAS_THERE && maker->made)
				r = maker->made(maker->context, next, part,
						made == MADE_OVER_WHITEOUT);
			if (r < 0) {
				close(next);
				return r;
			}
		}
		if (next < 0)
			return err_set(e, -next, "openat2 \"%s\"", part);
		fd_cleanup(&at);
		at = next;
	}
	return at < 0 ? err_set(e, -at, "openat2 \"/\"") : take_fd(&at);
}

/* Whether a name of the path is "..", which no well-formed tree has. */
static int climbs(const char *path)
{
	for (const char *at = path; *at; at += strcspn(at, "/")) {
		at += strspn(at, "/");
		if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || !at[2]))
			return 1;
	}
	return 0;
}

int tree_parent(struct err *e, int root, const char *path, const struct tree_maker *maker,
		const char **name)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	int fd;

	*name = slash ? slash + 1 : path;
	if (!**name || strcmp(*name, ".") == 0 || climbs(path))
		return err_set(e, EINVAL, "the path \"%s\"", path);
	if (length >= sizeof(parent))
		return err_set(e, ENAMETOOLONG, "openat2 \"%.100s...\"", path);
	memcpy(parent, path, length);
	parent[length] = '\0';
	fd = in_root(root, length ? parent : "/", O_DIRECTORY);
	if ((fd == -ENOENT || fd == -ENOTDIR) && maker)
		return make_directories(e, root, parent, maker);
	return fd < 0 ? err_set(e, -fd, "openat2 \"%s\"", parent) : fd;
}

int tree_open(struct err *e, int root, const char *path)
{
	int fd = in_root(root, *path ? path : "/", O_NOFOLLOW);

	return fd < 0 ? err_set(e, -fd, "openat2 \"%s\"", path) : fd;
}

int tree_follow(struct err *e, int root, const char *path)
{
	int fd = in_root(root, *path ? path : "/", 0);

	return fd < 0 ? err_set(e, -fd, "openat2 \"%s\"", path) : fd;
}

int tree_reopen(int fd, int flags)
{
	int opened = open(fd_link(fd).path, flags | O_CLOEXEC | O_NOCTTY);

	return opened < 0 ? -errno : opened;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **list;
	size_t count, room;
};

static int add_name(struct names *names, const char *name)
{
	if (names->count == names->room) {
		size_t room = names->room ? 2 * names->room : 64;
		char **list = reallocarray(names->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		names->list = list;
		names->room = room;
	}
	names->list[names->count] = strdup(name);
	if (!names->list[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

static int read_names(struct err *e, int dir, const char *path, struct names *names)
{
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	const struct dirent *entry;

	if (!stream) {
		r = err_set(e, errno, "openat \"%s\"", path);
		if (own >= 0)
			close(own);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = add_name(names, entry->d_name);
	if (r == 0 && errno)
		r = -errno;
	closedir(stream);
	return r < 0 ? err_set(e, -r, "readdir \"%s\"", path) : 0;
}

int tree_list(struct err *e, int dir, const char *path,
	      int (*each)(void *context, const char *name), void *context)
{
	struct names names = {0};
	int r = read_names(e, dir, path, &names);

	if (r == 0)
		qsort(names.list, names.count, sizeof(*names.list), compare);
	for (size_t i = 0; i < names.count; i++) {
		if (r == 0)
			r = each(context, names.list[i]);
		free(names.list[i]);
	}
	free(names.list);
	return r;
}
