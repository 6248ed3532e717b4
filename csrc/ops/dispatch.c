// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops.h"

int op_run(struct err *e, struct context *c, const struct op *op)
{
	switch (op->code) {
#define OP(name, code, side, signature, syscall, args, doc) \
	case OP_##name:                                     \
		return op_##name(e, c, op);
#include "../plan/ops.def"
#undef OP
	}
	return err_set(e, 0, "unknown op %d", (int)op->code);
}

int slot_put(struct context *c, uint32_t slot, int fd)
{
	fd = fd_above_stdio(fd);
	if (c->slots[slot] >= 0)
		close(c->slots[slot]);
	c->slots[slot] = fd;
	return 0;
}

/* True when a slot that the op takes or borrows is empty: an earlier op tolerated its failure. */
static int is_moot(const struct context *c, const struct op *op, const char *signature)
{
	uint32_t word = 0;

	for (const char *s = signature; *s; s++) {
		if ((*s == 'T' || *s == 'F') && c->slots[op->args[word]] < 0)
			return 1;
		word += *s == 'q' || *s == 'b' || *s == 'v' ? 2 : 1;
	}
	return 0;
}

static void close_taken(struct context *c, const struct op *op, const char *signature)
{
	uint32_t word = 0;

	for (const char *s = signature; *s; s++) {
		if (*s == 'T' && c->slots[op->args[word]] >= 0) {
			close(c->slots[op->args[word]]);
			c->slots[op->args[word]] = -1;
		}
		word += *s == 'q' || *s == 'b' || *s == 'v' ? 2 : 1;
	}
}

int ops_run(struct err *e, struct context *c, enum section section, int all, uint32_t *failed)
{
	const struct ops *ops = &c->plan->sections[section];
	const uint32_t *cursor = ops->words;
	int first = 0;

	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;
		struct err now;
		const char *signature;
		int r;

		plan_next(c->plan, &cursor, &op);
		signature = op_signature(op.code);
		if (is_moot(c, &op, signature)) {
			close_taken(c, &op, signature);
			continue;
		}
		r = op_run(&now, c, &op);
		close_taken(c, &op, signature);
		if (r >= 0 || (now.number && op_tolerates(op.tolerate, now.number)))
			continue;
		if (first == 0) {
			first = r;
			*e = now;
			if (*op.label)
				err_prefix(e, r, "%s", op.label);
			if (failed)
				*failed = i;
		}
		if (!all)
			return r;
	}
	return first;
}

char *template_fill(const char *text, size_t size, pid_t pid, const char *status,
		    uint64_t start_time, size_t *length)
{
	size_t room = size + 1, n = 0;
	char *filled;

	for (size_t i = 0; i < size; i++)
		if (text[i] >= 1 && text[i] <= 3)
			room += 24;
	filled = malloc(room);
	if (!filled)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == 1)
			n += (size_t)sprintf(filled + n, "%d", (int)pid);
		else if (text[i] == 2)
			n += (size_t)snprintf(filled + n, 24, "%s", status ? status : "");
		else if (text[i] == 3)
			n += (size_t)sprintf(filled + n, "%llu", (unsigned long long)start_time);
		else
			filled[n++] = text[i];
	}
	filled[n] = '\0';
	*length = n;
	return filled;
}
