// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_SYSTEMD_SYSTEMD_H
#define TSRUN_SYSTEMD_SYSTEMD_H

#include <stddef.h>
#include <systemd/sd-bus.h>

#define MANAGER_NAME "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER MANAGER_NAME ".Manager"

/* Exit statuses; callers tell them apart (csrc/ops/systemd.c, csrc/base/scope.c). */
enum status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_UNIT_EXISTS = 3,
	STATUS_NO_MANAGER = 4 /* for join no failure: all stays where it is */
};

/* What is asked for: NUL-terminated strings on stdin, as csrc/README.md describes them. All point into one buffer. */
struct job {
	const char *verb;
	const char *bus; /* system, user */
	const char *unit;
	const char *
		argument; /* start: pid of init; join: pids; attach: pid and, after a blank, the cgroup below the unit's */
	char **properties;
	size_t count;
};

/* Connects to the service manager. Return: 0, or -errno: nothing listens there; nothing was written to stderr. */
int bus_open(const char *which, sd_bus **bus);

/* Reads the job from stdin. Return: 0, or -1 after the reason was written to stderr. */
int job_read(struct job *job);

/*
 * Appends the properties as a(sv). One that stands for a later version than the manager's is left out.
 * Return: 0, or -1 after the reason was written to stderr.
 */
int properties_append(sd_bus *bus, sd_bus_message *message, const struct job *job);

enum status unit_start(sd_bus *bus, const struct job *job);
enum status unit_set(sd_bus *bus, const struct job *job);
enum status unit_stop(sd_bus *bus, const struct job *job);
enum status unit_attach(sd_bus *bus, const struct job *job);
/* Processes go into a scope, which is made unless it is there. */
enum status unit_join(sd_bus *bus, const struct job *job);

/* Writes one line to stderr. Return: -1. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a call of systemd that failed: its own words, and the name of its error. Return: -1. */
int fail_call(const char *what, const sd_bus_error *error, int number);

#endif
