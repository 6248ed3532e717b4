// SPDX-License-Identifier: Apache-2.0
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/io.h"

static const struct flag flags[] = {
#define FLAG(verb, name, alias, type) {VERB_##verb, name, alias, FLAG_##type},
#include "flags.def"
#undef FLAG
};

struct verb_entry {
	const char *name;
	int minimum;
	int maximum; /* -1 none */
};

static const struct verb_entry verbs[] = {
	[VERB_CREATE] = {"create", 1, 1},   [VERB_START] = {"start", 1, 1},
	[VERB_STATE] = {"state", 1, 1},	    [VERB_KILL] = {"kill", 1, 2},
	[VERB_DELETE] = {"delete", 1, 1},   [VERB_RUN] = {"run", 1, 1},
	[VERB_EXEC] = {"exec", 1, -1},	    [VERB_PAUSE] = {"pause", 1, 1},
	[VERB_RESUME] = {"resume", 1, 1},   [VERB_MARKS] = {"marks", 0, 0},
	[VERB_PROBE] = {"probe", 0, -1},    [VERB_HOLD] = {"hold", 1, 1},
	[VERB_OOM] = {"oom", 1, 1},	    [VERB_CHECKPOINT] = {"checkpoint", 1, 1},
	[VERB_RESTORE] = {"restore", 1, 1},
};

static enum verb verb_find(const char *name)
{
	for (int v = VERB_CREATE; v < VERB_OTHER; v++)
		if (strcmp(verbs[v].name, name) == 0)
			return (enum verb)v;
	return VERB_OTHER;
}

static const struct flag *flag_find(enum verb verb, const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		const struct flag *f = &flags[i];

		if (f->verb != verb)
			continue;
		if (strlen(f->name) == length && memcmp(f->name, name, length) == 0)
			return f;
		if (f->alias && length == 1 && name[0] == f->alias)
			return f;
	}
	return NULL;
}

static int is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0)
			return 1;
	return 0;
}

/* Return: "true", "false", or NULL when it is neither in Go's view. */
static const char *bool_canonical(const char *text)
{
	static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True", NULL};
	static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False", NULL};

	if (is_one_of(text, yes))
		return "true";
	return is_one_of(text, no) ? "false" : NULL;
}

/* Return: NULL for an integer, else what is wrong, one of the two. */
static const char *integer_fault(const char *text, int base, const char *syntax, const char *range)
{
	char *end;

	if (!isdigit((unsigned char)text[*text == '-' || *text == '+']))
		return syntax;
	errno = 0;
	strtoll(text, &end, base);
	if (*end)
		return syntax;
	return errno ? range : NULL;
}

static int is_help(const char *name, size_t length)
{
	return (length == 1 && *name == 'h') || (length == 4 && memcmp(name, "help", 4) == 0);
}

static int is_version(const char *name, size_t length)
{
	return (length == 1 && *name == 'v') || (length == 7 && memcmp(name, "version", 7) == 0);
}

static int bad_bool(struct err *e, const char *given, const char *name, size_t length)
{
	return err_set(e, 0, "invalid boolean value \"%s\" for -%.*s: parse error", given,
		       (int)length, name);
}

/* A flag that is given without being listed: help of every verb, and the version. Return: 1 when it is one, 0 or < 0. */
static int take_builtin(struct err *e, struct args *a, enum verb verb, const char *name,
			const char *equals)
{
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	int *set = is_help(name, length)			  ? &a->help
		   : verb == VERB_ALL && is_version(name, length) ? &a->version
								  : NULL;
	const char *value = equals ? bool_canonical(equals + 1) : "true";

	if (!set)
		return 0;
	if (!value)
		return bad_bool(e, equals + 1, name, length);
	*set = strcmp(value, "true") == 0;
	return 1;
}

static int value_take(struct err *e, struct args *a, const struct flag *flag, const char *value)
{
	const char *given = value, *fault = NULL;

	if (flag->type == FLAG_BOOL) {
		value = bool_canonical(value);
		if (!value)
			return bad_bool(e, given, flag->name, strlen(flag->name));
	} else if (flag->type == FLAG_INT) {
		fault = integer_fault(value, 0, "parse error", "value out of range");
	} else if (flag->type == FLAG_INTS) {
		fault = integer_fault(value, 10, "invalid syntax", "value out of range");
		if (fault)
			return err_set(e, 0,
				       "invalid value \"%s\" for flag -%s: strconv.ParseInt: "
				       "parsing \"%s\": %s",
				       value, flag->name, value, fault);
	}
	if (fault)
		return err_set(e, 0, "invalid value \"%s\" for flag -%s: %s", value, flag->name,
			       fault);
	a->values[a->value_count].flag = flag;
	a->values[a->value_count++].value = value;
	return 0;
}

/*
 * Takes the flags of one verb from *at on, up to the first positional.
 * Return: 0 or < 0; *at is moved past what was taken.
 */
static int flags_take(struct err *e, struct args *a, enum verb verb, char ***at)
{
	while (**at) {
		const char *word = **at, *name, *equals;
		const struct flag *flag;
		size_t length;
		int r;

		if (word[0] != '-' || word[1] == '\0')
			return 0;
		(*at)++;
		name = word + 1 + (word[1] == '-');
		if (*name == '\0')
			return 0; /* -- */
		if (*name == '-' || *name == '=')
			return err_set(e, 0, "bad flag syntax: %s", word);
		equals = strchr(name, '=');
		length = equals ? (size_t)(equals - name) : strlen(name);
		flag = flag_find(verb, name, length);
		r = flag ? 0 : take_builtin(e, a, verb, name, equals);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (!flag)
			return err_set(e, 0, "flag provided but not defined: -%.*s", (int)length,
				       name);
		if (!equals && flag->type != FLAG_BOOL && !**at)
			return err_set(e, 0, "flag needs an argument: -%s", name);
		r = value_take(e, a, flag,
			       equals			 ? equals + 1
			       : flag->type == FLAG_BOOL ? "true"
							 : *(*at)++);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Whether a word names a flag of this verb, with or without a value. */
static int is_flag_of(enum verb verb, const char *word)
{
	const char *name = word + 1 + (word[0] && word[1] == '-');
	size_t length;

	if (word[0] != '-' || !*name)
		return 0;
	length = strcspn(name, "=");
	return flag_find(verb, name, length) || is_help(name, length);
}

/*
 * Moves the flags of a verb that stand behind its arguments to the front, as the library behind runc's command line does:
 * what follows a flag without '=' is taken for its value, and nothing behind "--" is a flag.
 */
static int flags_gather(struct err *e, enum verb verb, char **words)
{
	size_t count = 0, first = 0, other = 0;
	int value_may_follow = 0;
	_free_ char **flagged = NULL, **rest = NULL;

	while (words[count])
		count++;
	flagged = calloc(count + 1, sizeof(*flagged));
	rest = calloc(count + 1, sizeof(*rest));
	if (!flagged || !rest)
		return err_set(e, ENOMEM, "command line");
	for (size_t i = 0; i < count; i++) {
		int is_flag = is_flag_of(verb, words[i]);

		if (!is_flag && !value_may_follow && strcmp(words[i], "--") == 0) {
			memmove(rest + 1, rest, other++ * sizeof(*rest));
			rest[0] = words[i++];
			for (; i < count; i++)
				rest[other++] = words[i];
			break;
		}
		if (is_flag || value_may_follow)
			flagged[first++] = words[i];
		else
			rest[other++] = words[i];
		value_may_follow = is_flag && !strchr(words[i], '=');
	}
	memcpy(words, flagged, first * sizeof(*words));
	memcpy(words + first, rest, other * sizeof(*words));
	return 0;
}

/* What stands behind the arguments of these belongs to a program in the container, or to ps. */
static int keeps_order(enum verb verb)
{
	return verb == VERB_EXEC;
}

int args_parse(struct err *e, struct args *a, int argc, char **argv)
{
	char **at = argv + (argc > 0);
	int r;

	memset(a, 0, sizeof(*a));
	a->values = calloc((size_t)argc + 1, sizeof(*a->values));
	if (!a->values)
		return err_set(e, ENOMEM, "command line");
	r = flags_take(e, a, VERB_ALL, &at);
	if (r < 0 || a->help || a->version || !*at)
		return r;
	a->verb_name = *at++;
	a->verb = verb_find(a->verb_name);
	if (a->verb == VERB_OTHER)
		return 0;
	r = keeps_order(a->verb) ? 0 : flags_gather(e, a->verb, at);
	if (r == 0)
		r = flags_take(e, a, a->verb, &at);
	if (r < 0)
		return r;
	a->positionals = at;
	while (at[a->positional_count])
		a->positional_count++;
	return 0;
}

int args_count_check(struct err *e, const struct args *a)
{
	const struct verb_entry *v = &verbs[a->verb];
	int n = a->positional_count;

	if (v->minimum == v->maximum && n != v->minimum)
		return err_set(e, 0, "tsrun: \"%s\" requires exactly %d argument(s)", v->name,
			       v->minimum);
	if (n < v->minimum)
		return err_set(e, 0, "tsrun: \"%s\" requires a minimum of %d argument(s)", v->name,
			       v->minimum);
	if (v->maximum >= 0 && n > v->maximum)
		return err_set(e, 0, "tsrun: \"%s\" requires a maximum of %d argument(s)", v->name,
			       v->maximum);
	return 0;
}

static const struct flag_value *value_find(const struct args *a, const char *name)
{
	for (int i = a->value_count - 1; i >= 0; i--)
		if (strcmp(a->values[i].flag->name, name) == 0)
			return &a->values[i];
	return NULL;
}

const char *args_string(const struct args *a, const char *name)
{
	const struct flag_value *v = value_find(a, name);

	return v ? v->value : NULL;
}

int args_bool(const struct args *a, const char *name)
{
	const struct flag_value *v = value_find(a, name);

	return v && strcmp(v->value, "true") == 0;
}

long args_int(const struct args *a, const char *name)
{
	const struct flag_value *v = value_find(a, name);

	return v ? strtol(v->value, NULL, 0) : 0;
}
