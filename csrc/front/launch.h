// SPDX-License-Identifier: Apache-2.0
/* What create and run have in common: from the command line to an init that waits to be started. */
#ifndef TSRUN_FRONT_LAUNCH_H
#define TSRUN_FRONT_LAUNCH_H

#include "container.h"
#include "front.h"
#include "guardian.h"
#include "notify.h"

struct launch {
	struct front *front;
	struct statedir dir;
	struct request request;
	struct plan_subject subject;
	char *bundle;
	char time[64];
	struct plan_query query;
	char *bytes; /* the plan */
	size_t length;
	struct plan plan;
	int planned;
	int slots[MAX_SLOTS];
	struct host host;
	struct session session;
	struct guardian guardian;
	struct notify notify;
	char *pid_file; /* absolute, NULL none */
	char *owner;	/* what cgroups are marked with */
	int listener;
	int made;	 /* the state directory is ours */
	int pid_written; /* the pid file is ours */
};

void launch_init(struct launch *l, struct front *f);

/* State directory and plan. detached: nobody stays to serve a terminal. Return: 0 or < 0. */
int launch_plan(struct err *e, struct launch *l, int detached);

/*
 * Prepare, clone, until init is ready; the console goes to --console-socket when that is given. stdio may be NULL:
 * inherited. Return: 0 or < 0.
 */
int launch_begin(struct err *e, struct launch *l, const int *stdio, int wait_for_start);

/* Writes down what was made: from here on it is a container. Return: 0 or < 0. */
int launch_commit(struct err *e, struct launch *l);

/* The second half of it: state.json and the pid file, once section commit has run. Return: 0 or < 0. */
int launch_record(struct err *e, struct launch *l);

/* Undoes all of it after a failure. */
void launch_undo(struct launch *l);

/* A front that stays lets others change the container meanwhile, and removes it at the end unless they have. */
void launch_unlock(struct launch *l);
void launch_remove(struct launch *l);

/* Releases what this process holds. */
void launch_end(struct launch *l);

#endif
