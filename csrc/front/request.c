// SPDX-License-Identifier: Apache-2.0
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/io.h"

#define MAGIC_REQUEST 0x51525354u /* TSRQ */
#define REQUEST_VERSION 1u
#define HEADER_WORDS 4
#define FILE_MAX_SIZE (16u << 20)
#define READ_SIZE (16u << 10)

/* Return: where length more bytes go, or NULL. */
static char *extend(struct request *r, size_t length)
{
	char *at;

	if (r->failed)
		return NULL;
	if (r->length + length > r->room) {
		/* So large that libc maps it, and gives it back when it is freed. */
		size_t room = (r->length + length) * 2 + (256u << 10);
		char *larger = room > UINT32_MAX ? NULL : realloc(r->data, room);

		if (!larger) {
			r->failed = 1;
			return NULL;
		}
		r->data = larger;
		r->room = room;
	}
	at = r->data + r->length;
	r->length += length;
	return at;
}

void request_init(struct request *r)
{
	memset(r, 0, sizeof(*r));
	extend(r, HEADER_WORDS * sizeof(uint32_t));
}

void request_free(struct request *r)
{
	free(r->data);
	memset(r, 0, sizeof(*r));
}

void request_put(struct request *r, const char *key, const void *value, size_t length)
{
	uint32_t head[2] = {(uint32_t)strlen(key), (uint32_t)length};
	char *at = extend(r, sizeof(head) + head[0] + length);

	if (!at)
		return;
	memcpy(at, head, sizeof(head));
	memcpy(at + sizeof(head), key, head[0]);
	if (length)
		memcpy(at + sizeof(head) + head[0], value, length);
	r->entries++;
	r->last = length;
	r->last_head = (size_t)(at - r->data);
}

/* Writes down how long the value of the last entry is, which ends where the request does. */
static void set_last_length(struct request *r, size_t length)
{
	uint32_t word = (uint32_t)length;

	memcpy(r->data + r->last_head + sizeof(word), &word, sizeof(word));
	r->last = length;
}

const char *request_get(const struct request *r, const char *key, size_t *length)
{
	const char *at = r->data + HEADER_WORDS * sizeof(uint32_t);

	for (unsigned int i = 0; !r->failed && i < r->entries; i++) {
		uint32_t head[2];

		memcpy(head, at, sizeof(head));
		at += sizeof(head);
		if (head[0] == strlen(key) && memcmp(at, key, head[0]) == 0) {
			*length = head[1];
			return at + head[0];
		}
		at += head[0] + (size_t)head[1];
	}
	return NULL;
}

void request_begin_whole(struct request *r)
{
	r->whole_at = r->length;
}

void request_begin_fixed(struct request *r)
{
	r->fixed_at = r->length;
}

void request_end_fixed(struct request *r)
{
	r->fixed_end = r->length;
}

void request_put_text(struct request *r, const char *key, const char *text)
{
	request_put(r, key, text, strlen(text));
}

/* Reads what is behind a descriptor to its end, without a copy in between. Return: its length, or -errno. */
static ssize_t read_into(struct request *r, int fd)
{
	size_t length = 0;

	for (;;) {
		char *at = extend(r, READ_SIZE);
		ssize_t n;

		if (!at)
			return -ENOMEM;
		n = read(fd, at, READ_SIZE);
		r->length -= READ_SIZE - (n > 0 ? (size_t)n : 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : (ssize_t)length;
		length += (size_t)n;
		if (length > FILE_MAX_SIZE)
			return -EFBIG;
	}
}

int request_put_file(struct err *e, struct request *r, const char *key, int dirfd, const char *path)
{
	_fd_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	size_t start = r->length;
	ssize_t n = -errno;

	if (fd >= 0) {
		request_put(r, key, NULL, 0);
		n = read_into(r, fd);
	}
	if (n >= 0) {
		set_last_length(r, (size_t)n);
		return 0;
	}
	if (r->length > start) {
		r->length = start;
		r->entries--;
	}
	if (n == -EFBIG)
		return err_set(e, EFBIG, "%s: read \"%s\" (%u MiB at most)", key, path,
			       FILE_MAX_SIZE >> 20);
	return err_set(e, (int)-n, "%s: open \"%s\"", key, path);
}

char *request_last(struct request *r, size_t *length)
{
	*length = r->last;
	return r->failed ? NULL : r->data + r->length - r->last;
}

void request_shorten_last(struct request *r, size_t length)
{
	if (r->failed)
		return;
	r->length -= r->last - length;
	set_last_length(r, length);
}

/* A LIST flag: all its values under one key, when this is its first. */
static void put_list(struct request *r, const struct args *a, int first, const char *key)
{
	const struct flag *flag = a->values[first].flag;
	size_t length = 0, at = 0;
	_free_ char *joined = NULL;

	for (int i = 0; i < first; i++)
		if (a->values[i].flag == flag)
			return;
	for (int i = first; i < a->value_count; i++)
		if (a->values[i].flag == flag)
			length += strlen(a->values[i].value) + 1;
	joined = malloc(length);
	if (!joined) {
		r->failed = 1;
		return;
	}
	for (int i = first; i < a->value_count; i++)
		if (a->values[i].flag == flag) {
			strcpy(joined + at, a->values[i].value);
			at += strlen(joined + at) + 1;
		}
	request_put(r, key, joined, length);
}

void request_put_command(struct request *r, const struct args *a)
{
	size_t length = 0, at = 0;
	_free_ char *joined = NULL;

	for (int i = 1; i < a->positional_count; i++)
		length += strlen(a->positionals[i]) + 1;
	joined = malloc(length + 1);
	if (!joined) {
		r->failed = 1;
		return;
	}
	for (int i = 1; i < a->positional_count; i++) {
		strcpy(joined + at, a->positionals[i]);
		at += strlen(joined + at) + 1;
	}
	request_put(r, "args", joined, length);
}

static int is_last(const struct args *a, int index)
{
	for (int i = index + 1; i < a->value_count; i++)
		if (a->values[i].flag == a->values[index].flag)
			return 0;
	return 1;
}

/* Flags that are for the front alone. Some name a path that is another one each time. */
static int is_for_front(const char *name)
{
	static const char *const names[] = {
		"bundle", "console-socket", "debug",	    "detach",	"exec-wait-fifo", "keep",
		"log",	  "log-format",	    "no-subreaper", "pid-file", "pidfd-socket",	  "plan-fd",
		"root"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return 1;
	return 0;
}

void request_put_args(struct request *r, const struct args *a)
{
	char key[64];

	for (int i = 0; i < a->value_count; i++) {
		const struct flag *flag = a->values[i].flag;

		if (is_for_front(flag->name))
			continue;
		snprintf(key, sizeof(key), "opt.%s", flag->name);
		if (flag->type == FLAG_LIST || flag->type == FLAG_INTS)
			put_list(r, a, i, key);
		else if (!is_last(a, i))
			continue;
		else if (strcmp(flag->name, "process") == 0)
			request_put_text(
				r, key,
				"--process"); /* the file comes with the request, whatever its name */
		else
			request_put_text(r, key, a->values[i].value);
	}
}

void request_put_path(struct request *r)
{
	const char *path = getenv("PATH");

	if (path)
		request_put_text(r, "env.PATH", path);
}

int request_finish(struct err *e, struct request *r)
{
	uint32_t head[HEADER_WORDS] = {MAGIC_REQUEST, REQUEST_VERSION, (uint32_t)r->length,
				       r->entries};

	if (r->failed)
		return err_set(e, ENOMEM, "request to tsrun-plan");
	memcpy(r->data, head, sizeof(head));
	return 0;
}
