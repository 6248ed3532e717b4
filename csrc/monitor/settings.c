// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../base/io.h"
#include "monitor.h"

#define SETTINGS_LIMIT (1 << 20)

enum kind { TEXT, NUMBER, LONG_NUMBER, LIST, POLICY };

static const struct key {
	const char *name;
	enum kind kind;
	size_t at;
} keys[] = {
	{"id", TEXT, offsetof(struct settings, id)},
	{"runtime", TEXT, offsetof(struct settings, runtime)},
	{"runtime-arg", LIST, offsetof(struct settings, runtime_args)},
	{"bundle", TEXT, offsetof(struct settings, bundle)},
	{"terminal", NUMBER, offsetof(struct settings, terminal)},
	{"stdin", NUMBER, offsetof(struct settings, input)},
	{"stdin-once", NUMBER, offsetof(struct settings, input_once)},
	{"log", TEXT, offsetof(struct settings, log)},
	{"keep-log", NUMBER, offsetof(struct settings, keep_log)},
	{"log-max-size", LONG_NUMBER, offsetof(struct settings, log_max_size)},
	{"log-max-file", NUMBER, offsetof(struct settings, log_max_file)},
	{"restart", POLICY, offsetof(struct settings, restart)},
	{"restart-max", NUMBER, offsetof(struct settings, restart_max)},
	{"temporary", NUMBER, offsetof(struct settings, temporary)},
	{"lower", LIST, offsetof(struct settings, lower)},
	{"upper", TEXT, offsetof(struct settings, upper)},
	{"work", TEXT, offsetof(struct settings, work)},
	{"merged", TEXT, offsetof(struct settings, merged)},
	{"events", TEXT, offsetof(struct settings, events)},
	{"event-actor", TEXT, offsetof(struct settings, actor)},
	{"cleanup", LIST, offsetof(struct settings, cleanup)},
	{"storage-lock", TEXT, offsetof(struct settings, storage_lock)},
	{"names", TEXT, offsetof(struct settings, names)},
	{"shm", TEXT, offsetof(struct settings, shm)},
	{"shm-size", TEXT, offsetof(struct settings, shm_size)},
	{"health-process", TEXT, offsetof(struct settings, health_process)},
	{"health-interval", LONG_NUMBER, offsetof(struct settings, health_interval)},
	{"health-timeout", LONG_NUMBER, offsetof(struct settings, health_timeout)},
	{"health-start-period", LONG_NUMBER, offsetof(struct settings, health_start_period)},
	{"health-start-interval", LONG_NUMBER, offsetof(struct settings, health_start_interval)},
	{"health-retries", NUMBER, offsetof(struct settings, health_retries)},
	{"wait-cleanup", NUMBER, offsetof(struct settings, wait_cleanup)},
	{"scope-program", TEXT, offsetof(struct settings, scope_program)},
	{"scope-bus", TEXT, offsetof(struct settings, scope_bus)},
	{"scope-unit", TEXT, offsetof(struct settings, scope_unit)},
	{"scope-with", TEXT, offsetof(struct settings, scope_with)},
	{"scope-property", LIST, offsetof(struct settings, scope_properties)},
	{"scope-first", NUMBER, offsetof(struct settings, scope_first)},
	{"stop-timeout", NUMBER, offsetof(struct settings, stop_timeout)},
};

int restart_named(const char *name)
{
	static const char *const names[] = {"no", "always", "unless-stopped", "on-failure"};

	for (int i = 0; i < 4; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

static int add_word(struct words *words, char *word)
{
	char **list = realloc(words->list, (size_t)(words->count + 2) * sizeof(*list));

	if (!list)
		return -1;
	words->list = list;
	list[words->count++] = word;
	list[words->count] = NULL;
	return 0;
}

/* Return: 0, or < 0 with e filled. */
static int number(struct err *e, const char *name, const char *value, long long most, long long *to)
{
	char *end;

	errno = 0;
	*to = strtoll(value, &end, 10);
	if (errno || !*value || *end || *to < 0 || *to > most)
		return err_set(e, EINVAL, "monitor.conf: %s=%s", name, value);
	return 0;
}

static int set(struct err *e, struct settings *s, char *line)
{
	char *value = strchr(line, '=');

	if (!value)
		return err_set(e, 0, "monitor.conf: \"%s\" is no setting", line);
	*value++ = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		void *to = (char *)s + keys[i].at;
		long long count = 0;
		int policy, r;

		if (strcmp(keys[i].name, line) != 0)
			continue;
		switch (keys[i].kind) {
		case TEXT:
			*(const char **)to = value;
			return 0;
		case NUMBER:
			r = number(e, line, value, INT_MAX, &count);
			*(int *)to = (int)count;
			return r;
		case LONG_NUMBER:
			return number(e, line, value, LLONG_MAX, to);
		case LIST:
			return add_word(to, value) < 0 ? err_set(e, ENOMEM, "malloc") : 0;
		case POLICY:
			policy = restart_named(value);
			if (policy < 0)
				return err_set(e, 0, "monitor.conf: restart=%s", value);
			*(enum restart *)to = (enum restart)policy;
			return 0;
		}
	}
	return err_set(e, 0, "monitor.conf: there is no setting \"%s\"", line);
}

int settings_read(struct err *e, struct settings *s, int dir)
{
	ssize_t length = read_file(dir, "monitor.conf", &s->text, SETTINGS_LIMIT);
	int r = 0;

	s->health_interval = s->health_timeout = 30000;
	s->health_start_interval = 5000;
	s->health_retries = 3;
	if (length < 0)
		return err_set(e, (int)-length, "read \"monitor.conf\"");
	for (char *line = s->text, *next; r == 0 && line < s->text + length; line = next) {
		next = line + strlen(line) + 1;
		r = set(e, s, line);
	}
	if (r == 0 && (!s->id || !s->runtime || !s->bundle || !s->merged || !s->upper || !s->work ||
		       !s->events || !s->actor || s->lower.count == 0 ||
		       (s->scope_program && (!s->scope_bus || !s->scope_unit))))
		r = err_set(e, 0, "monitor.conf: a setting is missing");
	return r;
}

void settings_free(struct settings *s)
{
	free(s->runtime_args.list);
	free(s->lower.list);
	free(s->cleanup.list);
	free(s->scope_properties.list);
	free(s->text);
}
