// SPDX-License-Identifier: Apache-2.0
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/io.h"
#include "debug.h"
#include "handout.h"
#include "log.h"
#include "remains.h"

void launch_init(struct launch *l, struct front *f)
{
	memset(l, 0, sizeof(*l));
	l->front = f;
	l->dir = (struct statedir)STATEDIR_INIT;
	l->guardian.socket = -1;
	l->query.dirfd = -1;
	l->listener = -1;
	l->notify = (struct notify)NOTIFY_INIT;
	l->session = (struct session){.pidfd = -1, .socket = -1, .master = -1};
	for (size_t i = 0; i < MAX_SLOTS; i++)
		l->slots[i] = -1;
}

static int open_bundle(struct err *e, const struct front *f, char *path, size_t size)
{
	const char *option = args_string(&f->args, "bundle");
	_fd_close_ int fd = -1;
	char link[32];
	ssize_t n;

	if (!option || !*option)
		option = ".";
	fd = open(option, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "--bundle: open \"%s\"", option);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, size - 1);
	if (n < 0)
		return err_set(e, errno, "readlink \"%s\"", link);
	path[n] = '\0';
	return take_fd(&fd);
}

static int wants_systemd(const struct args *a)
{
	const char *manager = args_string(a, "cgroup-manager");

	return args_bool(a, "systemd-cgroup") || (manager && strcmp(manager, "systemd") == 0);
}

/* Everything the planner needs; the front ends in the directory of the bundle, where hooks are to run. */
static int fill_request(struct err *e, struct launch *l)
{
	const struct front *f = l->front;
	struct request *r = &l->request;
	const char *config = args_string(&f->args, "config");
	char bundle[PATH_MAX];
	_fd_close_ int fd = open_bundle(e, f, bundle, sizeof(bundle));
	int result;

	if (fd < 0)
		return fd;
	l->bundle = strdup(bundle);
	if (!l->bundle)
		return err_set(e, ENOMEM, "strdup");
	request_put_text(r, "id", f->args.positionals[0]);
	request_put_text(r, "bundle", l->bundle);
	request_put_moment(r);
	result = request_put_file(e, r, "config", config ? AT_FDCWD : fd,
				  config ? config : "config.json");
	if (result == -ENOENT)
		err_set(e, ENOENT, "JSON specification file %s not found (in \"%s\")",
			config ? config : "config.json", l->bundle);
	request_begin_fixed(r);
	request_put_text(r, "verb", f->args.verb_name);
	request_put_text(r, "root", f->root);
	front_put_programs(f, r);
	request_put_args(r, &f->args);
	if (f->args.verb == VERB_RESTORE)
		request_put_path(r);
	if (result == 0)
		result = request_put_facts(e, r, 1);
	if (result == 0 && wants_systemd(&f->args))
		request_put_systemd(r);
	request_end_fixed(r);
	if (result == 0 && fchdir(fd) < 0)
		result = err_set(e, errno, "chdir \"%s\"", l->bundle);
	return result;
}

/* What may differ between two requests that one template answers. */
static void fill_subject(struct launch *l)
{
	size_t length = 0;
	const char *time = request_get(&l->request, "time", &length);

	snprintf(l->time, sizeof(l->time), "%.*s", (int)length, time ? time : "");
	l->subject.id = l->front->args.positionals[0];
	l->subject.bundle = l->bundle;
	l->subject.time = l->time;
	l->subject.text.data = request_get(&l->request, "config", &l->subject.text.length);
	l->subject.shape_length = l->subject.text.length;
	l->query.subject = &l->subject;
}

static int take_state_directory(struct err *e, struct launch *l)
{
	const char *id = l->front->args.positionals[0];
	char draft[STATEDIR_DRAFT];
	int r = statedir_check_id(e, id);

	statedir_draft_name(draft);
	if (r == 0)
		r = guardian_start(e, &l->guardian, l->front, id, draft);
	if (r == 0)
		r = statedir_begin(e, &l->dir, l->front->root, id, draft);
	if (r < 0)
		return r;
	/* Before it has its name: there is no moment at which nobody knows whose it is. */
	guardian_tell_made(&l->guardian, statedir_inode(&l->dir));
	r = statedir_publish(e, &l->dir, draft);
	l->made = r == 0;
	return r;
}

int launch_plan(struct err *e, struct launch *l, int detached)
{
	const char *pid_file = args_string(&l->front->args, "pid-file");
	int r = take_state_directory(e, l);

	if (r == 0 && pid_file && *pid_file)
		r = path_absolute(e, &l->pid_file, pid_file);
	if (r == 0)
		r = remains_mark(e, &l->owner, l->front->root, l->dir.id);
	if (r < 0)
		return r;
	request_init(&l->request);
	r = fill_request(e, l);
	if (r < 0)
		return r;
	if (l->front->args.verb == VERB_RESTORE)
		l->query.criu = 1;
	else
		fill_subject(l);
	r = front_plan(e, l->front, &l->request, &l->query, &l->bytes, &l->length, &l->plan);
	if (r < 0)
		return r;
	/* Init starts as a copy of this process, and would carry it along. */
	if (!l->query.template_wanted && !l->query.criu)
		request_free(&l->request);
	front_host(l->front, &l->host, &l->plan, l->slots);
	l->host.status = "creating";
	l->host.owner = l->owner;
	r = console_check(e, l->front, !!(l->plan.spawn.flags & SPAWN_TERMINAL), detached);
	if (r == 0)
		r = host_check_vacant(e, &l->host);
	if (r == 0)
		r = statedir_put(e, &l->dir, "plan", l->bytes, l->length);
	l->planned = r == 0;
	return r;
}

int launch_begin(struct err *e, struct launch *l, const int *stdio, int wait_for_start)
{
	struct session_options options = {.start_listener = -1,
					  .target_pidfd = -1,
					  .target_root = -1,
					  .stdio = {-1, -1, -1},
					  .die_with_front = 1};
	_fd_close_ int console = -1;
	_fd_close_ int pidfd_socket = -1;
	int r = handout_connect(e, l->front, &console, &pidfd_socket);

	if (r == 0)
		r = notify_prepare(e, &l->dir);
	if (r == 0 && !wait_for_start)
		r = notify_open(e, &l->notify, &l->dir);
	if (r == 0 && wait_for_start) {
		l->listener = statedir_listen(e, &l->dir, "start.sock");
		r = l->listener < 0 ? l->listener : 0;
	}
	if (r == 0)
		r = host_run(e, &l->host, SECTION_PREPARE);
	if (r < 0)
		return r;
	options.start_listener = l->listener;
	if (stdio)
		memcpy(options.stdio, stdio, sizeof(options.stdio));
	r = session_begin(e, &l->session, &l->host, &options);
	if (r < 0) {
		l->session.pid = 0;
		return r;
	}
	l->host.pid = l->session.pid;
	l->host.start_time = l->session.start_time;
	l->host.status = "created";
	debug_session(l->host.plan, &l->session);
	guardian_tell_init(&l->guardian, l->session.pid, l->session.start_time);
	if (console >= 0)
		r = handout_send(e, console, l->session.master, "/dev/ptmx");
	if (r == 0 && pidfd_socket >= 0)
		r = handout_send(e, pidfd_socket, l->session.pidfd, "pidfd");
	return r;
}

static int write_state(struct err *e, struct launch *l)
{
	const char *template = l->plan.fields[FIELD_STATE_JSON];
	_free_ char *text = NULL;
	size_t length;
	char init[64];
	int r;

	text = template_fill(template, strlen(template), l->session.pid, "created",
			     l->session.start_time, &length);
	if (!text)
		return err_set(e, ENOMEM, "state.json");
	r = statedir_put(e, &l->dir, "state.json", text, length);
	if (r < 0)
		return r;
	snprintf(init, sizeof(init), "%d %" PRIu64 "\n", (int)l->session.pid,
		 l->session.start_time);
	return statedir_put(e, &l->dir, "init", init, strlen(init));
}

int launch_record(struct err *e, struct launch *l)
{
	int r = write_state(e, l);

	if (r == 0 && l->pid_file) {
		r = pid_file_write(e, l->pid_file, l->session.pid);
		l->pid_written = r == 0;
	}
	return r;
}

int launch_commit(struct err *e, struct launch *l)
{
	int r = host_run(e, &l->host, SECTION_COMMIT);

	if (r == 0)
		r = launch_record(e, l);
	if (r == 0 && l->listener >= 0)
		r = session_release(e, &l->session);
	return r;
}

void launch_undo(struct launch *l)
{
	struct err e;

	if (l->session.pid > 0)
		session_abort(&l->session);
	l->session.pid = 0;
	if (l->pid_written)
		unlink(l->pid_file);
	if (!l->made)
		return;
	l->host.failed = 1;
	if (l->planned ? container_destroy(&e, &l->host, &l->dir) < 0
		       : statedir_remove(&e, &l->dir) < 0)
		log_warning(e.text);
}

void launch_unlock(struct launch *l)
{
	statedir_unlock(&l->dir);
}

void launch_remove(struct launch *l)
{
	struct err e;
	int r = statedir_lock(&e, &l->dir);

	if (r == -ENOENT)
		return;
	if (r < 0 || container_destroy(&e, &l->host, &l->dir) < 0)
		log_warning(e.text);
}

void launch_end(struct launch *l)
{
	guardian_dismiss(&l->guardian);
	front_keep_template(l->front, &l->request, &l->query);
	request_free(&l->request);
	planner_stop(&l->front->planner);
	statedir_close(&l->dir);
	guardian_reap(&l->guardian);
	notify_close(&l->notify);
	free(l->bytes);
	free(l->bundle);
	free(l->pid_file);
	free(l->owner);
}
