// SPDX-License-Identifier: Apache-2.0
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_TURNS 40	/* links followed, and races lost, in one path */
#define MAX_ATTEMPTS 64 /* lookups that a rename somewhere on the host disturbed */
#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

/* Return: fd or -errno. */
static int open_in_root(int root, const char *path, int flags, uint64_t resolve)
{
	for (int attempt = 1;; attempt++) {
		int fd =
			sys_openat2(root, path, (uint64_t)(flags | O_PATH | O_CLOEXEC), 0, resolve);

		if (fd >= 0)
			return fd;
		/* The kernel gives up on ".." when it cannot rule out an escape at that very moment. */
		if ((errno != EAGAIN && errno != EINTR) || attempt == MAX_ATTEMPTS)
			return -errno;
	}
}

int path_open(struct err *e, const struct context *c, const char *path, int flags)
{
	int fd = open_in_root(c->root, path, flags, IN_ROOT);

	return fd < 0 ? err_set(e, -fd, "openat2 \"%s\"", path) : fd;
}

int path_look(int tree, const char *path)
{
	return open_in_root(tree, path, O_DIRECTORY, IN_ROOT);
}

/* A path that is walked by hand because something of it is missing. Each directory is pinned before the next name is looked at. */
struct walk {
	int root;
	int at; /* what has been reached */
	unsigned int turns;
	char done[PATH_MAX]; /* its path in the root, free of links */
	char rest[PATH_MAX]; /* what remains, links expanded */
};

/* Takes the next component off the rest. Return: 1, or 0 when there is none; *last is set for the final one. */
static int take_name(struct walk *w, char name[NAME_MAX + 1], int *last)
{
	char *from = w->rest, *end;
	size_t length;

	while (*from == '/' || (*from == '.' && (from[1] == '/' || !from[1])))
		from++;
	end = strchrnul(from, '/');
	length = (size_t)(end - from);
	if (length == 0)
		return 0;
	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, from, length);
	name[length] = '\0';
	while (*end == '/' || (*end == '.' && (end[1] == '/' || !end[1])))
		end++;
	*last = !*end;
	memmove(w->rest, end, strlen(end) + 1);
	return 1;
}

static void move_to(struct walk *w, int fd)
{
	close(w->at);
	w->at = fd;
}

/*
 * To the parent, by name from the root: ".." of a pinned directory could lie outside, should someone have moved that directory.
 */
static int step_up(struct err *e, struct walk *w)
{
	char *slash = strrchr(w->done, '/');
	int fd;

	if (slash)
		*slash = '\0';
	fd = open_in_root(w->root, *w->done ? w->done : "/", O_DIRECTORY,
			  IN_ROOT | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return err_set(e, -fd, "openat2 \"%s/\"", w->done);
	move_to(w, fd);
	return 0;
}

/* The link's text takes the place of its name. */
static int expand_link(struct err *e, struct walk *w, int link, const char *name)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);

	if (n < 0)
		return err_set(e, errno, "readlinkat \"%s/%s\"", w->done, name);
	target[n] = '\0';
	memcpy(rest, w->rest, sizeof(rest));
	if (snprintf(w->rest, sizeof(w->rest), "%s/%s", target, rest) >= (int)sizeof(w->rest))
		return err_set(e, ENAMETOOLONG, "readlinkat \"%s/%s\"", w->done, name);
	if (*target == '/') {
		int fd = fcntl(w->root, F_DUPFD_CLOEXEC, 3);

		if (fd < 0)
			return err_set(e, errno, "fcntl F_DUPFD_CLOEXEC");
		move_to(w, fd);
		*w->done = '\0';
	}
	return 0;
}

/* The kernel says ENOTDIR to both, and callers look for its words. */
static int wrong_kind(struct err *e, const char *path, const char *name, enum path_kind kind)
{
	return err_set(e, ENOTDIR, "\"%s%s%s\" (it must be a %s, as the source is)", path,
		       name ? "/" : "", name ? name : "", kind == PATH_FILE ? "file" : "directory");
}

/* Makes what is missing. Return: fd, -EAGAIN when someone else was faster, or -errno with e filled. */
static int make_missing(struct err *e, const struct walk *w, const char *name, enum path_kind kind,
			unsigned int mode)
{
	int fd;

	if (kind == PATH_FILE) {
		/* Opened for reading only: a writer would keep the mount from becoming read-only. */
		fd = openat(w->at, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    (mode_t)mode);
		if (fd >= 0)
			return fd;
		return errno == EEXIST ? -EAGAIN
				       : err_set(e, errno, "openat \"%s/%s\"", w->done, name);
	}
	if (mkdirat(w->at, name, (mode_t)mode) < 0)
		return errno == EEXIST ? -EAGAIN
				       : err_set(e, errno, "mkdirat \"%s/%s\"", w->done, name);
	fd = openat(w->at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -EAGAIN : fd;
}

/* Goes one component on. */
static int step(struct err *e, struct walk *w, const char *name, enum path_kind kind,
		unsigned int mode)
{
	_fd_close_ int next = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	size_t length = strlen(w->done);
	struct stat st;

	while (next < 0 && errno == ENOENT) {
		next = make_missing(e, w, name, kind, mode);
		if (next < 0 && next != -EAGAIN)
			return next;
		if (next < 0 && ++w->turns > MAX_TURNS)
			return err_set(e, ELOOP, "openat \"%s/%s\"", w->done, name);
		if (next < 0)
			next = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (next < 0)
		return err_set(e, errno, "openat \"%s/%s\"", w->done, name);
	if (fstat(next, &st) < 0)
		return err_set(e, errno, "fstat \"%s/%s\"", w->done, name);
	if (S_ISLNK(st.st_mode)) {
		if (++w->turns > MAX_TURNS)
			return err_set(e, ELOOP, "openat \"%s/%s\"", w->done, name);
		return expand_link(e, w, next, name);
	}
	if (!S_ISDIR(st.st_mode) != (kind == PATH_FILE))
		return wrong_kind(e, w->done, name, kind);
	if (length + 1 + strlen(name) >= sizeof(w->done))
		return err_set(e, ENAMETOOLONG, "openat \"%s/%s\"", w->done, name);
	w->done[length] = '/';
	strcpy(w->done + length + 1, name);
	move_to(w, take_fd(&next));
	return 0;
}

/* Walks to the end of the path, making what is missing. */
static int walk_to_end(struct err *e, struct walk *w, enum path_kind kind, unsigned int mode)
{
	char name[NAME_MAX + 1];
	int last = 0, r;

	while ((r = take_name(w, name, &last)) > 0) {
		if (strcmp(name, "..") == 0)
			r = step_up(e, w);
		else
			r = step(e, w, name, last ? kind : PATH_DIRECTORY, last ? mode : 0755);
		if (r < 0)
			return r;
	}
	return r < 0 ? err_set(e, -r, "openat \"%s/...\"", w->done) : 0;
}

/* Return: fd or -errno with e filled. */
static int check_kind(struct err *e, const char *path, int fd, enum path_kind kind)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "fstat \"%s\"", path);
	if (!S_ISDIR(st.st_mode) != (kind == PATH_FILE))
		return wrong_kind(e, path, NULL, kind);
	return 0;
}

static int make_path(struct err *e, int root, const char *path, enum path_kind kind,
		     unsigned int mode)
{
	struct walk w;
	int r;

	w.root = root;
	w.turns = 0;
	*w.done = '\0';
	if (snprintf(w.rest, sizeof(w.rest), "%s", path) >= (int)sizeof(w.rest))
		return err_set(e, ENAMETOOLONG, "openat2 \"%.100s...\"", path);
	w.at = fcntl(root, F_DUPFD_CLOEXEC, 3);
	if (w.at < 0)
		return err_set(e, errno, "fcntl F_DUPFD_CLOEXEC");
	r = walk_to_end(e, &w, kind, mode);
	/* A path may end in "." or "..", which are no files. */
	if (r == 0)
		r = check_kind(e, path, w.at, kind);
	if (r < 0)
		close(w.at);
	return r < 0 ? r : w.at;
}

int path_ensure(struct err *e, const struct context *c, const char *path, enum path_kind kind,
		unsigned int mode)
{
	_fd_close_ int fd =
		open_in_root(c->root, path, kind == PATH_DIRECTORY ? O_DIRECTORY : 0, IN_ROOT);
	int r;

	if (fd == -ENOENT)
		return make_path(e, c->root, path, kind, mode);
	if (fd < 0)
		return err_set(e, -fd, "openat2 \"%s\"", path);
	r = kind == PATH_FILE ? check_kind(e, path, fd, kind) : 0;
	return r < 0 ? r : take_fd(&fd);
}

int path_parent(struct err *e, const struct context *c, const char *path, char name[NAME_MAX + 1])
{
	char parent[PATH_MAX];
	size_t end = strlen(path), start;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/';)
		start--;
	if (end - start > NAME_MAX || start >= sizeof(parent))
		return err_set(e, ENAMETOOLONG, "openat2 \"%.100s...\"", path);
	memcpy(name, path + start, end - start);
	name[end - start] = '\0';
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(e, EINVAL, "openat2 \"%s\" (it names no file)", path);
	memcpy(parent, path, start);
	parent[start] = '\0';
	return path_ensure(e, c, start ? parent : "/", PATH_DIRECTORY, 0755);
}
