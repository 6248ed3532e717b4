// SPDX-License-Identifier: Apache-2.0
/*
 * Plans that are used again, so that no JavaScript has to start. There are two kinds.
 *
 * Kept plans, of exec: the same request gives the same plan. It lies in the container's state directory with the request
 * that it answers, and is used when a later request is equal byte by byte.
 *
 * Templates: engines write a config.json or a --process file of the same shape again and again, with other paths and ids in
 * it. For such a shape the planner makes a *template* (runtime/plan/template.ts): the text as literal chunks and holes,
 * each with a class that says what may stand there, and the plan with what was in the holes left out. A text that fits is
 * answered by filling in. All else (facts, flags, program) must be equal byte by byte.
 */
#ifndef TSRUN_FRONT_PLAN_CACHE_H
#define TSRUN_FRONT_PLAN_CACHE_H

#include <stdint.h>

#include "../base/err.h"
#include "request.h"

struct span {
	const char *data;
	size_t length;
};

/* What fills a template in. */
struct plan_subject {
	const char *id;
	const char *bundle;
	const char *time;
	/* config.json; for exec several documents, and the command (runtime/template-text.ts). */
	struct span text;
	/* How much of it, from its start, is JSON that tells one shape from the next; and how many words follow, for exec. */
	size_t shape_length;
	unsigned int word_count;
};

/* True when the directory holds anything: then it is worth while to look before the planner is started. */
int plan_cache_is_used(const char *directory);

/* Looks for a plan. Return: 1 with *plan fresh memory; 0: there is none (*wanted: a template would be welcome). */
int template_find(const char *directory, const struct request *r, const struct plan_subject *s,
		  char **plan, size_t *length, int *wanted);

/* Keeps a template that the planner has made for this request. Failures are of no consequence. */
void template_keep(const char *directory, const struct request *r, const struct plan_subject *s,
		   const void *template, size_t length);

/*
 * Fills a template in. Nothing of it is believed: a damaged one does not fit.
 * Return: 1 with *plan fresh memory, or 0 when it does not fit.
 */
int template_fill_in(const char *template, size_t size, const struct plan_subject *s, char **plan,
		     size_t *length);

/* Kept plans, in the state directory of the container. */
int exec_plan_is_kept(const char *root, const char *id);
int exec_plan_find(int dirfd, const struct request *r, char **plan, size_t *length);
void exec_plan_keep(int dirfd, const struct request *r, const void *plan, size_t length);

#endif
