// SPDX-License-Identifier: Apache-2.0
#include "pump.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void pump_init(struct pump *p, int from, int own_from, int to, int own_to)
{
	struct stat st;

	p->from = from;
	p->own_from = own_from;
	p->to = to;
	p->own_to = own_to;
	p->at = p->have = 0;
	p->kind = PUMP_OTHER;
	if (fstat(to, &st) == 0 && S_ISFIFO(st.st_mode))
		p->kind = PUMP_PIPE;
	else if (S_ISSOCK(st.st_mode))
		p->kind = PUMP_SOCKET;
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

/*
 * The descriptors are shared with the caller, so they cannot be made non-blocking. A pipe that is ready takes PIPE_BUF
 * bytes without blocking.
 */
static ssize_t put(const struct pump *p)
{
	const char *data = p->data + p->at;

	if (p->kind == PUMP_SOCKET)
		return send(p->to, data, p->have, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (p->kind == PUMP_PIPE && p->have > PIPE_BUF)
		return write(p->to, data, PIPE_BUF);
	return write(p->to, data, p->have);
}

static void move_out(struct pump *p)
{
	ssize_t n = put(p);

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
