// SPDX-License-Identifier: Apache-2.0
/* A reader for eight fields of protobuf: what libprotobuf-c generates for the file they are in is forty times this. */
#include "criu_reply.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

struct cursor {
	const unsigned char *at, *end;
};

struct field {
	uint64_t number;
	uint64_t value;	       /* of a varint */
	struct criu_text text; /* of one with a length */
};

static int take_varint(struct cursor *c, uint64_t *value)
{
	*value = 0;
	for (unsigned int shift = 0; shift < 64 && c->at < c->end; shift += 7) {
		unsigned char byte = *c->at++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return 0;
	}
	return -EPROTO;
}

static int skip(struct cursor *c, size_t length)
{
	if ((size_t)(c->end - c->at) < length)
		return -EPROTO;
	c->at += length;
	return 0;
}

/* Return: 1 with the next field, 0 at the end, -EPROTO. */
static int take_field(struct cursor *c, struct field *f)
{
	uint64_t key, length;
	int r;

	memset(f, 0, sizeof(*f));
	if (c->at == c->end)
		return 0;
	if (take_varint(c, &key) < 0)
		return -EPROTO;
	f->number = key >> 3;
	switch (key & 7) {
	case 0:
		r = take_varint(c, &f->value);
		break;
	case 1:
		r = skip(c, 8);
		break;
	case 2:
		r = take_varint(c, &length);
		if (r == 0 && length > (uint64_t)(c->end - c->at))
			return -EPROTO;
		f->text = (struct criu_text){(const char *)c->at, (size_t)length};
		if (r == 0)
			r = skip(c, (size_t)length);
		break;
	case 5:
		r = skip(c, 4);
		break;
	default:
		return -EPROTO;
	}
	return r < 0 ? r : 1;
}

static struct cursor inside(const struct criu_text *text)
{
	const unsigned char *at = (const unsigned char *)text->data;

	return (struct cursor){at, at + text->length};
}

static pid_t to_pid(uint64_t value)
{
	return value <= INT_MAX ? (pid_t)value : 0;
}

/* criu_restore_resp: 1 pid. criu_notify: 1 script, 2 pid. */
static int take_message(struct criu_reply *reply, const struct field *outer)
{
	struct cursor c = inside(&outer->text);
	struct field f;
	int r;

	while ((r = take_field(&c, &f)) > 0) {
		if (outer->number == 4 && f.number == 1)
			reply->restored_pid = to_pid(f.value);
		else if (outer->number == 5 && f.number == 1)
			reply->script = f.text;
		else if (outer->number == 5 && f.number == 2)
			reply->notify_pid = to_pid(f.value);
	}
	return r;
}

/* criu_resp: 1 type, 2 success, 4 restore, 5 notify, 7 cr_errno, 9 cr_errmsg. */
int criu_reply_parse(struct criu_reply *reply, const void *data, size_t length)
{
	struct criu_text whole = {data, length};
	struct cursor c = inside(&whole);
	struct field f;
	int r;

	memset(reply, 0, sizeof(*reply));
	while ((r = take_field(&c, &f)) > 0) {
		if (f.number == 1)
			reply->type = f.value;
		else if (f.number == 2)
			reply->success = f.value != 0;
		else if (f.number == 4 || f.number == 5)
			r = take_message(reply, &f);
		else if (f.number == 7)
			reply->number = f.value <= INT_MAX ? (int)f.value : 0;
		else if (f.number == 9)
			reply->message = f.text;
		if (r < 0)
			return r;
	}
	return r;
}

int criu_reply_is(const struct criu_reply *reply, const char *script)
{
	return reply->type == CRIU_NOTIFY && reply->script.length == strlen(script) &&
	       memcmp(reply->script.data, script, reply->script.length) == 0;
}
