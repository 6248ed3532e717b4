// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/console.h"
#include "../base/io.h"
#include "container.h"
#include "debug.h"
#include "exec_fifo.h"
#include "front.h"
#include "handout.h"
#include "monitor.h"
#include "target.h"

#define EXIT_RUNTIME_FAILURE 255

struct exec {
	struct front *front;
	struct container container;
	struct target target;
	struct request request;
	char *text; /* what a template is laid over */
	char time[64];
	struct plan_subject subject;
	struct plan_query query;
	char *bytes;
	size_t length;
	struct plan plan;
	int slots[MAX_SLOTS];
	struct host host;
	struct session session;
	struct monitor monitor;
	int detached;
	int fifo; /* of --exec-wait-fifo, else -1 */
};

static int fill_documents(struct err *e, struct request *r, const struct exec *x)
{
	const struct container *c = &x->container;
	const char *process = args_string(&x->front->args, "process");
	char path[PATH_MAX + 16];
	int result;

	snprintf(path, sizeof(path), "%s/config.json", c->plan.fields[FIELD_BUNDLE]);
	result = request_put_file(e, r, "config", AT_FDCWD, path);
	if (result == 0 && process)
		result = request_put_file(e, r, "process", AT_FDCWD, process);
	if (result == 0)
		result = request_put_file(e, r, "state", c->dir.fd, "state.json");
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)c->pid);
	if (result == 0)
		result = request_put_file(e, r, "target.cgroup", AT_FDCWD, path);
	return result;
}

/*
 * True when the last entry, cgroups of init, says that it is in the container's own in the unified hierarchy, as is usual.
 * Else the planner has to find out where that is mounted. directories: joined with ':'.
 */
static int stays_in_its_cgroup(struct request *r, const char *directories)
{
	size_t size, length;
	const char *text = request_last(r, &size), *place = text;

	if (!text)
		return 1;
	for (const char *end = text + size; place < end; place++) {
		const char *line_end = memchr(place, '\n', (size_t)(end - place));

		if (!line_end)
			return 1;
		if (line_end - place > 3 && strncmp(place, "0::", 3) == 0) {
			place += 3;
			break;
		}
		place = line_end;
	}
	length = strcspn(place, "\n");
	for (const char *at = directories; *at; at += *at == ':') {
		size_t n = strcspn(at, ":");

		if (n >= length && memcmp(at + n - length, place, length) == 0)
			return 1;
		at += n;
	}
	return 0;
}

static int fill_request(struct err *e, struct request *r, const struct exec *x)
{
	const struct front *f = x->front;
	char pid[16];
	int result, with_cgroups;

	snprintf(pid, sizeof(pid), "%d", (int)x->container.pid);
	request_put_text(r, "root", f->root);
	request_put_moment(r);
	request_begin_whole(r);
	request_put_text(r, "id", x->container.dir.id);
	request_put_text(r, "bundle", x->container.plan.fields[FIELD_BUNDLE]);
	request_put_text(r, "target.pid", pid);
	result = fill_documents(e, r, x);
	/* Where a user's process comes from decides whether it can go there by itself. */
	with_cgroups = result == 0 &&
		       (geteuid() != 0 ||
			!stays_in_its_cgroup(r, x->container.plan.fields[FIELD_PROCS_DIRS]));
	request_put_command(r, &f->args);
	request_begin_fixed(r);
	request_put_text(r, "verb", "exec");
	front_put_programs(f, r);
	request_put_args(r, &f->args);
	if (result == 0)
		result = request_put_facts(e, r, with_cgroups);
	request_end_fixed(r);
	return result;
}

/* The documents and the command, each with a NUL behind it: what may differ between requests that one template answers. */
static int fill_subject(struct err *e, struct exec *x)
{
	static const char *const keys[] = {"config", "process", "state", "target.cgroup", "args"};
	enum { JSON_TO_COMPARE = 2, COUNT = sizeof(keys) / sizeof(keys[0]) };
	struct plan_subject *s = &x->subject;
	struct span parts[COUNT] = {0}, time = {0};
	size_t length = 0;
	char *at;

	for (size_t i = 0; i < COUNT; i++) {
		parts[i].data = request_get(&x->request, keys[i], &parts[i].length);
		length += parts[i].length + 1;
		/* Then it could not be told where one ends. */
		if (i + 1 < COUNT &&
		    memchr(parts[i].data ? parts[i].data : "x", '\0', parts[i].length))
			x->request.unique = 1;
	}
	at = x->text = malloc(length);
	if (!at)
		return err_set(e, ENOMEM, "request to tsrun-plan");
	for (size_t i = 0; i < COUNT; i++) {
		if (parts[i].data)
			memcpy(at, parts[i].data, parts[i].length);
		at += parts[i].length;
		*at++ = '\0';
		if (i + 1 == JSON_TO_COMPARE)
			s->shape_length = (size_t)(at - x->text);
	}
	/* Behind the last word of the command there is one already. */
	s->text = (struct span){x->text, length - 1};
	s->word_count = (unsigned int)x->front->args.positional_count;
	time.data = request_get(&x->request, "time", &time.length);
	snprintf(x->time, sizeof(x->time), "%.*s", (int)time.length, time.data ? time.data : "");
	s->time = x->time;
	s->id = x->container.dir.id;
	s->bundle = x->container.plan.fields[FIELD_BUNDLE];
	x->query.subject = s;
	return 0;
}

static int plan_exec(struct err *e, struct exec *x)
{
	int result;

	x->query.dirfd = x->container.dir.fd;
	request_init(&x->request);
	result = fill_request(e, &x->request, x);
	if (result == 0)
		result = fill_subject(e, x);
	if (result == 0)
		result = front_plan(e, x->front, &x->request, &x->query, &x->bytes, &x->length,
				    &x->plan);
	return result;
}

/*
 * The process is told to start when the front has done what is to be done with it before. When that is nothing but to
 * write its pid down it need not wait: it takes two wake-ups, a tenth of the whole.
 */
static int may_start_at_once(const struct exec *x)
{
	const struct ops *ops = &x->plan.sections[SECTION_START];
	const uint32_t *cursor = ops->words;

	if (x->fifo >= 0 || x->plan.spawn.flags & SPAWN_TERMINAL ||
	    args_string(&x->front->args, "pidfd-socket") ||
	    x->plan.sections[SECTION_COMMIT].count > 0)
		return 0;
	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;

		plan_next(&x->plan, &cursor, &op);
		/* It tells an agent the pid, which comes with START. */
		if (op.code == OP_SECCOMP && op.args[2] != NO_SLOT)
			return 0;
	}
	return 1;
}

static int begin(struct err *e, struct exec *x)
{
	struct session_options options = {.start_listener = -1,
					  .target_pidfd = x->target.pidfd,
					  .target_namespaces = x->target.namespaces,
					  .target_root = x->target.root,
					  .stdio = {-1, -1, -1},
					  .die_with_front = 1,
					  .start_at_once = may_start_at_once(x)};
	int terminal = !!(x->plan.spawn.flags & SPAWN_TERMINAL);
	const char *pid_file = args_string(&x->front->args, "pid-file");
	_fd_close_ int console = -1;
	_fd_close_ int pidfd_socket = -1;
	int r = console_check(e, x->front, terminal, x->detached);

	if (r == 0)
		r = handout_connect(e, x->front, &console, &pidfd_socket);
	if (r == 0 && !terminal && !x->detached)
		r = monitor_make_pipes(e, &x->monitor);
	if (r == 0)
		r = host_run(e, &x->host, SECTION_PREPARE);
	if (r < 0)
		return r;
	memcpy(options.stdio, x->monitor.theirs, sizeof(options.stdio));
	r = session_begin(e, &x->session, &x->host, &options);
	monitor_close_theirs(&x->monitor);
	if (r < 0) {
		x->session.pid = 0;
		return r;
	}
	x->host.pid = x->session.pid;
	x->host.start_time = x->session.start_time;
	debug_session(x->host.plan, &x->session);
	if (console >= 0)
		r = handout_send(e, console, x->session.master, "/dev/ptmx");
	if (r == 0 && pidfd_socket >= 0)
		r = handout_send(e, pidfd_socket, x->session.pidfd, "pidfd");
	if (r == 0)
		r = host_run(e, &x->host, SECTION_COMMIT);
	if (r == 0 && pid_file && *pid_file)
		r = pid_file_write(e, pid_file, x->session.pid);
	return r;
}

/* Lets the program run: at once, or when its fifo is opened. Return: 0 or < 0. */
static int start(struct err *e, struct exec *x)
{
	int r = 0;

	if (x->fifo >= 0 && x->detached)
		return exec_fifo_leave(e, x->fifo, &x->session);
	if (x->fifo >= 0)
		r = exec_fifo_wait(e, x->fifo, &x->session);
	return r < 0 ? r : session_start(e, &x->session);
}

/* Return: exit code, or < 0. */
static int run(struct err *e, struct exec *x)
{
	const struct args *a = &x->front->args;
	const char *fifo = args_string(a, "exec-wait-fifo");
	int r = container_open(e, &x->container, x->front->root, a->positionals[0]);

	if (r == 0 && a->positional_count < 2 && !args_string(a, "process"))
		r = err_set(e, 0, "exec args cannot be empty");
	if (r == 0 && fifo && *fifo) {
		x->fifo = exec_fifo_open(e, fifo);
		r = x->fifo < 0 ? x->fifo : 0;
	}
	if (r == 0)
		r = target_open(e, &x->target, &x->container, args_bool(a, "ignore-paused"));
	if (r == 0)
		r = plan_exec(e, x);
	if (r < 0)
		return r;
	front_host(x->front, &x->host, &x->plan, x->slots);
	x->host.status = "running";
	r = begin(e, x);
	if (r == 0 && !x->detached)
		r = monitor_hold_signals(e, &x->monitor);
	if (r == 0 && !x->detached && x->session.master >= 0)
		console_prepare_master(x->session.master);
	if (r == 0)
		r = start(e, x);
	/* Health probes come again and again; not before the process runs, since it is not for this one. */
	if (r == 0 && x->query.missed)
		exec_plan_keep(x->container.dir.fd, &x->request, x->bytes, x->length);
	front_keep_template(x->front, &x->request, &x->query);
	if (r < 0 || x->detached)
		return r;
	planner_reap(&x->front->planner);
	return monitor_serve(&x->monitor, &x->session);
}

int verb_exec(struct front *f)
{
	struct exec x = {.front = f,
			 .container = CONTAINER_INIT,
			 .target = TARGET_INIT,
			 .fifo = -1,
			 .session = {.pidfd = -1, .socket = -1, .master = -1},
			 .detached = args_bool(&f->args, "detach")};
	struct err e = {0};
	int r;

	for (size_t i = 0; i < MAX_SLOTS; i++)
		x.slots[i] = -1;
	monitor_init(&x.monitor);
	r = run(&e, &x);
	if (r < 0 && x.session.pid > 0)
		session_abort(&x.session);
	planner_stop(&f->planner);
	monitor_end(&x.monitor);
	target_close(&x.target);
	fd_cleanup(&x.fifo);
	container_close(&x.container);
	request_free(&x.request);
	free(x.text);
	free(x.bytes);
	if (r >= 0)
		return r;
	front_fail(f, &e);
	return EXIT_RUNTIME_FAILURE;
}
