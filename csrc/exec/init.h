// SPDX-License-Identifier: Apache-2.0
/* The processes between clone and execve. Internal to exec/. */
#ifndef TSRUN_EXEC_INIT_H
#define TSRUN_EXEC_INIT_H

#include "../ops/context.h"
#include "exec.h"

/* All that a new process is told; it lives in the memory that fork copies. */
struct birth {
	const struct plan *plan;
	int *slots;
	const struct session_options *options;
	int socket; /* to the front */
	int gate;   /* exec that starts at once: a byte comes when READY was said; else -1 */
};

/* Runs setup and drop, waits for START, runs start. */
void __attribute__((noreturn)) init_main(const struct birth *b);

/* `create`: joins the namespaces that the plan lists, clones init as a child of the front, tells its pid and ends. */
void __attribute__((noreturn)) stage_main(const struct birth *b);

/*
 * `exec`: enters the container's namespaces, runs setup and drop, and only then, when it is as weak as the user process
 * will be, clones a child of the front into the pid namespace. Tells its pid and ends.
 */
void __attribute__((noreturn)) enter_main(const struct birth *b);

/* --- steps that these have in common --- */

/* The context of a process; what the caller has left behind (descriptors, signals, umask) is gone. */
void init_context(struct context *c, const struct birth *b);

/* Takes over stdio and waits for GO. Return: 0 or < 0. */
int init_await_go(struct err *e, struct context *c, const struct birth *b);

/* Waits until it may start, runs section start. */
void __attribute__((noreturn)) init_finish(struct context *c, const struct birth *b);

/* Takes on uid and gid 0 of a user namespace that was entered or made. Return: 0 or < 0. */
int become_namespace_root(struct err *e);

/* Tells the front what went wrong and ends. */
void __attribute__((noreturn)) birth_fail(int socket, const struct err *e);

#endif
