/* SPDX-License-Identifier: Apache-2.0
 *
 * receive-fd - the other end of the sockets that a runtime sends descriptors to.
 *
 *   receive-fd console SOCKET   accepts one connection, prints "NAME" of the terminal as first line, then copies
 *                               the terminal to stdout and stdin to the terminal until the terminal hangs up
 *   receive-fd seccomp SOCKET   accepts one connection, prints the message as one line ending in "\n", then answers each
 *                               notification with -EXDEV, printing "nr NUMBER", until the filter has no users
 *   receive-fd notify SOCKET    is a service manager: prints each message that comes
 * It says "listening" on stderr when the socket is there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "receive-fd: %s: %s\n", what, strerror(errno));
	return 1;
}

/* Return: a connected socket, or -1. */
static int accept_one(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0)
		return -1;
	fprintf(stderr, "listening\n");
	return accept(listener, NULL, NULL);
}

/* Receives text and descriptors. Return: length of the text, or -1; *fd is the last descriptor, or -1. */
static ssize_t receive(int connection, char *text, size_t size, int *fd, int *count)
{
	size_t have = 0;

	*fd = -1;
	*count = 0;
	for (;;) {
		union {
			char space[CMSG_SPACE(8 * sizeof(int))];
			struct cmsghdr align;
		} control;
		struct iovec part = {text + have, size - 1 - have};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control.space,
					 .msg_controllen = sizeof(control.space)};
		ssize_t n = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);

		if (n <= 0)
			break;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
			int number = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

			if (c->cmsg_type != SCM_RIGHTS)
				continue;
			*count += number;
			memcpy(fd, CMSG_DATA(c) + (size_t)(number - 1) * sizeof(int), sizeof(int));
		}
		have += (size_t)n;
	}
	text[have] = 0;
	return (ssize_t)have;
}

static int copy(int from, int to)
{
	char buffer[4096];
	ssize_t n = read(from, buffer, sizeof(buffer));

	if (n <= 0)
		return 0;
	for (ssize_t done = 0; done < n;) {
		ssize_t w = write(to, buffer + done, (size_t)(n - done));

		if (w < 0)
			return 0;
		done += w;
	}
	return 1;
}

static int console(int connection)
{
	char text[4096];
	int master, count;
	struct pollfd fds[2] = {{0, POLLIN, 0}, {-1, POLLIN, 0}};

	receive(connection, text, sizeof(text), &master, &count);
	if (master < 0)
		return fail("no descriptor");
	printf("%d %s %s\n", count, isatty(master) ? "tty" : "other", text);
	fflush(stdout);
	fds[1].fd = master;
	while (poll(fds, 2, 20000) > 0) {
		if (fds[1].revents && !copy(master, 1))
			break;
		if (fds[0].revents && !copy(0, master))
			fds[0].fd = -1;
	}
	return 0;
}

static int seccomp(int connection)
{
	static char text[1 << 16];
	int listener, count;

	receive(connection, text, sizeof(text), &listener, &count);
	printf("%s\n%d\n", text, count);
	fflush(stdout);
	if (listener < 0)
		return fail("no descriptor");
	for (;;) {
		struct seccomp_notif request;
		struct seccomp_notif_resp response;
		struct pollfd p = {listener, POLLIN, 0};

		if (poll(&p, 1, 20000) <= 0 || !(p.revents & POLLIN))
			return 0;
		memset(&request, 0, sizeof(request));
		memset(&response, 0, sizeof(response));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
			return 0;
		printf("nr %d\n", request.data.nr);
		fflush(stdout);
		response.id = request.id;
		response.error = -EXDEV;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	}
}

/* Prints what comes, one message a line and "\\n" for a newline; descriptors are closed, as sd_notify_barrier(3) wants. */
static int notify(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(path);
	fprintf(stderr, "listening\n");
	for (;;) {
		union {
			char space[CMSG_SPACE(sizeof(int))];
			struct cmsghdr align;
		} control;
		char text[4096];
		struct iovec part = {text, sizeof(text)};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control.space,
					 .msg_controllen = sizeof(control.space)};
		ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);

		if (n < 0)
			return fail("recvmsg");
		for (ssize_t i = 0; i < n; i++)
			if (text[i] == '\n')
				fputs("\\n", stdout);
			else
				putchar(text[i]);
		puts(c ? " and a descriptor" : "");
		fflush(stdout);
		if (c) {
			memcpy(&n, CMSG_DATA(c), sizeof(int));
			close((int)n);
		}
	}
}

int main(int argc, char **argv)
{
	int connection;

	if (argc != 3) {
		fprintf(stderr, "usage: receive-fd console|seccomp|notify SOCKET\n");
		return 2;
	}
	alarm(60);
	if (strcmp(argv[1], "notify") == 0)
		return notify(argv[2]);
	connection = accept_one(argv[2]);
	if (connection < 0)
		return fail(argv[2]);
	return strcmp(argv[1], "console") == 0 ? console(connection) : seccomp(connection);
}
