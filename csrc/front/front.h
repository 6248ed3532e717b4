// SPDX-License-Identifier: Apache-2.0
/* What every verb gets. */
#ifndef TSRUN_FRONT_FRONT_H
#define TSRUN_FRONT_FRONT_H

#include <limits.h>

#include "../base/err.h"
#include "../exec/exec.h"
#include "args.h"
#include "planner.h"
#include "request.h"

struct front {
	struct args args;
	char root[PATH_MAX];	     /* --root, absolute */
	char libexec[PATH_MAX + 32]; /* where tsrun-plan and tsrun-seccomp are */
	char cache[PATH_MAX];	     /* of compiled seccomp filters */
	struct planner planner;
	char *refusal; /* the planner's own error text, which may be longer than a struct err holds */
	int exit_code; /* that came with it */
};

/* Reports a failure: the planner's text when there is one, else e. Return: the exit code. */
int front_fail(struct front *f, const struct err *e);

/* Sends the request and decodes the plan that comes back. Return: 0 or < 0 (f->refusal may be set). */
int front_plan(struct err *e, struct front *f, struct request *r, char **bytes, size_t *length,
	       struct plan *plan);

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

#endif
