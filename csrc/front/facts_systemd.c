// SPDX-License-Identifier: Apache-2.0
/* What the planner has to know about systemd, when that is to make cgroups. Twin of readSystemd in runtime/facts/read.ts. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "request.h"

#define CGROUP_TEXT_MAX 8192
#define NOBODY 65534u

/* Our uid outside of our user namespace. */
static unsigned int host_uid(void)
{
	unsigned int inside, outside, count, uid = getuid();
	char text[4096];

	if (read_small(AT_FDCWD, "/proc/self/uid_map", text, sizeof(text)) <= 0)
		return uid;
	for (char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 && uid >= inside &&
		    uid - inside < count)
			return outside + (uid - inside);
	return uid;
}

/* The part of a cgroup path that ends with user@UID.service. Return: its length, or 0. */
static size_t user_part(const char *path)
{
	for (const char *at = path; (at = strstr(at, "/user@")); at++) {
		size_t digits = strspn(at + 6, "0123456789");
		const char *end = at + 6 + digits;

		if (digits && strncmp(end, ".service", 8) == 0 && (end[8] == '/' || !end[8]))
			return (size_t)(end + 8 - path);
	}
	return 0;
}

/* The cgroup of the caller's own service manager: it is in it, or is known after the uid. */
static void find_user_cgroup(char *path, size_t size)
{
	unsigned int uid = host_uid();
	char text[CGROUP_TEXT_MAX], *line, *next;

	snprintf(path, size, "/user.slice/user-%u.slice/user@%u.service", uid, uid);
	if (read_small(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) <= 0)
		return;
	for (line = text; line; line = next) {
		size_t length;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		length = strncmp(line, "0::", 3) == 0 ? user_part(line + 3) : 0;
		if (length && length < size)
			snprintf(path, size, "%.*s", (int)length, line + 3);
	}
}

void request_put_systemd(struct request *r)
{
	char text[CGROUP_TEXT_MAX], cgroup[2048], path[4096];
	struct stat st;

	if (stat("/run/systemd/system", &st) < 0)
		return;
	if (read_small(AT_FDCWD, "/proc/1/cgroup", text, sizeof(text)) < 0)
		*text = '\0';
	request_put_text(r, "systemd.pid1.cgroup", text);
	/* Where hidepid hides the first process, it is not ours. */
	snprintf(path, sizeof(path), "%u", stat("/proc/1", &st) < 0 ? NOBODY : st.st_uid);
	request_put_text(r, "systemd.pid1.uid", path);
	find_user_cgroup(cgroup, sizeof(cgroup));
	request_put_text(r, "systemd.user.cgroup", cgroup);
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.controllers", cgroup);
	if (read_small(AT_FDCWD, path, text, sizeof(text)) >= 0)
		request_put_text(r, "systemd.user.controllers", text);
}
