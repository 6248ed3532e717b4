// SPDX-License-Identifier: Apache-2.0
#include "statedir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/proc.h"
#include "../base/sys.h"

#define LOCK_TIMEOUT_MS 10000
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

void run_directory(char *path, size_t size, const char *name)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	int own = xdg && *xdg &&
		  (geteuid() != 0 || (in_user_namespace() && access("/run", W_OK) < 0));

	snprintf(path, size, "%s/%s", own ? xdg : "/run", name);
}

/* Takes "//", "." and ".." out of an absolute path, by name alone: as runc does it, and tsrun-plan. */
static void path_clean(char *path)
{
	char *to = path, *from = path, *part;

	while ((part = strsep(&from, "/"))) {
		size_t n = strlen(part);

		if (n == 0 || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			while (to > path && *--to != '/')
				;
			continue;
		}
		*to++ = '/';
		memmove(to, part, n);
		to += n;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

int statedir_root(struct err *e, char *root, size_t size, const char *option)
{
	char cwd[PATH_MAX];

	if (!option || !*option) {
		run_directory(root, size, "tsrun");
		return 0;
	}
	if (*option == '/')
		snprintf(root, size, "%s", option);
	else if (getcwd(cwd, sizeof(cwd)) &&
		 (size_t)snprintf(root, size, "%s/%s", cwd, option) >= size)
		return err_set(e, ENAMETOOLONG, "--root \"%s\"", option);
	path_clean(root);
	if (strcmp(root, "/") == 0)
		return err_set(e, 0, "--root: \"%s\" cannot be used as the state root", option);
	return 0;
}

int statedir_check_id(struct err *e, const char *id)
{
	int ok = strcmp(id, ".") != 0 && strcmp(id, "..") != 0;

	if (!*id)
		return err_set(e, 0, "container id cannot be empty");
	for (const char *c = id; *c; c++)
		ok = ok && (isalnum((unsigned char)*c) || strchr("_+-.", *c));
	if (!ok)
		return err_set(
			e, 0, "invalid container ID format: \"%s\" (letters, digits, _ + - . only)",
			id);
	if (strlen(id) > NAME_MAX)
		return err_set(e, ENAMETOOLONG, "container ID");
	return 0;
}

/* mkdir -p with mode 0711 for what is on the way, as runc does, and 0700 at the end. */
static int make_root(struct err *e, const char *root)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", root);
	for (char *at = path + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0711) < 0 && errno != EEXIST)
			return err_set(e, errno, "state root: mkdir \"%s\"", path);
		*at = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(e, errno, "state root: mkdir \"%s\"", path);
	return 0;
}

static int already_exists(struct err *e, const char *id)
{
	return err_set(e, 0, "container with given ID already exists: %s", id);
}

void statedir_draft_name(char draft[STATEDIR_DRAFT])
{
	/* No id has a comma. Processes of different pid namespaces may share the root: the time tells them apart. */
	snprintf(draft, STATEDIR_DRAFT, ",%d-%lld", (int)getpid(), (long long)now_ms());
}

int statedir_begin(struct err *e, struct statedir *d, const char *root, const char *id,
		   const char *draft)
{
	d->root = root;
	d->id = id;
	d->root_fd = open(root, DIRECTORY);
	if (d->root_fd < 0 && errno == ENOENT) {
		int r = make_root(e, root);

		if (r < 0)
			return r;
		d->root_fd = open(root, DIRECTORY);
	}
	if (d->root_fd < 0)
		return err_set(e, errno, "state root: open \"%s\"", root);
	if (faccessat(d->root_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return already_exists(e, id);
	if (mkdirat(d->root_fd, draft, 0711) < 0)
		return err_set(e, errno, "state directory: mkdir \"%s/%s\"", root, id);
	d->fd = openat(d->root_fd, draft, DIRECTORY | O_NOFOLLOW);
	if (d->fd < 0 || fchmod(d->fd, 0711) < 0) /* whatever the umask is */
		err_set(e, errno, "state directory: open \"%s/%s\"", root, id);
	else if (statedir_lock(e, d) == 0)
		return 0;
	statedir_remove_draft(root, draft);
	return -1;
}

int statedir_publish(struct err *e, struct statedir *d, const char *draft)
{
	int r = sys_renameat2(d->root_fd, draft, d->root_fd, d->id, TS_RENAME_NOREPLACE), number;

	/* A file system without this flag: what is there has a lock in it, so that it is not replaced either. */
	if (r < 0 && errno == EINVAL)
		r = renameat(d->root_fd, draft, d->root_fd, d->id);
	if (r == 0)
		return 0;
	number = errno;
	statedir_remove_draft(d->root, draft);
	if (number == EEXIST || number == ENOTEMPTY)
		return already_exists(e, d->id);
	return err_set(e, number, "state directory: rename to \"%s/%s\"", d->root, d->id);
}

int statedir_create(struct err *e, struct statedir *d, const char *root, const char *id)
{
	char draft[STATEDIR_DRAFT];
	int r;

	statedir_draft_name(draft);
	r = statedir_begin(e, d, root, id, draft);
	return r < 0 ? r : statedir_publish(e, d, draft);
}

void statedir_remove_draft(const char *root, const char *draft)
{
	_fd_close_ int root_fd = open(root, DIRECTORY);
	struct statedir d = {.root = root, .id = draft, .root_fd = root_fd};
	struct err e;

	if (root_fd >= 0)
		statedir_remove(&e, &d);
}

uint64_t statedir_inode(const struct statedir *d)
{
	struct stat st;

	return fstat(d->fd, &st) == 0 ? st.st_ino : 0;
}

int statedir_open(struct err *e, struct statedir *d, const char *root, const char *id)
{
	d->root = root;
	d->id = id;
	d->root_fd = open(root, DIRECTORY);
	if (d->root_fd >= 0)
		d->fd = openat(d->root_fd, id, DIRECTORY | O_NOFOLLOW);
	if (d->fd >= 0)
		return 0;
	if (errno == ENOENT) {
		err_set(e, 0, "container does not exist: %s (looked in \"%s\")", id, root);
		return -ENOENT;
	}
	return err_set(e, errno, "state directory: open \"%s/%s\"", root, id);
}

static int is_gone(const struct statedir *d)
{
	struct stat st;

	return fstat(d->fd, &st) == 0 && st.st_nlink == 0;
}

static int has_gone(struct err *e, const struct statedir *d)
{
	err_set(e, 0, "container does not exist: %s (it has just been deleted)", d->id);
	return -ENOENT;
}

int statedir_lock(struct err *e, struct statedir *d)
{
	int64_t until = now_ms() + LOCK_TIMEOUT_MS;

	d->lock = openat(d->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->lock < 0 && errno == ENOENT)
		return has_gone(e, d);
	if (d->lock < 0)
		return err_set(e, errno, "state directory: open \"%s/%s/lock\"", d->root, d->id);
	while (flock(d->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set(e, errno, "flock \"%s/%s/lock\"", d->root, d->id);
		if (now_ms() >= until)
			return err_set(e, ETIMEDOUT,
				       "container %s is being changed by another tsrun (lock "
				       "\"%s/%s/lock\")",
				       d->id, d->root, d->id);
		sleep_ms(1);
	}
	/* Whoever held it may have deleted the container, and by now there may be another of this id. */
	return is_gone(d) ? has_gone(e, d) : 0;
}

int statedir_is_locked(const struct statedir *d)
{
	_fd_close_ int fd = openat(d->fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

void statedir_unlock(struct statedir *d)
{
	if (d->lock < 0)
		return;
	/* Closing is not enough: a child may hold a copy of the descriptor. */
	flock(d->lock, LOCK_UN);
	close(d->lock);
	d->lock = -1;
}

int statedir_put(struct err *e, const struct statedir *d, const char *name, const void *data,
		 size_t length)
{
	_fd_close_ int fd = -1;
	char temporary[64];
	int r;

	snprintf(temporary, sizeof(temporary), ".%s", name);
	fd = openat(d->fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? -errno : write_full(fd, data, length);
	if (r == 0 && renameat(d->fd, temporary, d->fd, name) < 0)
		r = -errno;
	if (r < 0)
		return err_set(e, -r, "state directory: write \"%s/%s/%s\"", d->root, d->id, name);
	return 0;
}

int statedir_listen(struct err *e, const struct statedir *d, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_fd_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	mode_t mask;
	int r;

	if (fd < 0)
		return err_set(e, errno, "socket");
	/* A socket address has 108 bytes, ROOT may be longer: so it is named through the open directory. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", d->fd, name);
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
	umask(mask);
	if (r == 0 && listen(fd, 4) < 0)
		r = errno;
	if (r)
		return err_set(e, r, "bind \"%s/%s/%s\"", d->root, d->id, name);
	return take_fd(&fd);
}

/* Empties an open directory (consumed). Return: 0 or -errno. */
static int empty_directory(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(dir))) {
		int child;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR && errno != EPERM) {
			r = -errno;
			break;
		}
		/* Something may be mounted there: that is not for us to empty. */
		child = sys_openat2(fd, entry->d_name, DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_XDEV);
		r = child < 0 ? -errno : empty_directory(child);
		if (r == 0 && unlinkat(fd, entry->d_name, AT_REMOVEDIR) < 0)
			r = -errno;
	}
	closedir(dir);
	return r;
}

int statedir_remove(struct err *e, struct statedir *d)
{
	int r = 0, fd = openat(d->root_fd, d->id, DIRECTORY | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT)
		return 0;
	r = fd < 0 ? -errno : empty_directory(fd);
	if (r == 0 && unlinkat(d->root_fd, d->id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r < 0 ? err_set(e, -r, "remove state directory \"%s/%s\"", d->root, d->id) : 0;
}

void statedir_close(struct statedir *d)
{
	statedir_unlock(d);
	fd_cleanup(&d->fd);
	fd_cleanup(&d->root_fd);
	d->fd = d->root_fd = -1;
}
