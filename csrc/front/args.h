// SPDX-License-Identifier: Apache-2.0
/* The command line, in the grammar of Go's flag package. */
#ifndef TSRUN_FRONT_ARGS_H
#define TSRUN_FRONT_ARGS_H

#include "../base/err.h"

enum verb {
	VERB_NONE, /* no verb was given */
	VERB_CREATE,
	VERB_START,
	VERB_STATE,
	VERB_KILL,
	VERB_DELETE,
	VERB_RUN,
	VERB_EXEC,
	VERB_PAUSE,
	VERB_RESUME,
	VERB_MARKS,
	VERB_PROBE,
	VERB_HOLD,
	VERB_OOM,
	VERB_CHECKPOINT,
	VERB_RESTORE,
	VERB_OTHER, /* not one of the front's */
	VERB_ALL,   /* in tables: a global flag */
};

enum flag_type { FLAG_BOOL, FLAG_STRING, FLAG_LIST, FLAG_INT, FLAG_INTS };

struct flag {
	enum verb verb;
	const char *name;
	char alias; /* 0 none */
	enum flag_type type;
};

/* One flag as it was given. */
struct flag_value {
	const struct flag *flag;
	const char *value; /* "true" or "false" for a BOOL */
};

struct args {
	enum verb verb;
	const char *verb_name;
	int help;    /* -h or --help stood somewhere: the planner program prints it */
	int version; /* -v or --version before the verb */
	char **positionals;
	int positional_count;
	struct flag_value *values; /* room for argc of them */
	int value_count;
};

/*
 * Parses argv. a->values is fresh memory.
 * Return: 0, or < 0 with e filled with what runc prints after "Incorrect Usage"; a->verb tells where it went wrong.
 */
int args_parse(struct err *e, struct args *a, int argc, char **argv);

/* Checks the number of positionals of the front's verbs, in runc's words. Return: 0 or < 0. */
int args_count_check(struct err *e, const struct args *a);

/* The last value given for a flag, or NULL. */
const char *args_string(const struct args *a, const char *name);
int args_bool(const struct args *a, const char *name);
long args_int(const struct args *a, const char *name);

#endif
