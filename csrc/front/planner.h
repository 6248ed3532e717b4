// SPDX-License-Identifier: Apache-2.0
/* The program that turns a request into a plan. */
#ifndef TSRUN_FRONT_PLANNER_H
#define TSRUN_FRONT_PLANNER_H

#include <stddef.h>
#include <sys/types.h>

#include "../base/err.h"

/* The task of planning checkpoint and restore, and of explaining what criu says. */
#define PLANNER_CRIU "plan-criu"

struct planner {
	int socket;  /* -1 when there is none */
	int request; /* the memory file that the request goes into */
	pid_t pid;   /* 0 when there is none */
};

/*
 * Starts PROGRAM with one end of a socket as its fd 3 and an empty memory file for the request as its fd 4, and comes
 * back while it boots. Return: 0 or < 0.
 */
int planner_start(struct err *e, struct planner *p, const char *program, const char *task);

/*
 * Sends the request and waits for the answer, 30 s at most. *answer is fresh memory.
 * Return: 0: *answer is a plan; > 0: an exit code, and *answer is the text of an error; < 0: e filled.
 */
int planner_ask(struct err *e, struct planner *p, const void *request, size_t request_length,
		char **answer, size_t *length);

/*
 * After a plan: waits a moment for the template of it (plan_cache.h). Return: 0 with fresh memory in *template, or < 0.
 */
int planner_take_template(struct err *e, struct planner *p, char **template, size_t *length);

/* Reads a plan that somebody else has made from a descriptor, to its end. Return: 0 or < 0. */
int planner_read_plan(struct err *e, const char *fd_text, char **answer, size_t *length);

/* Ends the program; it goes away while the front works on. */
void planner_stop(struct planner *p);

/* Reaps it, so that nobody else inherits a zombie. */
void planner_reap(struct planner *p);

#endif
