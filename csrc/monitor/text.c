// SPDX-License-Identifier: Apache-2.0
/* state.json, events, and the forms that both are written in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../base/io.h"
#include "monitor.h"

void time_text(char *text, size_t size)
{
	struct timespec now;
	struct tm parts;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + length, size - length, ".%09ldZ", now.tv_nsec);
}

unsigned long long process_start(pid_t pid)
{
	char path[32], text[1024], *at;
	unsigned long long start = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return 0;
	/* The name may hold anything, blanks and parentheses, too. */
	at = strrchr(text, ')');
	if (!at || sscanf(at + 2,
			  "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			  "%*d %*d %llu",
			  &start) != 1)
		return 0;
	return start;
}

/* Length of the UTF-8 character at a place; 0: there is none. */
static size_t character(const unsigned char *c, size_t left)
{
	size_t length = c[0] < 0x80    ? 1
			: c[0] >= 0xf0 ? 4
			: c[0] >= 0xe0 ? 3
			: c[0] >= 0xc2 ? 2
				       : 0;
	unsigned int point;

	if (length <= 1 || length > left)
		return length > left ? 0 : length;
	point = c[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (c[i] & 0x3f);
	}
	/* Longer than need be, half of a pair, or beyond all. */
	if ((length == 3 && point < 0x800) ||
	    (length == 4 && (point < 0x10000 || point > 0x10ffff)) ||
	    (point >= 0xd800 && point < 0xe000))
		return 0;
	return length;
}

size_t json_escape(char *to, size_t size, const char *from, size_t length, size_t *used)
{
	size_t at = 0, out = 0;

	while (at < length && out + 8 < size) {
		unsigned char c = (unsigned char)from[at];
		size_t whole = character((const unsigned char *)from + at, length - at);

		if (whole == 0) {
			out += (size_t)snprintf(to + out, size - out, "\\ufffd");
			whole = 1;
		} else if (c == '"' || c == '\\') {
			to[out++] = '\\';
			to[out++] = (char)c;
		} else if (c == '\n' || c == '\r' || c == '\t') {
			to[out++] = '\\';
			to[out++] = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
		} else if (c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&') {
			out += (size_t)snprintf(to + out, size - out, "\\u%04x", c);
		} else {
			memcpy(to + out, from + at, whole);
			out += whole;
		}
		at += whole;
	}
	*used = at;
	return out;
}

int state_write(struct err *e, int dir, const struct state *state)
{
	char error[4096], text[8192];
	_fd_close_ int fd = -1;
	size_t used, length = json_escape(error, sizeof(error) - 1, state->error,
					  strlen(state->error), &used);
	int n, r;

	error[length] = '\0';
	n = snprintf(
		text, sizeof(text),
		"{\"status\":\"%s\",\"pid\":%d,\"pidStart\":%llu,\"monitorPid\":%d,"
		"\"monitorStart\":%llu,\"startedAt\":\"%s\",\"finishedAt\":\"%s\",\"exitCode\":%d,"
		"\"oomKilled\":%s,\"restartCount\":%d,\"error\":\"%s\"}\n",
		state->status, state->pid, state->pid_start, getpid(), process_start(getpid()),
		state->started, state->finished, state->exit_code,
		state->oom_killed ? "true" : "false", state->restarts, error);
	fd = openat(dir, "state.json.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return err_set(e, errno, "open \"state.json.new\"");
	r = write_full(fd, text, (size_t)n);
	if (r < 0)
		return err_set(e, -r, "write \"state.json.new\"");
	if (renameat(dir, "state.json.new", dir, "state.json") < 0)
		return err_set(e, errno, "rename \"state.json.new\"");
	return 0;
}

void event_write(const struct settings *s, const char *action, const char *more)
{
	_fd_close_ int fd =
		open(s->events, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t actor = strlen(s->actor), size = actor + strlen(more) + 512;
	_free_ char *line = malloc(size);
	struct timespec now;
	int n;

	/* The actor ends with the two braces of Attributes and of itself. What cannot be told is not worth a failure. */
	if (fd < 0 || !line || actor < 2)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	n = snprintf(
		line, size,
		"{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":%.*s%s}},\"scope\":\"local\","
		"\"time\":%lld,\"timeNano\":%lld%09ld}\n",
		action, (int)actor - 2, s->actor, more, (long long)now.tv_sec,
		(long long)now.tv_sec, now.tv_nsec);
	(void)write_full(fd, line, (size_t)n);
}
