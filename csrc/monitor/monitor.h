// SPDX-License-Identifier: Apache-2.0
/*
 * tsdock-monitor: one small process beside each container of tsdock. It mounts the container's file system, has it run by an
 * OCI runtime, keeps what it writes, lets others attach to it, and says how it ended.
 */
#ifndef TSRUN_MONITOR_MONITOR_H
#define TSRUN_MONITOR_MONITOR_H

#include <stdint.h>
#include <sys/types.h>

#include "../base/err.h"
#include "../base/scope.h"

/* A list of words, NULL at its end. */
struct words {
	int count;
	char **list;
};

enum restart { RESTART_NO, RESTART_ALWAYS, RESTART_UNLESS_STOPPED, RESTART_ON_FAILURE };

/* monitor.conf: `key=value`, each with a NUL behind it. */
struct settings {
	char *text; /* of the whole file: all strings point into it */
	const char *id, *runtime, *bundle, *log, *events, *actor, *upper, *work, *merged;
	/* --rm, where no other program is needed: the storage's lock, and where names are links to ids. */
	const char *storage_lock, *names;
	const char
		*shm; /* where memory is mounted that other containers may share; NULL: nowhere */
	const char *shm_size;
	struct words runtime_args, lower, cleanup;
	int terminal, input, input_once;
	int wait_cleanup; /* those who are attached hear of the end when the cleanup is through */
	int keep_log;
	int temporary;		/* what it writes need not survive a crash of the machine */
	long long log_max_size; /* bytes; 0: no limit */
	int log_max_file;
	enum restart restart;
	int restart_max; /* 0: without end */
	const char
		*health_process; /* process.json of the command that tells its health; NULL: none */
	/* Milliseconds. */
	long long health_interval, health_timeout, health_start_period, health_start_interval;
	int health_retries;
	/* Where systemd runs: the scope of this process, and of another one (`PID START`). */
	const char *scope_program, *scope_bus, *scope_unit, *scope_with;
	struct words scope_properties;
	int scope_first;  /* the container has no cgroup of its own: it is started in there */
	int stop_timeout; /* seconds that it has to end when the machine goes down; 0: no limit */
};

int settings_read(struct err *e, struct settings *s, int dir);
void settings_free(struct settings *s);
int restart_named(const char *name); /* -1: there is no such policy */

/* What state.json says. */
struct state {
	const char *status, *error;
	pid_t pid;
	unsigned long long pid_start;
	char started[40], finished[40]; /* RFC 3339, '' : never */
	int exit_code, oom_killed, restarts;
};

/* What a run before this one has left. */
void state_read(int dir, struct state *state);
/* Replaces state.json. */
int state_write(struct err *e, int dir, const struct state *state);
/* Replaces any file of the container's directory at once. Return: 0 or -errno. */
int file_replace(int dir, const char *name, const char *text, size_t length);
/* RFC 3339 with nanoseconds, of now. */
void time_text(char *text, size_t size);
/* Start of a process in ticks since boot; 0: there is none. */
unsigned long long process_start(pid_t pid);

/* Appends a line to the file of events. more: members for Attributes (`,"exitCode":"1"`), or "". */
void event_write(const struct settings *s, const char *action, const char *more);

#endif
