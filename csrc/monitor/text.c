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
#include "../base/json.h"
#include "../base/proc.h"
#include "monitor.h"
#include "stamp.h"

#define STATE_LIMIT 65536

void time_text(char *text, size_t size)
{
	snprintf(text, size, "%s", stamp_now().text);
}

unsigned long long process_start(pid_t pid)
{
	struct proc_stat stat;

	return proc_stat_read(pid, &stat) == 0 ? stat.start_time : 0;
}

/* Of an object that was written here or by JSON.stringify, whose keys stand nowhere else: that takes no parser. */
static void find_text(const char *text, const char *key, char *to, size_t size)
{
	char quoted[32];
	const char *at;
	size_t length;

	snprintf(quoted, sizeof(quoted), "\"%s\":\"", key);
	at = strstr(text, quoted);
	length = at ? strcspn(at + strlen(quoted), "\"\\") : 0;
	if (at && length < size)
		snprintf(to, size, "%.*s", (int)length, at + strlen(quoted));
}

void state_read(int dir, struct state *state)
{
	_free_ char *text = NULL;
	char status[16] = "";

	if (read_file(dir, "state.json", &text, STATE_LIMIT) < 0)
		return;
	find_text(text, "status", status, sizeof(status));
	if (*status && strcmp(status, "created") != 0)
		state->status = "exited";
	find_text(text, "startedAt", state->started, sizeof(state->started));
	find_text(text, "finishedAt", state->finished, sizeof(state->finished));
}

int file_replace(int dir, const char *name, const char *text, size_t length)
{
	char scratch[64];
	_fd_close_ int fd = -1;
	int r;

	snprintf(scratch, sizeof(scratch), "%s.new", name);
	fd = openat(dir, scratch, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_full(fd, text, length);
	if (r == 0 && renameat(dir, scratch, dir, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, scratch, 0);
	return r;
}

int state_write(struct err *e, int dir, const struct state *state)
{
	_free_ char *error = json_string(state->error);
	_free_ char *text = NULL;
	int n, r;

	n = asprintf(
		&text,
		"{\"status\":\"%s\",\"pid\":%d,\"pidStart\":%llu,\"monitorPid\":%d,"
		"\"monitorStart\":%llu,\"startedAt\":\"%s\",\"finishedAt\":\"%s\",\"exitCode\":%d,"
		"\"oomKilled\":%s,\"restartCount\":%d,\"error\":%s}\n",
		state->status, state->pid, state->pid_start, getpid(), process_start(getpid()),
		state->started, state->finished, state->exit_code,
		state->oom_killed ? "true" : "false", state->restarts, error ? error : "\"\"");
	if (n < 0) {
		text = NULL;
		return err_set(e, ENOMEM, "malloc");
	}
	r = file_replace(dir, "state.json", text, (size_t)n);
	return r < 0 ? err_set(e, -r, "write \"state.json\"") : 0;
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
