// SPDX-License-Identifier: Apache-2.0
#include "life.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/overlay.h"
#include "../base/proc.h"
#include "place.h"

#define FIRST_WAIT 100
#define LONGEST_WAIT 60000
#define LONG_LIFE 10000

static int mount_shm(struct err *e, const struct settings *s)
{
	char options[64];

	snprintf(options, sizeof(options), "mode=1777,size=%s", s->shm_size ? s->shm_size : "64m");
	if (mount("shm", s->shm, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		return err_set(e, errno, "mount tmpfs \"%s\"", s->shm);
	return 0;
}

int life_mount(struct err *e, struct monitor *m)
{
	const struct settings *s = &m->settings;
	struct overlay overlay = {.target = s->merged,
				  .upper = s->upper,
				  .work = s->work,
				  .lower = s->lower.list,
				  .lower_count = s->lower.count,
				  .unprivileged = in_user_namespace(),
				  .durable = !s->temporary};
	int r = overlay_mount(e, &overlay);

	m->mounted = r == 0;
	return r < 0 || !s->shm ? r : mount_shm(e, s);
}

/*
 * Where the kernel counts: memory.events of cgroup v2, memory.oom_control of v1. The cgroup is gone when the container is, and
 * its name with it.
 */
static void find_memory_file(struct monitor *m)
{
	char path[32], *text = NULL;
	ssize_t length;

	m->memory_file[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/cgroup", m->state.pid);
	length = read_file(AT_FDCWD, path, &text, 65536);
	for (char *line = text, *next; length > 0 && line && *line; line = next) {
		char *first = strchr(line, ':'), *second = first ? strchr(first + 1, ':') : NULL;

		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (!second)
			continue;
		*second++ = '\0';
		if (strcmp(first + 1, "memory") == 0)
			snprintf(m->memory_file, sizeof(m->memory_file),
				 "/sys/fs/cgroup/memory%s/memory.oom_control", second);
		else if (first[1] == '\0' && !m->memory_file[0])
			snprintf(m->memory_file, sizeof(m->memory_file),
				 "/sys/fs/cgroup%s/memory.events", second);
	}
	free(text);
}

static int was_out_of_memory(const struct monitor *m)
{
	char text[1024], *at;

	if (!m->memory_file[0] || read_small(AT_FDCWD, m->memory_file, text, sizeof(text)) <= 0)
		return 0;
	at = strstr(text, "oom_kill ");
	return at && atoi(at + strlen("oom_kill ")) > 0;
}

static void write_state(struct monitor *m, const char *status)
{
	struct err e = {0};

	m->state.status = status;
	(void)state_write(&e, m->dir, &m->state);
}

int life_start(struct err *e, struct monitor *m)
{
	pid_t pid;

	m->ended = 0;
	m->next = 0;
	pid = program_start(e, &m->settings, m->dir, &m->io);
	if (pid < 0) {
		stdio_close(&m->io);
		return pid;
	}
	m->born = now_ms();
	m->state.pid = pid;
	m->state.pid_start = process_start(pid);
	m->state.error = "";
	m->state.exit_code = 0;
	m->state.oom_killed = 0;
	time_text(m->state.started, sizeof(m->state.started));
	find_memory_file(m);
	write_state(m, "running");
	event_write(&m->settings, "start", "");
	health_begin(&m->health, &m->settings, m->dir);
	place_end(m);
	clients_send(&m->clients, 0, 'r', NULL, 0);
	life_reap(m);
	return 0;
}

void life_reap(struct monitor *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == m->health.runtime)
			health_ended(&m->health, status);
		if (pid == m->scope.pid)
			place_ended(m, status);
		if (pid != m->state.pid)
			continue;
		m->ended = 1;
		m->state.exit_code =
			WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	/* The runtime has given its process to somebody else: how it ends is not to be known. */
	if (pid < 0 && errno == ECHILD && m->state.pid > 0 && !m->ended &&
	    process_start(m->state.pid) != m->state.pid_start) {
		m->ended = 1;
		m->state.exit_code = 255;
	}
}

static void forget(const struct monitor *m)
{
	const char *verb[] = {"delete", "--force", m->settings.id, NULL};
	struct words w = runtime_words(&m->settings, verb);
	_fd_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int theirs[3] = {null, null, null};

	if (w.list && null >= 0)
		(void)program_run(w.list, theirs);
	free(w.list);
}

static int comes_again(const struct monitor *m)
{
	const struct settings *s = &m->settings;

	if (m->stopped)
		return 0;
	switch (s->restart) {
	case RESTART_ALWAYS:
	case RESTART_UNLESS_STOPPED:
		return 1;
	case RESTART_ON_FAILURE:
		return m->state.exit_code != 0 &&
		       (s->restart_max == 0 || m->state.restarts < s->restart_max);
	default:
		return 0;
	}
}

/* Who is attached has seen one life of it: what comes now is another one. */
static void tell_life_ended(struct monitor *m)
{
	const char code = (char)m->state.exit_code;

	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &m->clients.all[i];

		if (client->fd >= 0 && client->flags)
			client_finish(client, 'X', &code, 1);
	}
}

int life_end(struct monitor *m)
{
	char more[96];
	int again;

	health_end(&m->health);
	if (was_out_of_memory(m)) {
		m->state.oom_killed = 1;
		event_write(&m->settings, "oom", "");
	}
	log_flush(&m->log);
	stdio_close(&m->io);
	forget(m);
	m->state.pid = 0;
	m->state.pid_start = 0;
	time_text(m->state.finished, sizeof(m->state.finished));
	snprintf(more, sizeof(more), ",\"execDuration\":\"%lld\",\"exitCode\":\"%d\"",
		 (long long)(now_ms() - m->born) / 1000, m->state.exit_code);
	again = comes_again(m);
	if (again) {
		if (now_ms() - m->born >= LONG_LIFE)
			m->wait = 0;
		m->wait = m->wait == 0 ? FIRST_WAIT : m->wait * 2;
		if (m->wait > LONGEST_WAIT)
			m->wait = LONGEST_WAIT;
		m->next = now_ms() + m->wait;
		m->state.restarts++;
	}
	/* Whoever sees the state finds the event. */
	event_write(&m->settings, "die", more);
	write_state(m, again ? "restarting" : "exited");
	if (again) {
		/* Whoever hears of it goes, and its unit with it. */
		place_now(m);
		place_tick(m);
		place_end(m);
		tell_life_ended(m);
	}
	return again;
}

static void tell_the_end(struct monitor *m, char letter, const char *data, size_t length)
{
	for (int i = 0; i < CLIENTS; i++)
		client_finish(&m->clients.all[i], letter, data, length);
}

/* Gives the container's name back, which it may have got lately. */
static void give_name(const struct settings *s)
{
	DIR *names = opendir(s->names);
	struct dirent *one;
	char id[128];

	while (names && (one = readdir(names))) {
		ssize_t n = readlinkat(dirfd(names), one->d_name, id, sizeof(id) - 1);

		if (n <= 0)
			continue;
		id[n] = '\0';
		if (strcmp(id, s->id) == 0)
			(void)unlinkat(dirfd(names), one->d_name, 0);
	}
	if (names)
		closedir(names);
}

/* Without its record it is no container any more: a removal that is cut off is finished by whoever prunes. */
static void forget_record(const struct monitor *m)
{
	(void)unlinkat(m->dir, "container.json", 0);
	give_name(&m->settings);
}

static void clean_up(const struct monitor *m)
{
	const struct settings *s = &m->settings;
	_fd_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	_fd_close_ int lock = -1;
	int theirs[3] = {null, null, null};

	if (s->cleanup.count == 0 || null < 0)
		return;
	if (s->names) {
		lock = open(s->storage_lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (lock >= 0)
			(void)flock(lock, LOCK_SH);
		forget_record(m);
	}
	(void)program_run(s->cleanup.list, theirs);
	if (s->names)
		event_write(s, "destroy", "");
}

void life_finish(struct monitor *m, const char *failure)
{
	unsigned char message[1 + 1600] = {(unsigned char)m->state.exit_code};
	size_t length = 1;

	if (failure) {
		m->state.error = failure;
		m->state.exit_code = message[0] = (unsigned char)start_failure(failure);
		length += (size_t)snprintf((char *)message + 1, sizeof(message) - 1, "%s", failure);
		write_state(m, m->state.started[0] ? "exited" : "created");
	}
	place_end(m);
	log_close(&m->log);
	if (m->mounted)
		(void)umount2(m->settings.merged, MNT_DETACH);
	if (m->settings.shm)
		(void)umount2(m->settings.shm, MNT_DETACH);
	/* Nobody new is to connect: what comes now belongs to the next monitor. */
	(void)unlinkat(m->dir, "socket", 0);
	(void)flock(m->dir, LOCK_UN);
	if (!m->settings.wait_cleanup)
		tell_the_end(m, failure ? 'F' : 'X', (const char *)message, length);
	clean_up(m);
	tell_the_end(m, failure ? 'F' : 'X', (const char *)message, length);
}
