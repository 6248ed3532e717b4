// SPDX-License-Identifier: Apache-2.0
#include "health.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/json.h"
#include "program.h"

#define PID_FILE "health-pid"
#define PAUSED "paused.json" /* bundles/containers/container-store.ts */
#define AFTER_KILL 2000	     /* milliseconds until the runtime itself is killed */

/* Return: fresh memory, or NULL. */
static char *entry_text(const struct health_entry *entry)
{
	_free_ char *output = json_string(entry->output ? entry->output : "");
	char *text = NULL;

	if (asprintf(&text, "{\"Start\":\"%s\",\"End\":\"%s\",\"ExitCode\":%d,\"Output\":%s}",
		     entry->start, entry->end, entry->code, output ? output : "\"\"") < 0)
		return NULL;
	return text;
}

static void write_report(const struct health *h)
{
	_free_ char *all = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&all, &size);

	if (!to)
		return;
	fprintf(to, "{\"Status\":\"%s\",\"FailingStreak\":%d,\"Log\":[", h->status, h->streak);
	for (int i = 0; i < h->count; i++) {
		_free_ char *text = entry_text(&h->entries[i]);

		fprintf(to, "%s%s", i ? "," : "", text ? text : "{}");
	}
	fputs("]}\n", to);
	if (fclose(to) == 0)
		file_replace(h->dir, "health.json", all, size);
}

static void set_status(struct health *h, const char *status)
{
	char action[64];

	if (strcmp(h->status, status) == 0)
		return;
	h->status = status;
	snprintf(action, sizeof(action), "health_status: %s", status);
	event_write(h->settings, action, "");
}

/* Until a container has been healthy once, it may be given time. */
static int is_starting(const struct health *h, int64_t at)
{
	return strcmp(h->status, "starting") == 0 && h->settings->health_start_period > 0 &&
	       at - h->born < h->settings->health_start_period;
}

static void wait_for_next(struct health *h)
{
	const struct settings *s = h->settings;

	h->next = now_ms() +
		  (is_starting(h, now_ms()) ? s->health_start_interval : s->health_interval);
}

static void forget_entries(struct health *h, int count)
{
	for (int i = 0; i < count; i++)
		free(h->entries[i].output);
	memmove(h->entries, h->entries + count, (size_t)(h->count - count) * sizeof(h->entries[0]));
	h->count -= count;
}

void health_begin(struct health *h, const struct settings *s, int dir)
{
	if (!s->health_process)
		return;
	h->settings = s;
	h->dir = dir;
	h->status = "starting";
	h->streak = 0;
	h->runtime = 0;
	h->said = -1;
	h->born = now_ms();
	forget_entries(h, h->count);
	write_report(h);
	wait_for_next(h);
}

/* The runtime passes on what the command prints, and its exit code. */
static int start(struct health *h)
{
	char pid_file[64];
	const char *verb[] = {"--log",
			      "/dev/null",
			      "exec",
			      "--pid-file",
			      pid_file,
			      "--process",
			      h->settings->health_process,
			      h->settings->id,
			      NULL};
	_fd_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	_fd_close_ int say = -1;
	struct words words;
	int ends[2];

	snprintf(pid_file, sizeof(pid_file), "/proc/%d/fd/%d/" PID_FILE, getpid(), h->dir);
	(void)unlinkat(h->dir, PID_FILE, 0);
	if (null < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	h->said = ends[0];
	say = ends[1];
	fcntl(h->said, F_SETFL, O_NONBLOCK);
	words = runtime_words(h->settings, verb);
	if (words.list)
		h->runtime = program_begin(words.list, (const int[3]){null, say, say});
	free(words.list);
	return h->runtime > 0 ? 0 : -ENOMEM;
}

static void begin_command(struct health *h)
{
	struct health_entry *entry;

	if (faccessat(h->dir, PAUSED, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		wait_for_next(h);
		return;
	}
	if (h->count == HEALTH_ENTRIES)
		forget_entries(h, 1);
	entry = &h->entries[h->count];
	*entry = (struct health_entry){0};
	time_text(entry->start, sizeof(entry->start));
	h->started = now_ms();
	h->timed_out = 0;
	h->length = 0;
	if (start(h) < 0) {
		fd_cleanup(&h->said);
		h->said = -1;
		h->runtime = 0;
		wait_for_next(h);
		return;
	}
	h->next = h->started + h->settings->health_timeout;
}

/* The command itself; a runtime that does not come to it, or to its end, as well. */
static void kill_command(struct health *h)
{
	char text[32];
	pid_t pid = 0;

	/* Its parent is the runtime: while that lives, the pid is the command's. */
	if (!h->timed_out && read_small(h->dir, PID_FILE, text, sizeof(text)) > 0)
		pid = atoi(text);
	kill(pid > 0 ? pid : h->runtime, SIGKILL);
	h->timed_out = 1;
	h->next = now_ms() + AFTER_KILL;
}

void health_tick(struct health *h)
{
	if (h->next == 0 || now_ms() < h->next)
		return;
	if (h->runtime > 0)
		kill_command(h);
	else
		begin_command(h);
}

void health_hear(struct health *h)
{
	char surplus[512];
	ssize_t n;

	if (h->said < 0)
		return;
	do {
		size_t room = HEALTH_OUTPUT - h->length;

		n = room ? read(h->said, h->text + h->length, room)
			 : read(h->said, surplus, sizeof(surplus));
		if (n > 0 && room)
			h->length += (size_t)n;
	} while (n > 0);
	if (n == 0) {
		close(h->said);
		h->said = -1;
	}
}

/* What the entry tells: the output, or that there was no end to it. */
static char *output_of(const struct health *h)
{
	double seconds = (double)h->settings->health_timeout / 1000;
	char *output = NULL;

	if (!h->timed_out)
		return strdup(h->text);
	if (asprintf(&output, "Health check exceeded timeout (%gs)%s%s", seconds,
		     h->length ? ": " : "", h->text) < 0)
		return NULL;
	return output;
}

void health_ended(struct health *h, int status)
{
	struct health_entry *entry = &h->entries[h->count];
	int retries = h->settings->health_retries;

	health_hear(h);
	fd_cleanup(&h->said);
	h->said = -1;
	h->runtime = 0;
	h->text[h->length] = '\0';
	(void)unlinkat(h->dir, PID_FILE, 0);
	if (h->next == 0)
		return;
	entry->code = h->timed_out || !WIFEXITED(status) ? -1 : WEXITSTATUS(status);
	entry->output = output_of(h);
	time_text(entry->end, sizeof(entry->end));
	h->count++;
	if (entry->code == 0) {
		h->streak = 0;
		set_status(h, "healthy");
	} else if (!is_starting(h, h->started) && ++h->streak >= retries) {
		set_status(h, "unhealthy");
	}
	write_report(h);
	wait_for_next(h);
}

void health_end(struct health *h)
{
	if (h->next == 0)
		return;
	h->next = 0;
	if (h->runtime > 0)
		kill(h->runtime, SIGKILL);
	/* As docker has it: what does not run is not healthy. */
	h->status = "unhealthy";
	write_report(h);
}
