// SPDX-License-Identifier: Apache-2.0
#include "pump.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum sink_kind sink_kind(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return SINK_OTHER;
	return S_ISFIFO(st.st_mode) ? SINK_PIPE : S_ISSOCK(st.st_mode) ? SINK_SOCKET : SINK_OTHER;
}

/*
 * The descriptors are shared with the caller, so they cannot be made non-blocking. A pipe that is ready takes PIPE_BUF
 * bytes without blocking.
 */
ssize_t sink_put(int fd, enum sink_kind kind, const void *data, size_t length)
{
	if (kind == SINK_SOCKET)
		return send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (kind == SINK_PIPE && length > PIPE_BUF)
		return write(fd, data, PIPE_BUF);
	return write(fd, data, length);
}

void pump_init(struct pump *p, int from, int own_from, int to, int own_to)
{
	p->from = from;
	p->own_from = own_from;
	p->to = to;
	p->own_to = own_to;
	p->at = p->have = 0;
	p->kind = sink_kind(to);
}

static void end_input(struct pump *p)
{
	if (p->from >= 0 && p->own_from)
		close(p->from);
	p->from = -1;
}

static void end_output(struct pump *p)
{
	if (p->to >= 0 && p->own_to)
		close(p->to);
	p->to = -1;
	p->have = 0;
}

struct pollfd pump_wanted(const struct pump *p)
{
	struct pollfd wanted = {.fd = -1};

	if (p->to >= 0 && p->have > 0)
		wanted = (struct pollfd){.fd = p->to, .events = POLLOUT};
	else if (p->from >= 0)
		wanted = (struct pollfd){.fd = p->from, .events = POLLIN};
	return wanted;
}

static void move_out(struct pump *p)
{
	ssize_t n = sink_put(p->to, p->kind, p->data + p->at, p->have);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		end_output(p);
		end_input(p);
		return;
	}
	p->at += (size_t)n;
	p->have -= (size_t)n;
}

void pump_move(struct pump *p)
{
	if (p->have > 0) {
		move_out(p);
	} else if (p->from >= 0) {
		ssize_t n = read(p->from, p->data, sizeof(p->data));

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (n <= 0) /* a terminal whose other side is closed says EIO */
			end_input(p);
		else
			p->have = (size_t)n;
		p->at = 0;
	}
	if (p->have == 0 && p->from < 0)
		end_output(p);
}

void pump_close(struct pump *p)
{
	end_input(p);
	end_output(p);
}
