// SPDX-License-Identifier: Apache-2.0
/*
 * tsrun-systemd: has systemd make, change and end units: of containers, and of what serves them. It reads one job on stdin,
 * waits until systemd has done it, and says on stderr what went wrong. A program of its own, as libsystemd cannot be linked
 * statically.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "systemd.h"

int fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

int fail_call(const char *what, const sd_bus_error *error, int number)
{
	if (sd_bus_error_is_set(error))
		return fail("systemd: %s: %s (%s)", what,
			    error->message ? error->message : "refused", error->name);
	return fail("systemd: %s: %s", what, strerror(-number));
}

static int no_bus(const char *which, int number)
{
	if (strcmp(which, "user") == 0)
		return fail("systemd: the user's bus does not answer: %s; it is looked for in "
			    "$DBUS_SESSION_BUS_ADDRESS, $XDG_RUNTIME_DIR/bus and /run/user/UID/bus "
			    "(log in anew, or: loginctl enable-linger)",
			    strerror(-number));
	return fail("systemd: the system bus does not answer: %s (is systemd running?)",
		    strerror(-number));
}

static enum status run(const struct job *job)
{
	static const struct {
		const char *verb;
		enum status (*run)(sd_bus *bus, const struct job *job);
	} verbs[] = {{"start", unit_start},
		     {"set", unit_set},
		     {"stop", unit_stop},
		     {"attach", unit_attach},
		     {"join", unit_join}};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		sd_bus *bus = NULL;
		enum status status;
		int r;

		if (strcmp(job->verb, verbs[i].verb) != 0)
			continue;
		r = bus_open(job->bus, &bus);
		/* With the manager its units have gone. */
		if ((r == -ENOENT || r == -ECONNREFUSED) && verbs[i].run == unit_stop)
			return STATUS_DONE;
		if ((r == -ENOENT || r == -ECONNREFUSED) && verbs[i].run == unit_join)
			return STATUS_NO_MANAGER;
		if (r < 0) {
			no_bus(job->bus, r);
			return STATUS_FAILED;
		}
		status = verbs[i].run(bus, job);
		sd_bus_flush_close_unref(bus);
		return status;
	}
	fail("tsrun-systemd: unknown verb \"%s\"", job->verb);
	return STATUS_FAILED;
}

int main(int argc, char **argv)
{
	struct job job = {0};

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("tsrun-systemd (libsystemd " TSRUN_LIBSYSTEMD ")");
		return 0;
	}
	if (argc != 1) {
		fail("usage: tsrun-systemd <JOB, or tsrun-systemd --version");
		return STATUS_FAILED;
	}
	if (job_read(&job) < 0)
		return STATUS_FAILED;
	return (int)run(&job);
}
