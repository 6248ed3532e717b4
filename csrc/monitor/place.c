// SPDX-License-Identifier: Apache-2.0
#include "place.h"

#include <stdio.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/proc.h"

#define PUT_OFF 500

/* It is no reason not to run. */
static void tell(struct monitor *m, const struct err *e)
{
	char text[sizeof(e->text) + 128];
	int n = snprintf(text, sizeof(text),
			 "the container's monitor stays in its caller's unit of systemd, and ends "
			 "with that: %s",
			 e->text);

	for (int i = 0; i < CLIENTS; i++)
		if (m->clients.all[i].fd >= 0 && m->clients.all[i].first)
			client_send(&m->clients.all[i], 'w', text, (size_t)n);
}

static void ask(struct monitor *m)
{
	const struct settings *s = &m->settings;
	const struct scope scope = {.program = s->scope_program,
				    .bus = s->scope_bus,
				    .unit = s->scope_unit,
				    .properties = s->scope_properties.list};
	struct err e = {0};
	pid_t pids[2] = {getpid()};
	unsigned long long start;
	int count = 1, other;

	if (s->scope_with && sscanf(s->scope_with, "%d %llu", &other, &start) == 2 &&
	    proc_is_alive(other, start))
		pids[count++] = other;
	if (scope_begin(&e, &scope, pids, count, &m->scope) < 0)
		tell(m, &e);
}

static int is_shown(const struct monitor *m)
{
	for (int i = 0; i < CLIENTS; i++)
		if (m->clients.all[i].fd >= 0 && m->clients.all[i].flags)
			return 1;
	return 0;
}

void place_begin(struct monitor *m)
{
	if (!m->settings.scope_program)
		return;
	if (is_shown(m) && !m->settings.scope_first) {
		m->place_at = now_ms() + PUT_OFF;
		return;
	}
	ask(m);
	if (m->settings.scope_first)
		place_end(m);
}

void place_end(struct monitor *m)
{
	struct err e = {0};

	if (scope_end(&e, &m->scope) < 0)
		tell(m, &e);
}

void place_tick(struct monitor *m)
{
	if (m->place_at == 0 || now_ms() < m->place_at)
		return;
	m->place_at = 0;
	ask(m);
}

void place_now(struct monitor *m)
{
	if (m->place_at > 0)
		m->place_at = now_ms();
}

void place_ended(struct monitor *m, int status)
{
	struct err e = {0};

	if (scope_ended(&e, &m->scope, status) < 0)
		tell(m, &e);
}
