// SPDX-License-Identifier: Apache-2.0
#include "messages.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "ops.h"

#define HEAD offsetof(struct message, text)

int message_tell(int socket, enum message_kind kind, int number, const char *text, int fd)
{
	struct message m;
	size_t length = text ? strnlen(text, sizeof(m.text) - 1) : 0;

	m.kind = kind;
	m.number = number;
	if (length)
		memcpy(m.text, text, length);
	return message_send(socket, &m, HEAD + length, fd);
}

int message_hear(int socket, struct message *m, int *fd)
{
	ssize_t n = message_receive(socket, m, sizeof(*m) - 1, fd);

	if (n <= 0)
		return (int)n;
	if ((size_t)n < HEAD || m->kind < MESSAGE_GO || m->kind > MESSAGE_SPAWNED) {
		if (fd && *fd >= 0)
			close(*fd);
		return -EPROTO;
	}
	((char *)m)[n] = '\0';
	return (int)m->kind;
}

int op_HOOKS_POINT(struct err *e, struct context *c, const struct op *op)
{
	struct message m;
	int kind;

	(void)op;
	kind = message_tell(c->socket, MESSAGE_HOOKS, 0, NULL, -1);
	if (kind == 0)
		kind = message_hear(c->socket, &m, NULL);
	if (kind == MESSAGE_GO)
		return 0;
	/* The front has failed, and says itself why. */
	return err_set(e, kind < 0 ? -kind : 0, "the front did not run the hooks");
}
