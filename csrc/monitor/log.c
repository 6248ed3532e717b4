// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"

static int open_file(struct log *l)
{
	struct stat st;

	l->fd = open(l->settings->log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		     0640);
	if (l->fd < 0)
		return -errno;
	l->size = fstat(l->fd, &st) == 0 ? st.st_size : 0;
	return 0;
}

int log_open(struct err *e, struct log *l, const struct settings *s)
{
	int r;

	l->settings = s;
	l->fd = -1;
	l->streams[0].name = "stdout";
	l->streams[1].name = "stderr";
	l->streams[0].have = l->streams[1].have = 0;
	if (!s->keep_log || !s->log)
		return 0;
	r = open_file(l);
	return r < 0 ? err_set(e, -r, "open \"%s\"", s->log) : 0;
}

/* x.1 is the newest of the old ones. One file alone is emptied instead. */
static void rotate(struct log *l)
{
	const char *path = l->settings->log;
	char from[4200], to[4200];
	int files = l->settings->log_max_file > 1 ? l->settings->log_max_file : 1;

	close(l->fd);
	for (int i = files - 1; i > 0; i--) {
		snprintf(to, sizeof(to), "%s.%d", path, i);
		if (i == 1)
			snprintf(from, sizeof(from), "%s", path);
		else
			snprintf(from, sizeof(from), "%s.%d", path, i - 1);
		(void)rename(from, to);
	}
	if (files == 1)
		(void)unlink(path);
	(void)open_file(l);
}

/* On a full disk a line is lost, and the container goes on. */
static void put(struct log *l, const char *data, size_t length)
{
	if (l->fd >= 0 && write_full(l->fd, data, length) == 0)
		l->size += (long long)length;
}

static void write_line(struct log *l, struct log_stream *stream)
{
	char text[LOG_LINE], time[40];
	size_t at = 0, out = (size_t)snprintf(text, sizeof(text), "{\"log\":\"");

	if (l->settings->log_max_size > 0 && l->size >= l->settings->log_max_size)
		rotate(l);
	time_text(time, sizeof(time));
	while (at < stream->have) {
		size_t used;

		out += json_escape(text + out, sizeof(text) - out, stream->line + at,
				   stream->have - at, &used);
		at += used;
		if (at < stream->have || out + 128 > sizeof(text)) {
			put(l, text, out);
			out = 0;
		}
	}
	out += (size_t)snprintf(text + out, sizeof(text) - out,
				"\",\"stream\":\"%s\",\"time\":\"%s\"}\n", stream->name, time);
	put(l, text, out);
	stream->have = 0;
}

void log_write(struct log *l, int number, const char *data, size_t length)
{
	struct log_stream *stream = &l->streams[number];

	if (l->fd < 0)
		return;
	while (length > 0) {
		const char *newline = memchr(data, '\n', length);
		size_t piece = newline ? (size_t)(newline - data) + 1 : length;
		size_t space = sizeof(stream->line) - stream->have;

		if (piece > space)
			piece = space;
		memcpy(stream->line + stream->have, data, piece);
		stream->have += piece;
		data += piece;
		length -= piece;
		if (stream->have == sizeof(stream->line) || stream->line[stream->have - 1] == '\n')
			write_line(l, stream);
	}
}

void log_flush(struct log *l)
{
	for (int i = 0; i < 2; i++)
		if (l->fd >= 0 && l->streams[i].have > 0)
			write_line(l, &l->streams[i]);
}

void log_close(struct log *l)
{
	log_flush(l);
	fd_cleanup(&l->fd);
	l->fd = -1;
}
