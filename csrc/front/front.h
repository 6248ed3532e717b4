// SPDX-License-Identifier: Apache-2.0
/* What every verb gets. */
#ifndef TSRUN_FRONT_FRONT_H
#define TSRUN_FRONT_FRONT_H

#include <limits.h>

#include "../base/err.h"
#include "../exec/exec.h"
#include "args.h"
#include "plan_cache.h"
#include "planner.h"
#include "request.h"

#ifndef TSRUN_VERSION
#define TSRUN_VERSION "dev"
#endif
#ifndef TSRUN_COMMIT
#define TSRUN_COMMIT "unknown"
#endif

struct front {
	struct args args;
	/* Paths, in memory of their own: init starts as a copy of this process, and every page counts for the container. */
	char *root;    /* --root, absolute */
	char *libexec; /* where tsrun-plan and other programs of tsrun are */
	char *cache;   /* of compiled seccomp filters */
	char *plans;   /* of templates of plans */
	struct planner planner;
	char *refusal; /* the planner's own error text, which may be longer than a struct err holds */
	int exit_code; /* that came with it */
	int as_runc;   /* called by that name */
};

/*
 * Reports a failure: the planner's text when there is one, else e. Who has put this program in the place of runc finds the
 * words of runc before it: `runc create failed: unable to start container process: ...`. Return: the exit code.
 */
int front_fail(struct front *f, const struct err *e);

/* Where a plan may be found without the planner. */
struct plan_query {
	const struct plan_subject *subject;
	int dirfd; /* exec: state directory of the container, where plans are kept; else -1 */
	int criu; /* checkpoint, restore: never kept, and asked of the part of the planner for it */
	int missed;	     /* out: the planner had to be asked */
	int template_wanted; /* out: it makes a template, too: front_keep_template */
};

/* Gets a plan for the request, from the cache or from the planner. Return: 0 or < 0 (f->refusal may be set). */
int front_plan(struct err *e, struct front *f, struct request *r, struct plan_query *query,
	       char **bytes, size_t *length, struct plan *plan);

/* After a failure of criu: has the planner, asked once more, say what it means. Return: r. */
int front_explain_criu(int r, struct err *e, struct front *f, struct request *request);

/* Waits for the template that was asked for, and keeps it. */
void front_keep_template(struct front *f, const struct request *r, struct plan_query *query);

/* Adds which programs answer: a plan of others is not used. */
void front_put_programs(const struct front *f, struct request *r);

/* Starts the planner, unless it runs. task: its argument, NULL for plans that a container waits for. Return: 0 or < 0. */
int front_start_planner(struct err *e, struct front *f, const char *task);

/* A host for a stored or fresh plan; slots are the caller's, may be NULL. */
void front_host(const struct front *f, struct host *h, const struct plan *plan, int *slots);

/* Return: exit code of the program. */
int verb_create(struct front *f);
int verb_start(struct front *f);
int verb_state(struct front *f);
int verb_kill(struct front *f);
int verb_delete(struct front *f);
int verb_run(struct front *f);
int verb_exec(struct front *f);
int verb_pause(struct front *f);
int verb_resume(struct front *f);
int verb_marks(struct front *f);
int verb_probe(struct front *f);
int verb_hold(struct front *f);
int verb_oom(struct front *f);
int verb_checkpoint(struct front *f);
int verb_restore(struct front *f);

#endif
