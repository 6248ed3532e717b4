// SPDX-License-Identifier: Apache-2.0
/* Units of systemd, through tsrun-systemd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "child.h"
#include "ops.h"

#define UNIT_EXISTS 3 /* csrc/systemd/systemd.h */
#define CGROUP_TEXT_MAX 8192

/* What the program finds the bus by. */
#define VARIABLES 3
static const char *const variables[VARIABLES] = {"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS",
						 "DBUS_SYSTEM_BUS_ADDRESS"};

static void fill_environment(char *env[VARIABLES + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < VARIABLES; i++) {
		const char *value = getenv(variables[i]);

		if (value && asprintf(&env[n], "%s=%s", variables[i], value) >= 0)
			n++;
	}
	env[n] = NULL;
}

/* The job as csrc/README.md describes it. Return: fd or < 0. */
static int write_job(struct err *e, const char *const fields[4], char *const *properties)
{
	_fd_close_ int fd = memory_file(e, "job", "", 0);
	int r = 0;

	if (fd < 0)
		return fd;
	for (size_t i = 0; r == 0 && i < 4; i++)
		r = write_full(fd, fields[i], strlen(fields[i]) + 1);
	for (; r == 0 && properties && *properties; properties++)
		r = write_full(fd, *properties, strlen(*properties) + 1);
	if (r < 0)
		return err_set(e, -r, "write to memory");
	return lseek(fd, 0, SEEK_SET) < 0 ? err_set(e, errno, "lseek") : take_fd(&fd);
}

/* Return: 0 or < 0; *status is the exit status of the program, or -1. */
static int ask(struct err *e, const struct context *c, const char *const fields[4],
	       char *const *properties, int *status)
{
	char *env[VARIABLES + 1];
	_fd_close_ int job = write_job(e, fields, properties);
	int r;

	*status = -1;
	if (job < 0)
		return job;
	fill_environment(env);
	r = helper_run(e, c->libexec_dir, "tsrun-systemd", env, (int[]){job, -1}, status);
	for (char **at = env; *at; at++)
		free(*at);
	return r;
}

/* Where all other ops look for the container is decided in the plan: systemd must agree. */
static int check_place(struct err *e, const struct context *c, const char *cgroup)
{
	char path[64], text[CGROUP_TEXT_MAX], *line, *next;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)c->pid);
	if (read_small(AT_FDCWD, path, text, sizeof(text)) < 0)
		return err_set(e, errno, "read \"%s\"", path);
	for (line = text; line && *line; line = next) {
		const char *place = strchr(line, '/');

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (strncmp(line, "0::", 3) != 0 && !strstr(line, ":name=systemd:"))
			continue;
		if (place && strcmp(place, cgroup) == 0)
			return 0;
		err_set(e, 0, "systemd has put init into the cgroup \"%s\", not into \"%s\"",
			place ? place : line, cgroup);
	}
	return *text ? -1 : err_set(e, 0, "\"%s\" is empty", path);
}

int op_SYSTEMD_START(struct err *e, struct context *c, const struct op *op)
{
	char pid[16];
	const char *const fields[4] = {"start", op_string(c, op, 0), op_string(c, op, 1), pid};
	const char *cgroup = op_string(c, op, 4);
	char **properties = plan_vector(c->plan, op->args + 2);
	int status, r;

	if (!properties)
		return err_set(e, ENOMEM, "properties");
	snprintf(pid, sizeof(pid), "%d", (int)c->pid);
	r = ask(e, c, fields, properties, &status);
	free(properties);
	/* Somebody was faster since it was looked at last: what is in there is not ours to end. */
	if (status == UNIT_EXISTS)
		c->unit_taken = 1;
	if (r == 0 && *cgroup)
		r = check_place(e, c, cgroup);
	if (r == 0 && c->owner)
		cgroup_mark_owner(c->plan->fields[FIELD_CGROUP], c->owner);
	return r;
}

int op_SYSTEMD_STOP(struct err *e, struct context *c, const struct op *op)
{
	const char *const fields[4] = {"stop", op_string(c, op, 0), op_string(c, op, 1), ""};
	int status;

	return c->unit_taken ? 0 : ask(e, c, fields, NULL, &status);
}

int op_SYSTEMD_ATTACH(struct err *e, struct context *c, const struct op *op)
{
	const char *below = op_string(c, op, 2);
	_free_ char *argument = NULL;
	const char *const verb = "attach";
	int status;

	if (asprintf(&argument, "%d %s", (int)c->pid, below) < 0)
		return err_set(e, ENOMEM, "job");
	return ask(e, c, (const char *[]){verb, op_string(c, op, 0), op_string(c, op, 1), argument},
		   NULL, &status);
}
