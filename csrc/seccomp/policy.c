// SPDX-License-Identifier: Apache-2.0
/*
 * The text of a policy, one statement a line, words separated by one space, in this order:
 *
 *	tsrun-seccomp 1
 *	arch NAME...			libseccomp's names; the native one is always there (optional)
 *	default ACTION
 *	tree				search by a tree (optional)
 *	enosys				system calls newer than the policy get ENOSYS (optional)
 *	rule ACTION [CONDITION...] = NAME...
 *	known NAME...			named by the policy, yet left to the default action
 *	end
 *
 * ACTION: allow log trap kill_thread kill_process notify errno:NUMBER trace:NUMBER
 * CONDITION: INDEX:OPERATOR:VALUE:VALUE, all decimal; operators ne lt le eq ge gt masked_eq
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "seccomp.h"

#define MAX_CONDITIONS 6

struct reader {
	struct policy *policy;
	char *next;	   /* rest of the text */
	char *rest;	   /* rest of the line; NULL at its end */
	unsigned int line; /* number of the line, from 1 */
};

static char *next_word(struct reader *r)
{
	char *word = r->rest;

	if (!word)
		return NULL;
	r->rest = strchr(word, ' ');
	if (r->rest)
		*r->rest++ = '\0';
	return word;
}

/* Moves on to the next line. Return: its first word, NULL at the end of the text. */
static char *next_line(struct reader *r)
{
	char *end;

	if (*r->next == '\0')
		return NULL;
	r->rest = r->next;
	end = strchr(r->next, '\n');
	if (!end)
		return NULL; /* cut off */
	*end = '\0';
	r->next = end + 1;
	r->line++;
	return next_word(r);
}

static int parse_number(const char *text, uint64_t most, uint64_t *value)
{
	uint64_t number = 0;

	if (*text == '\0')
		return -1;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || number > (UINT64_MAX - digit) / 10)
			return -1;
		number = number * 10 + digit;
	}
	if (number > most)
		return -1;
	*value = number;
	return 0;
}

static int parse_action(const char *word, uint32_t *action)
{
	static const struct {
		const char *name;
		uint32_t action;
	} plain[] = {
		{"allow", SCMP_ACT_ALLOW},
		{"log", SCMP_ACT_LOG},
		{"trap", SCMP_ACT_TRAP},
		{"kill_thread", SCMP_ACT_KILL_THREAD},
		{"kill_process", SCMP_ACT_KILL_PROCESS},
		{"notify", SCMP_ACT_NOTIFY},
	};
	uint64_t number;

	if (!word)
		return -1;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		if (strcmp(word, plain[i].name) == 0) {
			*action = plain[i].action;
			return 0;
		}
	}
	if (strncmp(word, "errno:", 6) == 0 && parse_number(word + 6, UINT16_MAX, &number) == 0) {
		*action = SCMP_ACT_ERRNO((uint32_t)number);
		return 0;
	}
	if (strncmp(word, "trace:", 6) == 0 && parse_number(word + 6, UINT16_MAX, &number) == 0) {
		*action = SCMP_ACT_TRACE((uint32_t)number);
		return 0;
	}
	return -1;
}

static int parse_operator(const char *word, enum scmp_compare *op)
{
	static const struct {
		const char *name;
		enum scmp_compare op;
	} operators[] = {
		{"ne", SCMP_CMP_NE},
		{"lt", SCMP_CMP_LT},
		{"le", SCMP_CMP_LE},
		{"eq", SCMP_CMP_EQ},
		{"ge", SCMP_CMP_GE},
		{"gt", SCMP_CMP_GT},
		{"masked_eq", SCMP_CMP_MASKED_EQ},
	};

	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		if (strcmp(word, operators[i].name) == 0) {
			*op = operators[i].op;
			return 0;
		}
	}
	return -1;
}

static int parse_condition(char *word, struct scmp_arg_cmp *condition)
{
	char *parts[4] = {word};
	uint64_t index;

	for (int i = 1; i < 4; i++) {
		parts[i] = strchr(parts[i - 1], ':');
		if (!parts[i])
			return -1;
		*parts[i]++ = '\0';
	}
	if (parse_number(parts[0], 5, &index) < 0 || parse_operator(parts[1], &condition->op) < 0 ||
	    parse_number(parts[2], UINT64_MAX, &condition->datum_a) < 0 ||
	    parse_number(parts[3], UINT64_MAX, &condition->datum_b) < 0)
		return -1;
	condition->arg = (unsigned int)index;
	return 0;
}

/* Remembers the number that a name has on each architecture. */
static void note_name(struct policy *policy, const char *name)
{
	for (unsigned int i = 0; i < policy->arches; i++) {
		struct arch_limit *limit = &policy->limits[i];
		int nr = seccomp_syscall_resolve_name_arch(limit->token, name);

		/* Negative: not there, or one that only libseccomp numbers. */
		if (nr > limit->highest)
			limit->highest = nr;
	}
}

static int add_arch(struct reader *r, const char *name)
{
	struct policy *policy = r->policy;
	uint32_t token = seccomp_arch_resolve_name(name);
	int result;

	if (token == 0)
		return fail("line %u: architecture %s: libseccomp %u.%u.%u does not know it",
			    r->line, name, seccomp_version()->major, seccomp_version()->minor,
			    seccomp_version()->micro);
	if (policy->arches == MAX_ARCHES)
		return fail("line %u: more than %d architectures", r->line, MAX_ARCHES);
	result = seccomp_arch_add(policy->filter, token);
	if (result == -EEXIST)
		return 0; /* the native one, which came first */
	if (result < 0)
		return fail(
			"line %u: architecture %s: cannot share a filter with the native one: %s",
			r->line, name, strerror(-result));
	policy->limits[policy->arches++] = (struct arch_limit){.token = token};
	return 0;
}

static int add_rule(struct reader *r)
{
	struct scmp_arg_cmp conditions[MAX_CONDITIONS] = {0};
	unsigned int count = 0;
	uint32_t action;
	char *word;

	if (parse_action(next_word(r), &action) < 0)
		return fail("line %u: bad action", r->line);
	while ((word = next_word(r)) && strcmp(word, "=") != 0) {
		if (count == MAX_CONDITIONS || parse_condition(word, &conditions[count]) < 0)
			return fail("line %u: bad condition", r->line);
		count++;
	}
	if (!word || !r->rest)
		return fail("line %u: a rule without names", r->line);
	while ((word = next_word(r))) {
		int nr = seccomp_syscall_resolve_name(word), result;

		/* A name that this libseccomp does not know yet, or nobody: profiles rely on it
		 * being skipped. */
		if (nr == __NR_SCMP_ERROR)
			continue;
		result = seccomp_rule_add_array(r->policy->filter, action, nr, count, conditions);
		if (result < 0)
			return fail("line %u: system call %s: %s", r->line, word,
				    result == -EEXIST ? "a rule before this one says otherwise"
						      : strerror(-result));
		note_name(r->policy, word);
	}
	return 0;
}

/* The lines before the rules. Return: first word of the line after them, NULL after a failure. */
static char *parse_head(struct reader *r)
{
	struct policy *policy = r->policy;
	char *word = next_line(r), *arches = NULL, *version;
	unsigned int arch_line = 0;
	uint32_t action;

	version = word ? next_word(r) : NULL;
	if (!version || strcmp(word, "tsrun-seccomp") != 0 || strcmp(version, "1") != 0 || r->rest)
		return fail("line 1: expected \"tsrun-seccomp 1\""), NULL;
	word = next_line(r);
	if (word && strcmp(word, "arch") == 0) {
		arches = r->rest;
		arch_line = r->line;
		word = next_line(r);
	}
	if (!word || strcmp(word, "default") != 0 || parse_action(next_word(r), &action) < 0 ||
	    r->rest)
		return fail("line %u: expected \"default ACTION\"", r->line), NULL;
	/* Nobody would be there to answer for the system calls that hand the listener over. */
	if (action == SCMP_ACT_NOTIFY)
		return fail("line %u: notify cannot be the default action", r->line), NULL;
	policy->filter = seccomp_init(action);
	if (!policy->filter)
		return fail("line %u: libseccomp refuses this default action", r->line), NULL;
	policy->limits[policy->arches++] = (struct arch_limit){.token = seccomp_arch_native()};
	if (arches) {
		struct reader list = {.policy = policy, .rest = arches, .line = arch_line};
		char *name;

		while ((name = next_word(&list)))
			if (add_arch(&list, name) < 0)
				return NULL;
	}
	word = next_line(r);
	if (word && strcmp(word, "tree") == 0) {
		/* Not there before libseccomp 2.5: the search is slower then. */
		seccomp_attr_set(policy->filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		word = next_line(r);
	}
	if (word && strcmp(word, "enosys") == 0) {
		policy->enosys = 1;
		word = next_line(r);
	}
	if (!word)
		fail("line %u: the text ends before \"end\"", r->line);
	return word;
}

int policy_parse(struct policy *policy, char *text)
{
	struct reader r = {.policy = policy, .next = text};
	char *word;

	for (word = parse_head(&r); word; word = next_line(&r)) {
		if (strcmp(word, "rule") == 0) {
			if (add_rule(&r) < 0)
				return -1;
		} else if (strcmp(word, "known") == 0) {
			while ((word = next_word(&r)))
				note_name(policy, word);
		} else if (strcmp(word, "end") == 0) {
			return *r.next || r.rest ? fail("line %u: text after \"end\"", r.line) : 0;
		} else {
			return fail("line %u: unknown statement %.40s", r.line, word);
		}
	}
	return r.line && policy->filter ? fail("line %u: the text ends before \"end\"", r.line)
					: -1;
}
