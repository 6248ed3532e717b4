// SPDX-License-Identifier: Apache-2.0
/* The job on stdin, and its properties as a message of D-Bus. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "systemd.h"

#define JOB_MAX (1u << 20)
#define FIELDS 4

static char text[JOB_MAX];

static int read_all(size_t *length)
{
	*length = 0;
	for (;;) {
		ssize_t n = read(STDIN_FILENO, text + *length, JOB_MAX - *length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail("tsrun-systemd: read: %s", strerror(errno));
		if (n == 0)
			return 0;
		*length += (size_t)n;
		if (*length == JOB_MAX)
			return fail("tsrun-systemd: the job is larger than %u bytes", JOB_MAX);
	}
}

int job_read(struct job *job)
{
	const char **const fields[FIELDS] = {&job->verb, &job->bus, &job->unit, &job->argument};
	size_t length, strings = 0, index = 0;

	if (read_all(&length) < 0)
		return -1;
	for (size_t i = 0; i < length; i++)
		strings += text[i] == '\0';
	if (strings < FIELDS || text[length - 1] != '\0')
		return fail("tsrun-systemd: the job is cut short");
	job->count = strings - FIELDS;
	job->properties = calloc(job->count + 1, sizeof(char *));
	if (!job->properties)
		return fail("tsrun-systemd: %s", strerror(ENOMEM));
	for (char *at = text; at < text + length; at += strlen(at) + 1, index++) {
		if (index < FIELDS)
			*fields[index] = at;
		else
			job->properties[index - FIELDS] = at;
	}
	return 0;
}

/* The values of one property, and how far they were taken. */
struct values {
	char *rest; /* NULL: used up */
};

static char *next_value(struct values *v)
{
	char *value = v->rest, *tab;

	if (!value)
		return NULL;
	tab = strchr(value, '\t');
	if (tab)
		*tab = '\0';
	v->rest = tab ? tab + 1 : NULL;
	return value;
}

/* Length of one complete type. */
static size_t type_length(const char *type)
{
	size_t n = 1, depth = 1;

	if (*type == 'a')
		return 1 + type_length(type + 1);
	if (*type != '(')
		return *type ? 1 : 0;
	while (depth > 0 && type[n]) {
		depth += type[n] == '(';
		depth -= type[n] == ')';
		n++;
	}
	return n;
}

static int append_number(sd_bus_message *m, char type, const char *value)
{
	char *end;
	int is_signed = type == 'n' || type == 'i' || type == 'x';
	int64_t i;
	uint64_t u;
	double d;

	errno = 0;
	i = is_signed ? strtoll(value, &end, 10) : 0;
	u = is_signed ? 0 : strtoull(value, &end, 10);
	d = type == 'd' ? strtod(value, &end) : 0;
	if (errno || end == value || *end)
		return -EINVAL;
	switch (type) {
	case 'y':
		return sd_bus_message_append(m, "y", (int)u);
	case 'n':
	case 'i':
		return sd_bus_message_append(m, type == 'n' ? "n" : "i", (int)i);
	case 'q':
	case 'u':
		return sd_bus_message_append(m, type == 'q' ? "q" : "u", (unsigned int)u);
	case 'x':
		return sd_bus_message_append(m, "x", i);
	case 't':
		return sd_bus_message_append(m, "t", u);
	case 'd':
		return sd_bus_message_append(m, "d", d);
	default:
		return -EINVAL;
	}
}

static int append_value(sd_bus_message *m, const char *type, size_t length, struct values *v);

static int append_array(sd_bus_message *m, const char *element, size_t length, struct values *v)
{
	char contents[64];
	const char *number = next_value(v);
	char *end;
	unsigned long count;
	int r;

	if (!number || length == 0 || length >= sizeof(contents))
		return -EINVAL;
	count = strtoul(number, &end, 10);
	if (*end)
		return -EINVAL;
	snprintf(contents, sizeof(contents), "%.*s", (int)length, element);
	r = sd_bus_message_open_container(m, 'a', contents);
	for (; r >= 0 && count > 0; count--)
		r = append_value(m, element, length, v);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_struct(sd_bus_message *m, const char *members, size_t length, struct values *v)
{
	char contents[64];
	int r;

	if (length == 0 || length >= sizeof(contents))
		return -EINVAL;
	snprintf(contents, sizeof(contents), "%.*s", (int)length, members);
	r = sd_bus_message_open_container(m, 'r', contents);
	for (size_t at = 0; r >= 0 && at < length;) {
		size_t n = type_length(members + at);

		r = append_value(m, members + at, n, v);
		at += n;
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const char *type, size_t length, struct values *v)
{
	const char *value;

	if (*type == 'a')
		return append_array(m, type + 1, length - 1, v);
	if (*type == '(')
		return append_struct(m, type + 1, length - 2, v);
	value = next_value(v);
	if (!value)
		return -EINVAL;
	switch (*type) {
	case 's':
	case 'o':
	case 'g':
		return sd_bus_message_append_basic(m, *type, value);
	case 'b':
		return sd_bus_message_append(m, "b", strcmp(value, "true") == 0);
	default:
		return append_number(m, *type, value);
	}
}

/* The number that the version starts with: "252 (252.39-1~deb12u1)", "v255.4". */
static int manager_version(sd_bus *bus)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char *version = NULL;
	int number = 0;
	int r = sd_bus_get_property_string(bus, MANAGER_NAME, MANAGER_PATH, MANAGER, "Version",
					   &error, &version);

	if (r < 0)
		fail_call("version", &error, r);
	else
		number = atoi(version + strcspn(version, "0123456789"));
	sd_bus_error_free(&error);
	free(version);
	return r < 0 ? -1 : number;
}

/* NAME[@VERSION]=TYPE VALUE[<tab>VALUE...]: cut into its parts in place. Return: 1, 0 when the manager is older, or -1. */
static int split(sd_bus *bus, char *property, char **type, struct values *values)
{
	static int version;
	char *equals = strchr(property, '='), *at, *blank;

	if (!equals)
		return fail("tsrun-systemd: property \"%s\" has no value", property);
	*equals = '\0';
	*type = equals + 1;
	blank = strchr(*type, ' ');
	values->rest = blank ? blank + 1 : NULL;
	if (blank)
		*blank = '\0';
	at = strchr(property, '@');
	if (!at)
		return 1;
	*at = '\0';
	if (version == 0)
		version = manager_version(bus);
	return version < 0 ? -1 : version >= atoi(at + 1);
}

static int append_property(sd_bus_message *m, const char *name, const char *type,
			   struct values *values)
{
	int r = sd_bus_message_open_container(m, 'r', "sv");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", name);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', type);
	if (r >= 0)
		r = append_value(m, type, strlen(type), values);
	if (r >= 0 && values->rest)
		r = -EINVAL;
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? fail("tsrun-systemd: property %s of type \"%s\": %s", name, type,
			    strerror(-r))
		     : 0;
}

int properties_append(sd_bus *bus, sd_bus_message *message, const struct job *job)
{
	for (size_t i = 0; i < job->count; i++) {
		struct values values;
		char *type = NULL;
		int r = split(bus, job->properties[i], &type, &values);

		if (r > 0)
			r = append_property(message, job->properties[i], type, &values);
		if (r < 0)
			return -1;
	}
	return 0;
}
