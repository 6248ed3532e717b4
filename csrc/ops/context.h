// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_OPS_CONTEXT_H
#define TSRUN_OPS_CONTEXT_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "../base/err.h"
#include "../base/io.h"
#include "../base/sys.h"
#include "../plan/plan.h"

/* What ops work on: one per process (front, init). fds are owned by whoever made the context. */
struct context {
	const struct plan *plan;
	int *slots;

	/* The container's init, as the host sees it (front: after clone; init: told by GO). */
	pid_t pid;
	uint64_t start_time;
	const char *status; /* for state templates */

	/* Front only. */
	const char *owner; /* which new cgroups are marked with; NULL: they are not */
	const char *cache_dir;
	const char *libexec_dir;
	void (*warn)(const char *text);
	int failed;	     /* undo comes of a failure, not of delete */
	int vacancy_checked; /* CGROUP_VACANT has run: see host_check_vacant */
	int unit_taken;	     /* the systemd unit, and so its cgroup, is somebody else's */

	int criu;	     /* the connection to criu, while it is called */
	const char *scratch; /* directory that was made for criu, or NULL */

	/* Init only, but for the master, which a front gets from criu. */
	int socket;	       /* to the front */
	int root;	       /* O_PATH: where in-root paths start */
	const char *root_path; /* where its tree is attached; "" is over "/" */
	uint32_t made_slot;    /* target that ENSURE made last; NO_SLOT: it was there */
	int proc;	       /* O_PATH: a verified procfs */
	int null_attached; /* /dev/null's tree hangs in the root already, so it is cloned from there */
	int empty;	   /* read-only empty tmpfs for masks, once attached; -1 before */
	int master;	   /* console, until READY */
	int slave;	   /* console, until SESSION */
	int filtered;	   /* SECCOMP was done ahead: seccomp_early.h */
	int ids_done;	   /* IDS has run */
	const char *cwd;	/* CHDIR that must be tried again after IDS */
	char home[256];		/* HOME=... or "" */
	char program[PATH_MAX]; /* what FIND_EXEC found */
	char notice[512];	/* told with READY: something the caller should know */
};

/* Runs ops in order; stops at the first failure (all: goes on, keeps the first). Return: 0 or < 0, *failed = index of the op. */
int ops_run(struct err *e, struct context *c, enum section section, int all, uint32_t *failed);

/* One op, without looking at what it tolerates. */
int op_run(struct err *e, struct context *c, const struct op *op);

static inline const char *op_string(const struct context *c, const struct op *op, unsigned int word)
{
	return plan_string(c->plan, op->args[word]);
}

/* A borrowed slot; NO_SLOT gives -1. */
static inline int op_slot(const struct context *c, const struct op *op, unsigned int word)
{
	return op->args[word] == NO_SLOT ? -1 : c->slots[op->args[word]];
}

/* Puts an fd (consumed) into a slot. Return: 0. */
int slot_put(struct context *c, uint32_t slot, int fd);

/* A template with its placeholder bytes replaced; see exec/exec.h. */
char *template_fill(const char *text, size_t size, pid_t pid, const char *status,
		    uint64_t start_time, size_t *length);

#endif
