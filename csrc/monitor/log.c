// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/json.h"
#include "stamp.h"

#define LONGEST 16384 /* a longer line comes in parts */
#define FLUSH_AT 65536
#define WIDEST_ENTRY (LONGEST * JSON_WIDEST + 128)

/* Return: 0 or -errno. */
static int open_file(struct log *l)
{
	struct stat st;

	l->fd = open(l->settings->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		     0640);
	if (l->fd < 0)
		return -errno;
	l->size = fstat(l->fd, &st) == 0 ? st.st_size : 0;
	return 0;
}

int log_open(struct err *e, struct log *l, const struct settings *s)
{
	int r;

	*l = (struct log){.settings = s, .fd = -1};
	if (!s->keep_log || !s->log)
		return 0;
	/* No more of it is touched than is used. */
	l->out = malloc(FLUSH_AT + WIDEST_ENTRY);
	for (int i = 0; i < 2; i++)
		l->lines[i].data = malloc(LONGEST);
	if (!l->out || !l->lines[0].data || !l->lines[1].data)
		return err_set(e, ENOMEM, "malloc");
	r = open_file(l);
	return r < 0 ? err_set(e, -r, "open \"%s\"", s->log) : 0;
}

static void write_out(struct log *l)
{
	ssize_t n;

	if (l->used == 0 || l->fd < 0)
		return;
	do
		n = write(l->fd, l->out, l->used);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)l->used) {
		l->size += n;
	} else if (n > 0) {
		/* A full disk: no half of a line is to stay. */
		while (n > 0 && l->out[n - 1] != '\n')
			n--;
		l->size += n;
		if (ftruncate(l->fd, l->size) < 0)
			n = write(l->fd, "\n", 1);
	}
	l->used = 0;
}

static void rotate(struct log *l)
{
	int files = l->settings->log_max_file;
	char from[4096], to[4096];

	if (files < 2) {
		if (ftruncate(l->fd, 0) == 0)
			l->size = 0;
		return;
	}
	for (int i = files - 1; i > 0; i--) {
		snprintf(to, sizeof(to), "%s.%d", l->settings->log, i);
		snprintf(from, sizeof(from), "%s.%d", l->settings->log, i - 1);
		(void)rename(i > 1 ? from : l->settings->log, to);
	}
	fd_cleanup(&l->fd);
	open_file(l);
}

static void make_room(struct log *l)
{
	long long most = l->settings->log_max_size;

	if (l->used >= FLUSH_AT || (most > 0 && l->size + (off_t)l->used >= most))
		write_out(l);
	if (most > 0 && l->size >= most)
		rotate(l);
}

static char *put(char *to, const char *text)
{
	size_t n = strlen(text);

	memcpy(to, text, n);
	return to + n;
}

/* Adds one entry: a line, or a part of one. */
static void add_entry(struct log *l, int stream, const char *data, size_t length, int whole)
{
	struct unfinished *line = &l->lines[stream];
	char *to;

	/* All parts of a line carry the time of its first. */
	if (!line->continued)
		line->since = l->now;
	line->continued = !whole;
	make_room(l);
	to = put(l->out + l->used, "{\"log\":\"");
	to = json_escape(to, data, length);
	if (whole)
		to = put(to, "\\n");
	to = put(to, stream ? "\",\"stream\":\"stderr\",\"time\":\""
			    : "\",\"stream\":\"stdout\",\"time\":\"");
	to = put(to, stamp_of(&line->since).text);
	to = put(to, "\"}\n");
	l->used = (size_t)(to - l->out);
}

static void add(struct log *l, int stream, const char *data, size_t length)
{
	struct unfinished *line = &l->lines[stream];

	if (l->fd < 0)
		return;
	while (length > 0) {
		size_t room = LONGEST - line->have;
		size_t some = length < room ? length : room;
		/* A newline right behind the longest part ends an empty one. */
		const char *end = memchr(data, '\n', some);
		size_t n = end ? (size_t)(end - data) : some;

		if (line->have == 0 && (end || n == LONGEST)) {
			add_entry(l, stream, data, n, end != NULL);
		} else {
			memcpy(line->data + line->have, data, n);
			line->have += n;
			if (end || line->have == LONGEST) {
				add_entry(l, stream, line->data, line->have, end != NULL);
				line->have = 0;
			}
		}
		n += end != NULL;
		data += n;
		length -= n;
	}
}

void log_write(struct log *l, int stream, const char *data, size_t length)
{
	clock_gettime(CLOCK_REALTIME, &l->now);
	add(l, stream, data, length);
	write_out(l);
}

void log_flush(struct log *l)
{
	clock_gettime(CLOCK_REALTIME, &l->now);
	if (l->fd < 0)
		return;
	for (int stream = 0; stream < 2; stream++) {
		struct unfinished *line = &l->lines[stream];

		if (line->have)
			add_entry(l, stream, line->data, line->have, 0);
		line->have = 0;
		line->continued = 0;
	}
	write_out(l);
}

void log_close(struct log *l)
{
	log_flush(l);
	fd_cleanup(&l->fd);
	l->fd = -1;
	free(l->out);
	l->out = NULL;
	for (int i = 0; i < 2; i++) {
		free(l->lines[i].data);
		l->lines[i].data = NULL;
	}
}
