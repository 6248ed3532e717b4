// SPDX-License-Identifier: Apache-2.0
/* The life of one container: started, served, ended, perhaps started again. */
#ifndef TSRUN_MONITOR_SERVE_H
#define TSRUN_MONITOR_SERVE_H

#include "clients.h"
#include "health.h"
#include "log.h"
#include "monitor.h"
#include "program.h"

struct monitor {
	struct settings settings;
	struct state state;
	struct log log;
	struct clients clients;
	struct stdio io;
	struct health health;
	struct scope_request scope;
	int64_t place_at; /* when that is asked for; 0: it was, or is not wanted */
	int dir;	  /* the container's directory */
	int signals;	  /* signalfd */
	int ended;	  /* the container has ended, with exit code state.exit_code */
	int stopped;	  /* somebody wants it stopped: it is not started again */
	int mounted;
	int64_t born;	   /* when it was started last */
	int64_t next;	   /* when it is started again; 0: it is not waited for that */
	unsigned int wait; /* milliseconds before the next start */
	char memory_file
		[512]; /* where its cgroup counts processes that were killed for want of memory */
	char input[MESSAGE]; /* what the container has not read yet */
	size_t input_at, input_have;
	struct client *input_from;
};

/* Serves until the container has ended for good and all is taken back. */
void monitor_serve(struct monitor *m);

#endif
