// SPDX-License-Identifier: Apache-2.0
#include "messages.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/appendix.h"
#include "../base/io.h"
#include "ops.h"

#define HEAD offsetof(struct message, text)
#define APPENDIX_MAX (128u << 10)

static int send_text(int socket, struct message *m, const char *text, size_t length, int fd)
{
	if (length)
		memcpy(m->text, text, length);
	return message_send(socket, m, HEAD + length, fd);
}

/* In parts that a message holds. */
static int send_appendix(int socket, const char *text)
{
	size_t length = strlen(text), part;
	struct message m = {.kind = MESSAGE_MORE};
	int r = 0;

	for (size_t sent = 0; r == 0 && sent < length; sent += part) {
		part = length - sent < sizeof(m.text) - 1 ? length - sent : sizeof(m.text) - 1;
		r = send_text(socket, &m, text + sent, part, -1);
	}
	return r;
}

int message_tell(int socket, enum message_kind kind, int number, const char *text, int fd)
{
	struct message m = {.kind = kind, .number = number};
	size_t at, length = text ? strnlen(text, sizeof(m.text) - 1) : 0;
	const char *appendix = text ? appendix_find(text, &at) : NULL;
	int r = appendix ? send_appendix(socket, appendix) : 0;

	return r < 0 ? r : send_text(socket, &m, text, length, fd);
}

/* Adds a part to what has come. Return: 0 or -errno. */
static int collect(char **text, size_t *length, const struct message *m, size_t part)
{
	char *grown;

	if (*length + part > APPENDIX_MAX)
		return -EPROTO;
	grown = realloc(*text, *length + part + 1);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + *length, m->text, part);
	*length += part;
	grown[*length] = '\0';
	*text = grown;
	return 0;
}

/* The sender's number for it is not ours. */
static void adopt_appendix(struct message *m, char **text)
{
	size_t at;

	if (!*text || !appendix_find(m->text, &at))
		return;
	memcpy(m->text + at, appendix_add(*text).text, 2);
	*text = NULL;
}

int message_hear(int socket, struct message *m, int *fd)
{
	_free_ char *appendix = NULL;
	size_t length = 0;

	for (;;) {
		ssize_t n = message_receive(socket, m, sizeof(*m) - 1, fd);
		int r = 0;

		if (n <= 0)
			return (int)n;
		if ((size_t)n < HEAD || m->kind < MESSAGE_GO || m->kind > MESSAGE_LOOK_UP)
			r = -EPROTO;
		else if (m->kind == MESSAGE_MORE)
			r = collect(&appendix, &length, m, (size_t)n - HEAD);
		if (r < 0 || m->kind == MESSAGE_MORE) {
			if (fd && *fd >= 0)
				close(*fd);
			if (r < 0)
				return r;
			continue;
		}
		((char *)m)[n] = '\0';
		adopt_appendix(m, &appendix);
		return (int)m->kind;
	}
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
