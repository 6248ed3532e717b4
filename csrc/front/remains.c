// SPDX-License-Identifier: Apache-2.0
#include "remains.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/proc.h"
#include "../base/subdirs.h"
#include "../base/sys.h"
#include "../ops/cgroup.h"
#include "front.h"

#define MOUNTINFO_MAX (64u << 20)
#define MOST_MOUNTS 64
#define SYSTEMD_MS 5000

struct walk {
	int (*visit)(void *data, const char *owner, const char *path);
	void *data;
	const char *attribute;
	unsigned long long mount_namespace;
	char path[PATH_MAX];
};

/* 0 when it is not known: then it is nobody's. */
static unsigned long long mount_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/mnt", &st) < 0 ? 0 : (unsigned long long)st.st_ino;
}

int remains_mark(struct err *e, char **mark, const char *root, const char *id)
{
	if (asprintf(mark, "%llu %s/%s", mount_namespace(), root, id) >= 0)
		return 0;
	*mark = NULL;
	return err_set(e, ENOMEM, "asprintf");
}

/* The path in a mark of this mount namespace; NULL for one of another. */
static const char *own_path(const struct walk *w, const char *mark)
{
	char *end;

	if (strtoull(mark, &end, 10) != w->mount_namespace || w->mount_namespace == 0)
		return NULL;
	return *end == ' ' ? end + 1 : NULL;
}

/* Consumes fd, whose path is in w->path. Return: what visit returned. */
static int walk_tree(struct walk *w, int fd)
{
	char mark[PATH_MAX + 32];
	const char *owner;
	ssize_t n = fgetxattr(fd, w->attribute, mark, sizeof(mark) - 1);
	size_t length = strlen(w->path);
	_subdirs_ children = SUBDIRS_OF(fd);
	_fd_close_ int own = fd;
	int r = 0;

	if (n > 0) {
		mark[n] = '\0';
		owner = own_path(w, mark);
		if (owner)
			r = w->visit(w->data, owner, w->path);
	}
	for (const char *name; r == 0 && (name = subdirs_next(&children));) {
		int child;

		if (length + strlen(name) + 2 > sizeof(w->path))
			continue;
		child = openat(own, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child < 0)
			continue;
		snprintf(w->path + length, sizeof(w->path) - length, "/%s", name);
		r = walk_tree(w, child);
		w->path[length] = '\0';
	}
	return r;
}

/* Undoes the escapes of mountinfo: a backslash and three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] && at[3]) {
			*to++ = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
}

/* Where a line of mountinfo mounts a cgroup file system, and which. Return: 1, or 0 when it is another one. */
static int parse_mount(char *line, const char **device, char **point)
{
	char *type = strstr(line, " - cgroup"), *rest = line;

	if (!type || (strncmp(type + 9, " ", 1) != 0 && strncmp(type + 9, "2 ", 2) != 0))
		return 0;
	strsep(&rest, " ");
	strsep(&rest, " ");
	*device = strsep(&rest, " ");
	strsep(&rest, " ");
	*point = strsep(&rest, " ");
	if (!*point)
		return 0;
	unescape(*point);
	return 1;
}

int remains_visit(int (*visit)(void *data, const char *owner, const char *path), void *data)
{
	int privileged = geteuid() == 0 && !in_user_namespace();
	struct walk w = {.visit = visit,
			 .data = data,
			 .mount_namespace = mount_namespace(),
			 .attribute = privileged ? CGROUP_OWNER : CGROUP_USER_OWNER};
	_free_ char *text = NULL;
	const char *seen[MOST_MOUNTS];
	int count = 0, r = 0;

	if (read_file(AT_FDCWD, "/proc/self/mountinfo", &text, MOUNTINFO_MAX) < 0)
		return 0;
	for (char *rest = text, *line; r == 0 && (line = strsep(&rest, "\n"));) {
		const char *device;
		char *point;
		int fd, known = 0;

		if (!parse_mount(line, &device, &point))
			continue;
		for (int i = 0; i < count; i++)
			known |= strcmp(seen[i], device) == 0;
		if (known || count == MOST_MOUNTS)
			continue;
		seen[count++] = device;
		snprintf(w.path, sizeof(w.path), "%s", point);
		fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			r = walk_tree(&w, fd);
	}
	return r;
}

struct wanted {
	char owner[PATH_MAX];
	char **paths;
	size_t count;
	int failed;
};

static int collect(void *data, const char *owner, const char *path)
{
	struct wanted *w = data;
	char **grown;

	if (strcmp(owner, w->owner) != 0)
		return 0;
	grown = realloc(w->paths, (w->count + 1) * sizeof(*grown));
	if (grown)
		w->paths = grown;
	if (!grown || !(w->paths[w->count] = strdup(path))) {
		w->failed = 1;
		return 1;
	}
	w->count++;
	return 0;
}

static void find(struct wanted *w, const char *root, const char *id)
{
	*w = (struct wanted){0};
	snprintf(w->owner, sizeof(w->owner), "%s/%s", root, id);
	remains_visit(collect, w);
}

static void forget(struct wanted *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->paths[i]);
	free(w->paths);
}

int remains_exist(const char *root, const char *id)
{
	struct wanted w;
	int exist;

	find(&w, root, id);
	exist = w.count > 0;
	forget(&w);
	return exist;
}

/*
 * systemd removes the cgroup of a scope when it is empty, and forgets the scope. When it is removed before it has noticed, it
 * keeps the scope.
 */
static void leave_to_systemd(const char *path)
{
	const char *dot = strrchr(path, '.');
	int64_t until = now_ms() + SYSTEMD_MS;

	if (!dot || strcmp(dot, ".scope") != 0 || access("/run/systemd/system", F_OK) < 0)
		return;
	cgroup_kill(path);
	while (access(path, F_OK) == 0 && now_ms() < until)
		sleep_ms(10);
}

int remains_remove(struct err *e, const char *root, const char *id)
{
	char path[PATH_MAX + 16];
	struct wanted w;
	struct err later;
	int r = 0;

	find(&w, root, id);
	if (w.failed)
		r = err_set(e, ENOMEM, "cgroups of %s", id);
	for (size_t i = 0; i < w.count; i++) {
		cgroup_thaw(w.paths[i]);
		leave_to_systemd(w.paths[i]);
	}
	/* Those below come after their parents, which take them along. */
	for (size_t i = 0; i < w.count; i++)
		if (cgroup_remove(r < 0 ? &later : e, w.paths[i], 1) < 0)
			r = -1;
	forget(&w);
	snprintf(path, sizeof(path), "%s/%s/rootfs", root, id);
	if (syscall(SYS_umount2, path, TS_MNT_DETACH | TS_UMOUNT_NOFOLLOW) < 0 && errno != EINVAL &&
	    errno != ENOENT && errno != EPERM && r == 0)
		r = err_set(e, errno, "umount2 \"%s\"", path);
	return r;
}

static int print_mark(void *data, const char *owner, const char *path)
{
	(void)data;
	/* NUL ends both: nothing else is no part of a path. */
	return write_full(1, owner, strlen(owner) + 1) || write_full(1, path, strlen(path) + 1);
}

int verb_marks(struct front *f)
{
	(void)f;
	return remains_visit(print_mark, NULL) ? 1 : 0;
}
