// SPDX-License-Identifier: Apache-2.0
/* A command that tells now and then whether a container does its work, in docker's way: health.json, and events of changes. */
#ifndef TSRUN_MONITOR_HEALTH_H
#define TSRUN_MONITOR_HEALTH_H

#include <stdint.h>

#include "monitor.h"

#define HEALTH_ENTRIES 5   /* that are kept */
#define HEALTH_OUTPUT 4096 /* bytes of each */

struct health_entry {
	char start[40], end[40];
	int code;
	char *output;
};

struct health {
	const struct settings *settings;
	int dir; /* the container's */
	const char *status;
	int streak;	 /* of failures */
	int64_t born;	 /* when the container was started */
	int64_t next;	 /* when something is to be done; 0: never */
	pid_t runtime;	 /* runs the command; 0: none does */
	int said;	 /* what the command prints; -1 */
	int64_t started; /* the command */
	int timed_out;
	size_t length;
	char text[HEALTH_OUTPUT + 1];
	struct health_entry
		entries[HEALTH_ENTRIES]; /* the oldest first; the last one is the one under way */
	int count;
};

/* The container runs. */
void health_begin(struct health *h, const struct settings *s, int dir);

/* Does what is due by h->next. */
void health_tick(struct health *h);

/* Reads what the command has printed. */
void health_hear(struct health *h);

/* h->runtime has ended, with this wait status. */
void health_ended(struct health *h, int status);

/* The container has ended. */
void health_end(struct health *h);

#endif
