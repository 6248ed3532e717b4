// SPDX-License-Identifier: Apache-2.0
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../base/io.h"
#include "log.h"

#define DIRECTORY "notify"
#define SOCKET "notify/notify.sock"
#define DATAGRAM_MAX 4096
#define BARRIER_MS 30000

static const char *manager_address(void)
{
	const char *address = getenv("NOTIFY_SOCKET");

	return address && *address ? address : NULL;
}

int notify_prepare(struct err *e, const struct statedir *d)
{
	if (!manager_address())
		return 0;
	/* Whatever the umask is: processes of the container may have any id. */
	if (mkdirat(d->fd, DIRECTORY, 0755) < 0 || fchmodat(d->fd, DIRECTORY, 0755, 0) < 0)
		return err_set(e, errno, "NOTIFY_SOCKET: mkdir \"%s/%s/%s\"", d->root, d->id,
			       DIRECTORY);
	return 0;
}

static int bind_own(struct err *e, const struct statedir *d)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_fd_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(e, errno, "NOTIFY_SOCKET: socket");
	/* Through the directory's descriptor: ROOT may be longer than an address. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET, d->fd);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(d->fd, SOCKET, 0777, 0) < 0)
		return err_set(e, errno, "NOTIFY_SOCKET: bind \"%s/%s/" SOCKET "\"", d->root,
			       d->id);
	return take_fd(&fd);
}

static int connect_manager(struct err *e, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);
	_fd_close_ int fd = -1;

	if (*name != '/' && *name != '@')
		return err_set(e, 0, "NOTIFY_SOCKET: \"%s\" is neither a path nor an abstract name",
			       name);
	if (length >= sizeof(address.sun_path))
		return err_set(e, ENAMETOOLONG, "NOTIFY_SOCKET: connect \"%s\"", name);
	memcpy(address.sun_path, name, length);
	/* An abstract name begins with a NUL and has no end but its length. */
	if (*name == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, errno, "NOTIFY_SOCKET: socket");
	if (connect(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*name == '/'))) <
	    0)
		return err_set(e, errno, "NOTIFY_SOCKET: connect \"%s\"", name);
	return take_fd(&fd);
}

int notify_open(struct err *e, struct notify *n, const struct statedir *d)
{
	const char *address = manager_address();

	if (!address)
		return 0;
	if (faccessat(d->fd, DIRECTORY, F_OK, 0) < 0) {
		log_warning("NOTIFY_SOCKET: create was called without it, so the container has no "
			    "socket to write to");
		return 0;
	}
	n->socket = bind_own(e, d);
	if (n->socket < 0)
		return n->socket;
	n->manager = connect_manager(e, address);
	return n->manager < 0 ? n->manager : 0;
}

/* The manager closes the descriptor that comes with the message once it has taken all before it (sd_notify(3)). */
static void send_barrier(struct notify *n)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	if (message_send(n->manager, "BARRIER=1", 9, ends[1]) == 0)
		n->barrier = take_fd(&ends[0]);
	fd_cleanup(&ends[0]);
	close(ends[1]);
}

static void tell_manager(struct notify *n, const char *line, size_t length)
{
	char text[DATAGRAM_MAX + 32];
	int size = snprintf(text, sizeof(text), "%.*s\n", (int)length, line);

	if (send(n->manager, text, (size_t)size, MSG_NOSIGNAL) < 0) {
		snprintf(text, sizeof(text), "NOTIFY_SOCKET: send: %s", strerror(errno));
		log_warning(text);
		return;
	}
	size = snprintf(text, sizeof(text), "MAINPID=%d\n", (int)n->main_pid);
	if (send(n->manager, text, (size_t)size, MSG_NOSIGNAL) == size)
		send_barrier(n);
}

int notify_take(struct notify *n)
{
	char text[DATAGRAM_MAX + 1];
	ssize_t length;

	while ((length = recv(n->socket, text, sizeof(text) - 1, 0)) >= 0) {
		text[length] = '\0';
		for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
			if (strncmp(line, "READY=", 6) != 0)
				continue;
			tell_manager(n, line, strlen(line));
			return 1;
		}
	}
	return 0;
}

static void await_barrier(const struct notify *n)
{
	struct pollfd taken = {.fd = n->barrier, .events = POLLIN};

	if (n->barrier >= 0 && poll(&taken, 1, BARRIER_MS) == 0)
		log_warning(
			"NOTIFY_SOCKET: the service manager did not answer BARRIER=1 within 30 s");
}

void notify_wait(struct notify *n, int init)
{
	struct pollfd fds[2] = {{.fd = n->socket, .events = POLLIN},
				{.fd = init, .events = POLLIN}};

	if (n->socket < 0)
		return;
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		/* What a process has sent before its end counts. */
		if (notify_take(n)) {
			await_barrier(n);
			return;
		}
		if (fds[1].revents)
			return;
	}
}

void notify_close(struct notify *n)
{
	fd_cleanup(&n->socket);
	fd_cleanup(&n->manager);
	fd_cleanup(&n->barrier);
	n->socket = n->manager = n->barrier = -1;
}
