// SPDX-License-Identifier: Apache-2.0
#include "front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"

#include "log.h"

/* What runc says first; people and tools look for it. */
static void as_runc(const struct front *f, const struct err *e, char *words, size_t size)
{
	int init = !f->refusal && e->from_init;

	*words = '\0';
	if (f->args.verb == VERB_CREATE || f->args.verb == VERB_RUN)
		snprintf(words, size, "runc %s failed: ", f->args.verb_name);
	else if (f->args.verb == VERB_EXEC)
		snprintf(words, size, "exec failed: ");
	else
		return;
	if (init)
		snprintf(words + strlen(words), size - strlen(words),
			 "unable to start container process: error during container init: %s",
			 strncmp(e->text, "mounts[", 7) == 0 ? "error mounting " : "");
}

/*
 * A program that the kernel refuses to execute is the one failure that runc does not log: its init has nobody left to tell, and
 * writes a line of its own. Where a tool would read that line, it finds it; people and logs get the reason as well. Return: 1, done.
 */
static int said_as_init(const struct front *f, const struct err *e)
{
	static const char field[] = "process.args: ", exec[] = "exec /";
	const char *text = e->text + sizeof(field) - 1, *end;

	if (f->refusal || !e->from_init || args_string(&f->args, "log") || isatty(2) ||
	    strncmp(e->text, field, sizeof(field) - 1) != 0 ||
	    strncmp(text, exec, sizeof(exec) - 1) != 0)
		return 0;
	end = strstr(text, err_text(e->number));
	if (!end)
		return 0;
	end += strlen(err_text(e->number));
	dprintf(2, "%.*s\n", (int)(end - text), text);
	return 1;
}

int front_fail(struct front *f, const struct err *e)
{
	const char *text = f->refusal ? f->refusal : e->text;
	size_t size = strlen(text) + 160;
	char *said = f->as_runc ? malloc(size) : NULL;

	if (said && said_as_init(f, e)) {
		free(said);
		return f->exit_code ? f->exit_code : 1;
	}
	if (said) {
		as_runc(f, e, said, size);
		strcat(said, text);
	}
	log_error(said ? said : text);
	free(said);
	return f->exit_code ? f->exit_code : 1;
}

void front_host(const struct front *f, struct host *h, const struct plan *plan, int *slots)
{
	memset(h, 0, sizeof(*h));
	h->plan = plan;
	h->slots = slots;
	h->cache_dir = f->cache;
	h->libexec_dir = f->libexec;
	h->warn = log_warning;
	h->criu = h->master = -1;
}

void front_put_programs(const struct front *f, struct request *r)
{
	char path[PATH_MAX + 64], text[160];
	struct stat st = {0};

	snprintf(path, sizeof(path), "%s/tsrun-plan", f->libexec);
	stat(path, &st);
	snprintf(text, sizeof(text), "%s %s %lld %lld.%09ld", TSRUN_VERSION, TSRUN_COMMIT,
		 (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	request_put_text(r, "programs", text);
}

int front_start_planner(struct err *e, struct front *f, const char *task)
{
	char program[PATH_MAX + 64];

	if (f->planner.pid > 0)
		return 0;
	snprintf(program, sizeof(program), "%s/tsrun-plan", f->libexec);
	return planner_start(e, &f->planner, program, task);
}

static int find_plan(const struct front *f, const struct request *r, struct plan_query *query,
		     char **bytes, size_t *length)
{
	if (query->criu)
		return 0;
	if (query->dirfd >= 0 && exec_plan_find(query->dirfd, r, bytes, length))
		return 1;
	return template_find(f->plans, r, query->subject, bytes, length, &query->template_wanted);
}

/* Return: 0, < 0, or > 0: the exit code of the planner's refusal, whose text is in *bytes. */
static int ask_planner(struct err *e, struct front *f, struct request *r, struct plan_query *query,
		       char **bytes, size_t *length)
{
	int result = front_start_planner(e, f, query->criu ? PLANNER_CRIU : NULL);

	query->missed = 1;
	if (result == 0 && query->template_wanted)
		request_put_text(r, "want", "template");
	if (result == 0)
		result = request_finish(e, r);
	if (result == 0)
		result = planner_ask(e, &f->planner, r->data, r->length, bytes, length);
	if (result != 0)
		query->template_wanted = 0;
	if (!query->template_wanted)
		planner_stop(&f->planner);
	return result;
}

static int get_plan(struct err *e, struct front *f, struct request *r, struct plan_query *query,
		    char **bytes, size_t *length, struct plan *plan)
{
	const char *plan_fd = args_string(&f->args, "plan-fd");
	int result;

	if (plan_fd)
		return planner_read_plan(e, plan_fd, bytes, length);
	if (find_plan(f, r, query, bytes, length)) {
		/* A kept plan is not believed more than any other. */
		if (plan_decode(e, plan, *bytes, *length) == 0) {
			planner_stop(&f->planner);
			return 0;
		}
		free(*bytes);
		*bytes = NULL;
	}
	result = ask_planner(e, f, r, query, bytes, length);
	if (result <= 0)
		return result;
	f->refusal = *bytes;
	f->exit_code = result;
	*bytes = NULL;
	return -1;
}

int front_explain_criu(int r, struct err *e, struct front *f, struct request *request)
{
	char *text = NULL;
	size_t length;
	struct err unheard;
	int result;

	planner_stop(&f->planner);
	planner_reap(&f->planner);
	request_put_text(request, "criu.failure", e->text);
	result = front_start_planner(&unheard, f, PLANNER_CRIU);
	if (result == 0)
		result = request_finish(&unheard, request);
	if (result == 0)
		result = planner_ask(&unheard, &f->planner, request->data, request->length, &text,
				     &length);
	if (result <= 0) {
		free(text);
		return r;
	}
	f->refusal = text;
	f->exit_code = result;
	return r;
}

int front_plan(struct err *e, struct front *f, struct request *r, struct plan_query *query,
	       char **bytes, size_t *length, struct plan *plan)
{
	int result = get_plan(e, f, r, query, bytes, length, plan);

	if (result == 0)
		result = plan_decode(e, plan, *bytes, *length);
	if (result < 0)
		return result;
	log_debug("plan: %zu bytes, %u slots, %s", *length, plan->slot_count,
		  query->missed ? "made" : "kept");
	for (uint32_t i = 0; i < plan->warning_count; i++)
		log_warning(plan_string(plan, plan->warnings[i]));
	return 0;
}

void front_keep_template(struct front *f, const struct request *r, struct plan_query *query)
{
	_free_ char *template = NULL;
	struct plan_subject subject;
	size_t length;
	struct err e;

	if (!query->template_wanted)
		return;
	subject = *query->subject;
	/* The request has grown since, and may have moved. */
	if (query->dirfd < 0)
		subject.text.data = request_get(r, "config", &subject.text.length);
	if (planner_take_template(&e, &f->planner, &template, &length) == 0)
		template_keep(f->plans, r, &subject, template, length);
	query->template_wanted = 0;
	planner_stop(&f->planner);
}
