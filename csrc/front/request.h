// SPDX-License-Identifier: Apache-2.0
/* The request to the planner, as csrc/README.md describes it. */
#ifndef TSRUN_FRONT_REQUEST_H
#define TSRUN_FRONT_REQUEST_H

#include <stddef.h>

#include "../base/err.h"
#include "args.h"

struct request {
	char *data;
	size_t length;
	size_t room;
	unsigned int entries;
	size_t last;	  /* length of the value that was put last */
	size_t last_head; /* where its entry begins */
	size_t whole_at;  /* from here to fixed_end: what a kept plan must agree with */
	size_t fixed_at;  /* from here to fixed_end: what a template must agree with */
	size_t fixed_end;
	int unique; /* something in it holds for this process only */
	int failed; /* no memory: found out by request_finish */
};

void request_init(struct request *r);
void request_free(struct request *r);
void request_put(struct request *r, const char *key, const void *value, size_t length);
void request_put_text(struct request *r, const char *key, const char *text);

/* Adds a whole file below dirfd under a key. Return: 0 or < 0; e says what could not be read. */
int request_put_file(struct err *e, struct request *r, const char *key, int dirfd,
		     const char *path);

/* The value of the last entry, to be worked on; the next put may move it. NULL: no memory. */
char *request_last(struct request *r, size_t *length);
void request_shorten_last(struct request *r, size_t length);

/* The value of an entry, or NULL; it is no string, and the next put may move it. */
const char *request_get(const struct request *r, const char *key, size_t *length);

/* Adds what differs from call to call and means nothing for what is to be done: time, pid, cwd. */
void request_put_moment(struct request *r);

/* Where the parts begin and end that count when a plan is looked for (plan_cache.h). */
void request_begin_whole(struct request *r);
void request_begin_fixed(struct request *r);
void request_end_fixed(struct request *r);

/* Adds every opt.NAME that the planner has a use for. */
void request_put_args(struct request *r, const struct args *a);

/* exec: adds args, the command. */
void request_put_command(struct request *r, const struct args *a);

/*
 * Adds what the planner has to know about host and process. Where cgroups are mounted is left out when nobody asks:
 * a host with many containers has a long list of mounts. Return: 0 or < 0.
 */
int request_put_facts(struct err *e, struct request *r, int with_cgroups);

/* Adds what the systemd cgroup driver has to know, where systemd runs. */
void request_put_systemd(struct request *r);

/* Adds where the caller looks for programs. */
void request_put_path(struct request *r);

/* Fills in the header. Return: 0 or < 0. */
int request_finish(struct err *e, struct request *r);

#endif
