// SPDX-License-Identifier: Apache-2.0
/*
 * A scope of systemd for processes that are to outlive the unit that their caller is in. tsrun-systemd asks for it; its
 * language is in csrc/README.md.
 */
#ifndef TSRUN_BASE_SCOPE_H
#define TSRUN_BASE_SCOPE_H

#include <sys/types.h>

#include "err.h"

struct scope {
	const char *program; /* tsrun-systemd; NULL: none is wanted */
	const char *bus;     /* system, user */
	const char *unit;
	char *const *properties; /* NULL at their end */
};

/* One that was asked for. */
struct scope_request {
	pid_t pid; /* of the program; 0: nothing was asked for */
	int said;
};

/**
 * scope_begin - ask for a scope with these processes, which is made unless it is there
 *
 * Return: 0, or < 0 with e filled.
 */
int scope_begin(struct err *e, const struct scope *s, const pid_t *pids, int count,
		struct scope_request *r);

/**
 * scope_end - wait until they are in there
 *
 * Return: 0, also where no systemd answers, or < 0 with e filled.
 */
int scope_end(struct err *e, struct scope_request *r);

/* The same for who has waited for the program, which has ended with this wait status. */
int scope_ended(struct err *e, struct scope_request *r, int status);

#endif
