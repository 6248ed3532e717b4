// SPDX-License-Identifier: Apache-2.0
/* What systemd is asked to do with a unit. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "systemd.h"

#define JOB_TIMEOUT_S 30
#define PIDS_MAX 16
#define JOIN_TRIES 250
#define JOIN_PAUSE_NS 20000000

static int is_error(const sd_bus_error *error, const char *name)
{
	return sd_bus_error_has_name(error, name);
}

static int is_gone(const sd_bus_error *error)
{
	return is_error(error, "org.freedesktop.systemd1.NoSuchUnit") ||
	       is_error(error, "org.freedesktop.systemd1.UnitNotLoaded");
}

/* A bus without a service manager: one for a desktop alone. */
static int is_no_manager(const sd_bus_error *error)
{
	return is_error(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	       is_error(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
	       is_error(error, "org.freedesktop.DBus.Error.Spawn.ChildExited");
}

/* A job of systemd that is waited for. */
struct wait {
	sd_bus_slot *watch; /* until it is waited for no more */
	const char *job;
	char result[32];
};

static int on_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct wait *wait = data;
	const char *job, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &job, NULL, &result) < 0)
		return 0;
	if (wait->job && strcmp(job, wait->job) == 0)
		snprintf(wait->result, sizeof(wait->result), "%s", result);
	return 0;
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/*
 * The match must be there before the job is: it can be done before its name comes back. The bus takes one after the other, so
 * that its answer is not waited for.
 */
static int watch_jobs(sd_bus *bus, struct wait *wait)
{
	int r = sd_bus_match_signal_async(bus, &wait->watch, MANAGER_NAME, MANAGER_PATH, MANAGER,
					  "JobRemoved", on_removed, NULL, wait);

	return r < 0 ? fail_call("watching jobs", NULL, r) : 0;
}

/* Return: 0 when the job was done, or -1. */
static int await_job(sd_bus *bus, struct wait *wait, const char *job, const char *what)
{
	int64_t until = now_us() + JOB_TIMEOUT_S * 1000000LL;

	wait->job = job;
	while (!*wait->result) {
		int64_t left = until - now_us();
		int r = sd_bus_process(bus, NULL);

		if (r == 0 && left <= 0)
			return fail("systemd: %s: not done within %d s", what, JOB_TIMEOUT_S);
		if (r == 0)
			r = sd_bus_wait(bus, (uint64_t)left);
		if (r < 0 && r != -EINTR)
			return fail_call(what, NULL, r);
	}
	if (strcmp(wait->result, "done") != 0)
		return fail("systemd: %s: the job ended with \"%s\"", what, wait->result);
	return 0;
}

static int is_scope(const char *unit)
{
	size_t length = strlen(unit);

	return length > 6 && strcmp(unit + length - 6, ".scope") == 0;
}

static int new_call(sd_bus *bus, sd_bus_message **m, const char *method)
{
	int r = sd_bus_message_new_method_call(bus, m, MANAGER_NAME, MANAGER_PATH, MANAGER, method);

	return r < 0 ? fail_call(method, NULL, r) : 0;
}

/* Numbers with blanks between them, as an array of D-Bus. */
static int append_pids(sd_bus_message *m, const char *text)
{
	uint32_t pids[PIDS_MAX];
	size_t count = 0;

	while (count < PIDS_MAX && *text) {
		char *end;
		unsigned long pid = strtoul(text, &end, 10);

		if (end == text)
			return -EINVAL;
		pids[count++] = (uint32_t)pid;
		text = end + strspn(end, " ");
	}
	return *text ? -E2BIG : sd_bus_message_append_array(m, 'u', pids, count * sizeof(pids[0]));
}

static int append_pids_property(sd_bus_message *m, const char *text)
{
	int r = sd_bus_message_open_container(m, 'r', "sv");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", "PIDs");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "au");
	if (r >= 0)
		r = append_pids(m, text);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Return: the call, or NULL. */
static sd_bus_message *start_call(sd_bus *bus, const struct job *job)
{
	sd_bus_message *m = NULL;
	int r;

	if (new_call(bus, &m, "StartTransientUnit") < 0)
		return NULL;
	r = sd_bus_message_append(m, "ss", job->unit, "replace");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(sv)");
	if (r >= 0 && is_scope(job->unit))
		r = append_pids_property(m, job->argument);
	if (r < 0)
		fail_call("StartTransientUnit", NULL, r);
	else
		r = properties_append(bus, m, job);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_append(m, "a(sa(sv))", 0);
	return r < 0 ? sd_bus_message_unref(m) : m;
}

static void reset_failed(sd_bus *bus, const char *unit)
{
	sd_bus_call_method(bus, MANAGER_NAME, MANAGER_PATH, MANAGER, "ResetFailedUnit", NULL, NULL,
			   "s", unit);
}

/* The state of a unit in words of systemd; "inactive" for one that is not there. */
static void read_state(sd_bus *bus, const char *unit, char *state, size_t size)
{
	char *path = NULL, *active = NULL;
	const char *interface = MANAGER_NAME ".Unit";

	snprintf(state, size, "unknown");
	if (sd_bus_path_encode(MANAGER_PATH "/unit", unit, &path) >= 0 &&
	    sd_bus_get_property_string(bus, MANAGER_NAME, path, interface, "ActiveState", NULL,
				       &active) >= 0)
		snprintf(state, size, "%s", active);
	free(path);
	free(active);
}

/* True when a unit of this name is only kept because it has failed: then it is out of the way now. */
static int clear_failed(sd_bus *bus, const char *unit, char *state, size_t size)
{
	read_state(bus, unit, state, size);
	if (strcmp(state, "failed") != 0)
		return 0;
	reset_failed(bus, unit);
	return 1;
}

/* One try. Return: STATUS_DONE, STATUS_FAILED, or STATUS_UNIT_EXISTS with nothing said yet. */
static enum status start(sd_bus *bus, const struct job *job, sd_bus_message *call)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	struct wait wait = {0};
	enum status status = STATUS_FAILED;
	const char *path;
	char what[320];
	int r;

	snprintf(what, sizeof(what), "start of %s", job->unit);
	if (watch_jobs(bus, &wait) < 0)
		return STATUS_FAILED;
	r = sd_bus_call(bus, call, 0, &error, &reply);
	if (r < 0 && is_error(&error, "org.freedesktop.systemd1.UnitExists"))
		status = STATUS_UNIT_EXISTS;
	else if (r < 0) {
		fail_call(what, &error, r);
		status = is_no_manager(&error) ? STATUS_NO_MANAGER : STATUS_FAILED;
	} else if (sd_bus_message_read(reply, "o", &path) < 0)
		fail("systemd: %s: its answer cannot be read", what);
	else if (await_job(bus, &wait, path, what) == 0)
		status = STATUS_DONE;
	sd_bus_slot_unref(wait.watch);
	sd_bus_error_free(&error);
	sd_bus_message_unref(reply);
	return status;
}

enum status unit_start(sd_bus *bus, const struct job *job)
{
	sd_bus_message *call = start_call(bus, job), *again = NULL;
	enum status status = STATUS_FAILED;
	char state[32];

	/* One without a file of its own, as most slices are, systemd would take for a new one. */
	read_state(bus, job->unit, state, sizeof(state));
	if (strcmp(state, "active") == 0)
		status = STATUS_UNIT_EXISTS;
	else if (call)
		status = start(bus, job, call);
	if (status == STATUS_UNIT_EXISTS && clear_failed(bus, job->unit, state, sizeof(state))) {
		/* A message is sealed once it was sent. */
		if (new_call(bus, &again, "StartTransientUnit") == 0 &&
		    sd_bus_message_rewind(call, 1) >= 0 && sd_bus_message_copy(again, call, 1) >= 0)
			status = start(bus, job, again);
		else
			status = STATUS_FAILED;
	}
	if (status == STATUS_UNIT_EXISTS)
		fail("systemd: unit %s already exists (it is %s): choose another name, or end it "
		     "with systemctl stop",
		     job->unit, state);
	sd_bus_message_unref(call);
	sd_bus_message_unref(again);
	return status;
}

enum status unit_set(sd_bus *bus, const struct job *job)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	char what[320];
	int r;

	snprintf(what, sizeof(what), "properties of %s", job->unit);
	if (new_call(bus, &m, "SetUnitProperties") < 0)
		return STATUS_FAILED;
	r = sd_bus_message_append(m, "sb", job->unit, 1);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(sv)");
	if (r < 0)
		fail_call(what, NULL, r);
	else
		r = properties_append(bus, m, job);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0) {
		r = sd_bus_call(bus, m, 0, &error, NULL);
		if (r < 0)
			fail_call(what, &error, r);
	}
	/* It answers before it writes the limits, and takes the next message after that. */
	if (r >= 0)
		sd_bus_call_method(bus, MANAGER_NAME, MANAGER_PATH, "org.freedesktop.DBus.Peer",
				   "Ping", NULL, NULL, NULL);
	sd_bus_error_free(&error);
	sd_bus_message_unref(m);
	return r < 0 ? STATUS_FAILED : STATUS_DONE;
}

enum status unit_stop(sd_bus *bus, const struct job *job)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	struct wait wait = {0};
	const char *path;
	char what[320];
	int r = watch_jobs(bus, &wait);

	snprintf(what, sizeof(what), "stop of %s", job->unit);
	if (r == 0) {
		r = sd_bus_call_method(bus, MANAGER_NAME, MANAGER_PATH, MANAGER, "StopUnit", &error,
				       &reply, "ss", job->unit, "replace");
		if (r < 0 && is_gone(&error))
			r = 0;
		else if (r < 0)
			fail_call(what, &error, r);
		else if (sd_bus_message_read(reply, "o", &path) < 0)
			r = fail("systemd: %s: its answer cannot be read", what);
		else
			r = await_job(bus, &wait, path, what);
	}
	/* One whose processes were killed for want of memory counts as failed, and stays. */
	if (r >= 0)
		reset_failed(bus, job->unit);
	sd_bus_slot_unref(wait.watch);
	sd_bus_error_free(&error);
	sd_bus_message_unref(reply);
	return r < 0 ? STATUS_FAILED : STATUS_DONE;
}

enum status unit_attach(sd_bus *bus, const struct job *job)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *below = strchr(job->argument, ' ');
	char what[320];
	int r = sd_bus_call_method(bus, MANAGER_NAME, MANAGER_PATH, MANAGER,
				   "AttachProcessesToUnit", &error, NULL, "ssau", job->unit,
				   below ? below + 1 : "", 1, (unsigned int)atoi(job->argument));

	snprintf(what, sizeof(what), "attach to %s", job->unit);
	if (r < 0)
		fail_call(what, &error, r);
	sd_bus_error_free(&error);
	return r < 0 ? STATUS_FAILED : STATUS_DONE;
}

/* Return: 1, 0 when the unit is about to end, or -1. */
static int attach_all(sd_bus *bus, const struct job *job)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	char what[320], state[32];
	int r = new_call(bus, &m, "AttachProcessesToUnit");

	snprintf(what, sizeof(what), "attach to %s", job->unit);
	if (r == 0)
		r = sd_bus_message_append(m, "ss", job->unit, "");
	if (r >= 0)
		r = append_pids(m, job->argument);
	if (r >= 0)
		r = sd_bus_call(bus, m, 0, &error, NULL);
	read_state(bus, job->unit, state, sizeof(state));
	if (r >= 0)
		r = 1;
	else if (strcmp(state, "active") != 0)
		r = 0;
	else
		r = fail_call(what, &error, r);
	sd_bus_error_free(&error);
	sd_bus_message_unref(m);
	return r;
}

enum status unit_join(sd_bus *bus, const struct job *job)
{
	struct timespec pause = {.tv_nsec = JOIN_PAUSE_NS};
	enum status status = STATUS_UNIT_EXISTS;
	char state[32];

	for (int i = 0; i < JOIN_TRIES && status == STATUS_UNIT_EXISTS; i++) {
		sd_bus_message *call = start_call(bus, job);

		status = call ? start(bus, job, call) : STATUS_FAILED;
		sd_bus_message_unref(call);
		if (status != STATUS_UNIT_EXISTS || clear_failed(bus, job->unit, state, 32))
			continue;
		if (strcmp(state, "active") == 0) {
			int r = attach_all(bus, job);

			if (r)
				return r > 0 ? STATUS_DONE : STATUS_FAILED;
		}
		/* What was in there has ended, or is being ended, and systemd is about to notice. */
		nanosleep(&pause, NULL);
	}
	if (status == STATUS_UNIT_EXISTS)
		fail("systemd: unit %s already exists, and does not end (it is %s)", job->unit,
		     state);
	return status;
}
