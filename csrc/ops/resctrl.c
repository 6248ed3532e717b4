// SPDX-License-Identifier: Apache-2.0
/* Groups of the resctrl file system. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"

#define SCHEMATA_SIZE 16384u
#define DIR_MODE 0755

/* Masks are hexadecimal and the kernel fills them up with zeros; digits of a percentage compare the same way. */
static int same_value(const char *a, const char *b)
{
	char *end_a, *end_b;
	unsigned long long x = strtoull(a, &end_a, 16), y = strtoull(b, &end_b, 16);

	return x == y && end_a != a && end_b != b && strchr(";\n", *end_a) && strchr(";\n", *end_b);
}

/* The value of a domain in a line "  L3:0=7f0;1=1f". Return: where it starts, or NULL. */
static const char *find_value(const char *line, const char *domain, size_t length)
{
	const char *at = line + strcspn(line, ":\n");

	while (*at == ':' || *at == ';') {
		at++;
		while (*at == ' ')
			at++;
		if (strncmp(at, domain, length) == 0 && at[length] == '=')
			return at + length + 1;
		at += strcspn(at, ";\n");
	}
	return NULL;
}

static const char *find_line(const char *text, const char *name, size_t length)
{
	for (const char *line = text; *line;) {
		const char *start = line + strspn(line, " \t");

		if (strncmp(start, name, length) == 0 && start[length] == ':')
			return start;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return NULL;
}

/* Whether each domain of one wanted line is in force. */
static int line_holds(const char *present, const char *wanted)
{
	const char *at = wanted + strcspn(wanted, ":\n");
	const char *line = find_line(present, wanted, (size_t)(at - wanted));

	if (!line)
		return 0;
	while (*at == ':' || *at == ';') {
		const char *domain = at + 1 + strspn(at + 1, " "), *value;
		size_t length = strcspn(domain, "=;\n");

		if (domain[length] != '=')
			return 0;
		value = find_value(line, domain, length);
		if (!value || !same_value(value, domain + length + 1))
			return 0;
		at = domain + strcspn(domain, ";\n");
	}
	return 1;
}

static int compare(struct err *e, const char *group, const char *file, const char *wanted)
{
	_free_ char *present = malloc(SCHEMATA_SIZE);
	ssize_t n = present ? read_small(AT_FDCWD, file, present, SCHEMATA_SIZE) : -ENOMEM;

	if (n < 0)
		return err_set(e, (int)-n, "read \"%s\"", file);
	for (const char *line = wanted; *line;) {
		size_t length = strcspn(line, "\n");

		if (!line_holds(present, line))
			return err_set(e, EEXIST,
				       "the group \"%s\" is there already, and \"%.*s\" is not "
				       "what it has",
				       group, (int)length, line);
		line += length + (line[length] == '\n');
	}
	return 0;
}

int op_RESCTRL_GROUP(struct err *e, struct context *c, const struct op *op)
{
	const char *group = op_string(c, op, 0), *wanted = op_string(c, op, 1);
	_free_ char *file = NULL;
	int r;

	if (asprintf(&file, "%s/schemata", group) < 0) {
		file = NULL;
		return err_set(e, ENOMEM, "asprintf");
	}
	if (mkdir(group, DIR_MODE) < 0)
		return errno == EEXIST ? compare(e, group, file, wanted)
				       : err_set(e, errno, "mkdir \"%s\"", group);
	r = write_once(AT_FDCWD, file, wanted, op->args[2]);
	if (r == 0)
		return 0;
	rmdir(group); /* it is nobody else's yet */
	return err_set(e, -r, "write \"%s\"", file);
}
