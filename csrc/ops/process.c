// SPDX-License-Identifier: Apache-2.0
/* Directory, HOME and descriptors of the user process. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"

#define PASSWD_LIMIT (1u << 20)

int cwd_enter(struct err *e, const char *path)
{
	char name[PATH_MAX];
	_fd_close_ int fd = sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
					RESOLVE_NO_MAGICLINKS);
	long n;

	/* CVE-2024-21626: a path can lead through a descriptor (/proc/self/fd/N) to a directory of the host. */
	if (fd < 0 && errno == ELOOP)
		return err_set(e, ELOOP, "chdir \"%s\" (it leads through a descriptor)", path);
	if (fd < 0 || fchdir(fd) < 0)
		return err_set(e, errno, "chdir \"%s\"", path);
	/* The kernel says when a directory lies outside, libc's getcwd does not tell that from a failure. */
	n = syscall(SYS_getcwd, name, sizeof(name));
	if (n < 0)
		return err_set(e, errno, "getcwd of \"%s\"", path);
	if (name[0] != '/')
		return err_set(e, 0,
			       "chdir \"%s\": the directory lies outside of the container's root "
			       "(possible container breakout)",
			       path);
	return 0;
}

int op_CHDIR(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	int r = cwd_enter(e, path);

	/* Some file systems (NFS, FUSE) let the user in but not root. */
	if (r == -EACCES && !c->ids_done) {
		c->cwd = path;
		return 0;
	}
	return r;
}

/* Strictly decimal; a name never stands for a uid (CVE-2016-3697). */
static int is_uid(const char *text, uint32_t uid)
{
	uint64_t value = 0;

	if (!*text)
		return 0;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || value > UINT32_MAX)
			return 0;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	return value == uid;
}

/* One line of passwd, cut into pieces. Return: the home directory when it is that of uid, else NULL. */
static const char *home_of(char *line, uint32_t uid)
{
	char *fields[6], *at = line;

	for (unsigned int i = 0; i < 6; i++) {
		char *end = strchr(at, ':');

		if (!end)
			return NULL;
		*end = '\0';
		fields[i] = at;
		at = end + 1;
	}
	return is_uid(fields[2], uid) && fields[5][0] == '/' ? fields[5] : NULL;
}

/* Looks through an open passwd. Lines that do not fit the buffer are passed over. */
static void find_home(int fd, uint32_t uid, char *home, size_t size)
{
	char buffer[2048];
	size_t have = 0, total = 0;
	int skipping = 0;

	for (;;) {
		ssize_t n = read(fd, buffer + have, sizeof(buffer) - 1 - have);
		char *at = buffer, *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		total += (size_t)n;
		have += (size_t)n;
		if (n == 0 && have)
			buffer[have++] = '\n'; /* a last line may lack it */
		while ((end = memchr(at, '\n', have - (size_t)(at - buffer)))) {
			const char *found;

			*end = '\0';
			found = skipping ? NULL : home_of(at, uid);
			skipping = 0;
			at = end + 1;
			if (!found)
				continue;
			if (strlen(found) + sizeof("HOME=") <= size)
				snprintf(home, size, "HOME=%s", found);
			return;
		}
		if (n == 0 || total > PASSWD_LIMIT)
			return;
		have -= (size_t)(at - buffer);
		memmove(buffer, at, have);
		if (have == sizeof(buffer) - 1) {
			skipping = 1;
			have = 0;
		}
	}
}

int op_HOME(struct err *e, struct context *c, const struct op *op)
{
	_fd_close_ int fd = -1;
	struct stat st;

	(void)e;
	snprintf(c->home, sizeof(c->home), "HOME=/");
	/* The file is the image's: it may be a device, a pipe or a link to anything. */
	fd = sys_openat2(AT_FDCWD, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0,
			 RESOLVE_NO_MAGICLINKS);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		find_home(fd, op->args[0], c->home, sizeof(c->home));
	return 0;
}

/*
 * A directory that is open until execve would still be a way for the program's path (/proc/self/fd/N/...), which
 * close-on-exec is too late for.
 */
static void close_directories(struct context *c)
{
	for (uint32_t i = 0; i < c->plan->slot_count; i++) {
		struct stat st;

		if (c->slots[i] < 0 || fstat(c->slots[i], &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		close(c->slots[i]);
		c->slots[i] = -1;
	}
}

int op_PRESERVE_FDS(struct err *e, struct context *c, const struct op *op)
{
	uint32_t count = op->args[0];

	close_directories(c);
	for (uint32_t i = 0; i < count; i++)
		if (fcntl((int)(3 + i), F_SETFD, 0) < 0)
			return err_set(e, errno, "unable to stat preserved-fd %u", 3 + i);
	if (sys_close_range(3 + count, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return err_set(e, errno, "close_range");
	return 0;
}
