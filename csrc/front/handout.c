// SPDX-License-Identifier: Apache-2.0
#include "handout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../base/io.h"

int path_absolute(struct err *e, char **to, const char *path)
{
	char cwd[PATH_MAX] = "";

	if (*path != '/' && !getcwd(cwd, sizeof(cwd)))
		return err_set(e, errno, "getcwd");
	if (asprintf(to, "%s%s%s", cwd, *cwd ? "/" : "", path) < 0) {
		*to = NULL;
		return err_set(e, ENOMEM, "asprintf");
	}
	return 0;
}

int pid_file_write(struct err *e, const char *path, pid_t pid)
{
	const char *slash = strrchr(path, '/');
	char temporary[PATH_MAX + 1], text[16];
	_fd_close_ int fd = -1;
	int r;

	snprintf(temporary, sizeof(temporary), "%.*s.%s", (int)(slash ? slash + 1 - path : 0), path,
		 slash ? slash + 1 : path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_set(e, errno, "--pid-file: open \"%s\"", temporary);
	// cppcheck-suppress uninitvar ; sprintf writes it first
	r = write_full(fd, text, (size_t)sprintf(text, "%d", (int)pid));
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return err_set(e, -r, "--pid-file: write \"%s\"", path);
	}
	return 0;
}

int console_check(struct err *e, const struct front *f, int terminal, int detached)
{
	const char *path = args_string(&f->args, "console-socket");
	int given = path && *path;

	if (detached && terminal && !given)
		return err_set(
			e, 0,
			"cannot allocate tty if runc will detach without setting console socket");
	if ((!detached || !terminal) && given)
		return err_set(e, 0,
			       "cannot use console socket if runc will not detach or allocate tty");
	return 0;
}

/* Of a socket that somebody is about to make, or to listen on. */
#define SOCKET_WAIT_MS 1000

/*
 * Whether it may be there in a moment: scripts start what listens in the background and go on, which is in time for a runtime
 * that takes longer to get here.
 */
static int may_come(int error, const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat st;

	if (error == ECONNREFUSED)
		return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
	if (error != ENOENT)
		return 0;
	snprintf(directory, sizeof(directory), "%.*s", (int)(slash ? slash + 1 - path : 1),
		 slash ? path : ".");
	return stat(directory, &st) == 0;
}

static int connect_unix(struct err *e, const char *flag, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_fd_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, ENAMETOOLONG, "--%s: connect \"%s\" (%zu bytes at most)", flag,
			       path, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, errno, "socket");
	for (int waited = 0; connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0;
	     waited += 10) {
		int error = errno;

		if (waited >= SOCKET_WAIT_MS || !may_come(error, path))
			return err_set(e, error, "--%s: connect \"%s\"", flag, path);
		sleep_ms(10);
	}
	return take_fd(&fd);
}

int handout_connect(struct err *e, const struct front *f, int *console, int *pidfd)
{
	static const char *const flags[] = {"console-socket", "pidfd-socket"};
	int *const fds[] = {console, pidfd};

	for (int i = 0; i < 2; i++) {
		const char *path = args_string(&f->args, flags[i]);

		if (!path || !*path)
			continue;
		*fds[i] = connect_unix(e, flags[i], path);
		if (*fds[i] < 0)
			return *fds[i];
	}
	return 0;
}

int handout_send(struct err *e, int socket, int fd, const char *name)
{
	int r = message_send(socket, name, strlen(name), fd);

	return r < 0 ? err_set(e, -r, "send %s to the socket", name) : 0;
}
