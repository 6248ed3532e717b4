// SPDX-License-Identifier: Apache-2.0
/* `checkpoint`: criu writes the processes of a container to an image, and ends them unless told otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "container.h"
#include "front.h"
#include "log.h"

struct checkpoint {
	struct front *front;
	struct container container;
	struct request request;
	struct plan_query query;
	char *bytes;
	size_t length;
	struct plan plan;
	int slots[MAX_SLOTS];
	struct host host;
	struct session session;
};

static int check_status(struct err *e, const struct checkpoint *x)
{
	enum status status = container_status(&x->container);

	if (status == STATUS_RUNNING || status == STATUS_PAUSED)
		return 0;
	return err_set(e, 0, "Container cannot be checkpointed in %s state", status_name(status));
}

/* --status-fd names a descriptor of this process, which has to be there before it opens its own. */
static int check_status_fd(struct err *e, const struct args *a)
{
	const char *text = args_string(a, "status-fd");
	int flags, fd;

	if (!text)
		return 0;
	fd = (int)args_int(a, "status-fd");
	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return err_set(e, errno, "--status-fd %s", text);
	if ((flags & O_ACCMODE) == O_RDONLY)
		return err_set(e, 0, "--status-fd %s: the descriptor is not writable", text);
	return 0;
}

static int fill_request(struct err *e, struct checkpoint *x)
{
	const struct container *c = &x->container;
	struct request *r = &x->request;
	char text[PATH_MAX + 16];
	int result;

	request_init(r);
	request_put_text(r, "root", x->front->root);
	request_put_moment(r);
	request_put_text(r, "verb", "checkpoint");
	request_put_text(r, "id", c->dir.id);
	request_put_text(r, "bundle", c->plan.fields[FIELD_BUNDLE]);
	request_put_args(r, &x->front->args);
	request_put_path(r);
	snprintf(text, sizeof(text), "%d", (int)c->pid);
	request_put_text(r, "target.pid", text);
	snprintf(text, sizeof(text), "/proc/%d/cgroup", (int)c->pid);
	result = request_put_file(e, r, "target.cgroup", AT_FDCWD, text);
	snprintf(text, sizeof(text), "%s/config.json", c->plan.fields[FIELD_BUNDLE]);
	if (result == 0)
		result = request_put_file(e, r, "config", AT_FDCWD, text);
	return result < 0 ? result : request_put_facts(e, r, 1);
}

/* What criu says or needs goes to files and over the socket: it gets no stdio of the caller. */
static int dump(struct err *e, struct checkpoint *x)
{
	_fd_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct session_options options = {.start_listener = -1,
					  .target_pidfd = -1,
					  .target_root = -1,
					  .stdio = {null, null, null},
					  .die_with_front = 1};
	int r = null < 0 ? err_set(e, errno, "open \"/dev/null\"")
			 : host_run(e, &x->host, SECTION_PREPARE);

	if (r == 0)
		r = session_begin(e, &x->session, &x->host, &options);
	if (r < 0) {
		x->session.pid = 0;
		return r;
	}
	r = session_run_criu(e, &x->session, &x->host);
	return r < 0 ? front_explain_criu(r, e, x->front, &x->request) : 0;
}

/* The container goes on in its image alone: as for peers, it is deleted here. */
static void remove_container(const struct checkpoint *x, struct container *c)
{
	struct host h;
	struct err e;
	int r = statedir_lock(&e, &c->dir);

	/* A front that has waited for its end, for example, has done it. */
	if (r == -ENOENT)
		return;
	front_host(x->front, &h, &c->plan, NULL);
	if (r < 0 || container_destroy(&e, &h, &c->dir) < 0)
		log_warning(e.text);
}

static int run(struct err *e, struct checkpoint *x)
{
	const struct args *a = &x->front->args;
	int r = check_status_fd(e, a);

	if (r == 0)
		r = container_open(e, &x->container, x->front->root, a->positionals[0]);
	if (r == 0)
		r = check_status(e, x);
	if (r == 0)
		r = fill_request(e, x);
	if (r == 0)
		r = front_plan(e, x->front, &x->request, &x->query, &x->bytes, &x->length,
			       &x->plan);
	if (r < 0)
		return r;
	front_host(x->front, &x->host, &x->plan, x->slots);
	x->host.status = "running";
	r = dump(e, x);
	if (r == 0 && !args_bool(a, "leave-running") && !args_bool(a, "pre-dump"))
		remove_container(x, &x->container);
	return r;
}

int verb_checkpoint(struct front *f)
{
	struct checkpoint x = {.front = f,
			       .container = CONTAINER_INIT,
			       .query = {.criu = 1, .dirfd = -1},
			       .session = {.pidfd = -1, .socket = -1, .master = -1}};
	struct err e = {0};
	int r;

	for (size_t i = 0; i < MAX_SLOTS; i++)
		x.slots[i] = -1;
	r = run(&e, &x);
	if (r < 0 && x.session.pid > 0)
		session_abort(&x.session);
	planner_stop(&f->planner);
	container_close(&x.container);
	request_free(&x.request);
	free(x.bytes);
	return r < 0 ? front_fail(f, &e) : 0;
}
